"""The server of a review, asked without a browser: what it answers, and what it refuses."""

import errno
import http.client
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from support.folder_cases import fixed_model, rows_of, tree
from support.picture_files import picture
from support.review_cases import FRAME, MARKUP, NAMES, asked, correct, number_of, serving, told

from stn_cv import corners_from_theta, rectify_folder
from stn_cv.errors import InvalidInputError
from stn_cv.folder.corner_files import known_corners
from stn_cv.opencv import decode, read_image, write_image
from stn_cv.review import ReviewServer, ReviewSession


def test_the_page_and_its_files_are_there(served):
    status, headers, page = asked(served.address)
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert b"8 photos: 7 rectified, 0 doubtful, 1 failed" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for name in ("page.css", "review.css", "gallery.js", "stage.js", "review.js"):
        assert name.encode() in page and asked(served.address, name)[0] == 200


def test_photos_come_the_worst_first_and_filtered(served):
    _, all_of_them = told(served.address, "photos")
    cards = all_of_them["cards"]
    assert all_of_them["total"] == len(cards) == len(NAMES) + 2
    assert cards[0]["status"] == "error" and cards[0]["before"] == ""
    sure = [card["confidence"] for card in cards[1:]]
    assert sure == sorted(sure)
    for query, count in [
        ("status=error", 1),
        ("status=done", 7),
        ("turn=29.9", 7),
        ("turn=30.1", 0),
        (f"confidence={sure[2]}", 2),
        ("mark=none", 8),
        ("mark=right", 0),
        ("page=99", 8),
    ]:
        assert told(served.address, f"photos?{query}")[1]["total"] == count, query
    both = [told(served.address, f"photos?label={label}")[1]["total"] for label in (0, 1)]
    assert sum(both) == 7
    for query in ("status=x", "turn=x", "page=inf", "label=nan"):
        assert told(served.address, f"photos?{query}")[0] == 422


@pytest.mark.parametrize("name", ["deep.tiff", "b.jpg", MARKUP])
def test_any_photo_is_shown_as_jpeg(served, name):
    number = number_of(served.address, name)
    for side in ("before", "after"):
        status, headers, data = asked(served.address, f"photo/{number}/{side}.jpg?side=24")
        assert status == 200 and headers["Content-Type"] == "image/jpeg"
        assert max(decode(data).shape) == 24
    state = told(served.address, f"photo/{number}")[1]
    assert (state["width"], state["height"], state["version"]) == (40, 30, 0)


def test_a_photo_that_cannot_be_read_says_why(served):
    number = number_of(served.address, "broken.png")
    status, content = told(served.address, f"photo/{number}")
    assert status == 422 and "begin as no image" in content["error"]
    assert told(served.address, "photo/99")[0] == 422


def test_a_correction_is_in_the_file_exactly_and_gives_what_python_gives(run, served, tmp_path):
    folder, model = run
    number = number_of(served.address, "b.jpg")
    status, state = correct(served.address, number, FRAME)
    assert status == 200 and (state["mark"], state["version"]) == ("corrected", 1)
    (row,) = known_corners(served.session.corrections.path)
    assert os.path.samefile(row.path, folder / "in" / "sub" / "b.jpg") and row.size == (40, 30)
    np.testing.assert_array_equal(row.corners, FRAME)
    out = tmp_path / "out"
    summary = rectify_folder(
        model, folder / "in", out, corrections=served.session.corrections.path, format="png"
    )
    assert summary.done == 1
    photo = read_image(folder / "in" / "sub" / "b.jpg")
    wanted = model.rectify_photo(photo, corners=FRAME)
    np.testing.assert_array_equal(read_image(out / "sub" / "b.png"), wanted)
    after = decode(asked(served.address, f"photo/{number}/after.jpg?side=480")[2])
    assert after.shape[0] == after.shape[1] == 480  # the model's proportions


def test_marks_are_kept_and_told_apart(run, served, tmp_path):
    number, other = (number_of(served.address, name) for name in ("a.png", "c.webp"))
    found = told(served.address, f"photo/{number}")[1]["found"]
    theta = next(
        row["theta"] for row in rows_of(run[0] / "m.jsonl") if row["input"].endswith("/a.png")
    )
    np.testing.assert_array_equal(found, corners_from_theta(theta, (30, 40)))
    assert correct(served.address, number, found)[1]["mark"] == "right"
    hopeless = {"version": 0, "mark": "hopeless"}
    assert told(served.address, f"photo/{other}", "POST", hopeless)[1]["mark"] == "hopeless"
    counts = {"none": 6, "right": 1, "corrected": 0, "hopeless": 1}
    assert told(served.address, "photos")[1]["marked"] == counts
    assert told(served.address, "photos?mark=right")[1]["total"] == 1
    with serving(run[0] / "m.jsonl", served.session.corrections.path) as again:
        assert told(again.address, "photos")[1]["marked"] == counts
    assert told(served.address, f"photo/{number}", "POST", {"version": 1, "mark": "none"})[0] == 200
    assert [row.corners for row in known_corners(served.session.corrections.path)] == [None]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"corners": FRAME[::-1]}, "counter-clockwise"),
        ({"corners": [FRAME[0], FRAME[2], FRAME[1], FRAME[3]]}, "cross"),
        ({"corners": (np.array(FRAME) + 200).tolist()}, "outside"),
        ({"corners": FRAME[:3]}, "four corners"),
        ({"corners": "x"}, "four corners"),
        ({"corners": [[None, 1]] * 4}, "four corners"),
        ({"corners": [[1e400, 1]] * 4}, "NaN or infinity"),
        ({"mark": "x"}, "mark is 'x'"),
    ],
)
def test_what_is_no_frame_is_not_saved(served, change, reason):
    body = {"version": 0, "mark": "corrected", **change}
    status, content = told(served.address, "photo/1", "POST", body)
    assert status == 422 and reason in content["error"]
    assert "[[" not in content["error"]  # who drew the frame does not know its numbers
    assert not os.path.exists(served.session.corrections.path)


def test_whoever_comes_second_is_told(served):
    number = number_of(served.address, "d.png")
    assert correct(served.address, number, FRAME)[0] == 200
    status, content = correct(served.address, number, [[0, 0], [40, 0], [40, 30], [0, 30]])
    assert status == 409 and "another tab" in content["error"]
    np.testing.assert_array_equal(known_corners(served.session.corrections.path)[0].corners, FRAME)


def test_of_many_at_once_one_wins(served):
    number, answers = number_of(served.address, "e.png"), []
    frames = [(np.array(FRAME) + 0.1 * i).tolist() for i in range(8)]
    threads = [
        threading.Thread(target=lambda f=f: answers.append((correct(served.address, number, f), f)))
        for f in frames
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [frame for (status, _), frame in answers if status == 200]
    assert len(won) == 1 and sum(status == 409 for (status, _), _ in answers) == 7
    np.testing.assert_array_equal(known_corners(served.session.corrections.path)[0].corners, won[0])


def test_foreigners_are_refused(served):
    port = served.server_address[1]
    home = {"Host": f"127.0.0.1:{port}"}
    for headers in (
        {"Host": "evil.example"},
        {"Host": f"evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": ""},
        {**home, "Origin": "http://evil.example"},
        {**home, "Origin": "null"},
        {**home, "Origin": f"https://127.0.0.1:{port}"},
        {**home, "Sec-Fetch-Site": "cross-site"},
        {**home, "Sec-Fetch-Site": "same-site"},
    ):
        for method, body in (("GET", None), ("POST", {"version": 0, "mark": "hopeless"})):
            assert asked(served.address, "photo/1", method, body, **headers)[0] == 403, headers
    assert told(served.address, "photos", Host=f"localhost:{port}")[0] == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}
    assert asked(served.address, **link)[0] == 200
    assert asked(served.address, "photo/1", "POST", {}, **link)[0] == 403
    assert told(served.address, "photos")[1]["marked"]["hopeless"] == 0


def test_no_other_address_is_answered(served):
    base = served.address.removesuffix(served.token + "/")
    for path in (
        "",
        "photos",
        "x/photos",
        served.token,
        f"{served.token[:-1]}/photos",
        "../photos",
    ):
        status, _, body = asked(base, path)
        assert status == 403 and served.token.encode() not in body, path
    for path in (
        "../m.jsonl",
        "%2e%2e/m.jsonl",
        "report.js",
        "review.html",
        "photo/1/../../x",
        "photo/-1",
        "photo/1/in.jpg",
        "photo/x",
        "/etc/passwd",
        "static/page.css",
    ):
        assert asked(served.address, path)[0] == 404, path


def test_requests_of_a_wrong_kind_are_refused(served):
    body = {"version": 0, "mark": "hopeless"}
    form = {"Content-Type": "text/plain"}
    assert asked(served.address, "photo/1", "POST", body, **form)[0] == 415
    assert asked(served.address, "photo/1", "POST", {"x": "y" * 2**15})[0] == 413
    assert asked(served.address, "photo/1", "POST", [1])[0] == 400
    assert asked(served.address, "photo/1/before.jpg", "POST", body)[0] == 405
    assert asked(served.address, "photo/1", "PUT", body)[0] == 501
    connection = http.client.HTTPConnection("127.0.0.1", served.server_address[1], timeout=30)
    connection.request(
        "POST", f"/{served.token}/photo/1", b"{", {"Content-Type": "application/json"}
    )
    assert connection.getresponse().status == 400
    connection.close()


def test_a_file_that_another_program_changed_is_not_written_over(served):
    first, second = (number_of(served.address, name) for name in ("a.png", "d.png"))
    assert correct(served.address, first, FRAME)[0] == 200
    path = Path(served.session.corrections.path)
    before = path.read_text() + "\n"
    path.write_text(before)
    status, content = correct(served.address, second, FRAME)
    assert status == 422 and "changed by another program" in content["error"]
    assert path.read_text() == before


def test_rows_of_other_photos_stay(run, tmp_path):
    other = tree(tmp_path / "other", ["z.png"]) / "z.png"
    file = tmp_path / "c.csv"
    file.write_text(f"{other},40,30,0,0,40,0,40,30,0,30\n")
    with serving(run[0] / "m.jsonl", file) as server:
        assert correct(server.address, 1, FRAME)[0] == 200
    assert [row.path.endswith("z.png") for row in known_corners(file)] == [True, False]


def test_what_cannot_be_reviewed_is_refused(run, tmp_path):
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("no manifest\n")
    with pytest.raises(InvalidInputError, match="is no manifest"):
        ReviewSession(manifest)
    manifest.write_text("")
    with pytest.raises(InvalidInputError, match="holds no row"):
        ReviewSession(manifest)
    row = {"input": "gone/a.png", "output": "x", "status": "done", "theta": None}
    manifest.write_text(json.dumps(row) + "\n")
    with pytest.raises(InvalidInputError, match="not there, such as 'gone/a.png'"):
        ReviewSession(manifest)
    bad = tmp_path / "bad.csv"
    bad.write_text("x,y\n")
    with pytest.raises(InvalidInputError, match="line 1 of"):
        ReviewSession(run[0] / "m.jsonl", bad)
    with pytest.raises(InvalidInputError, match="folder"):
        ReviewSession(run[0] / "m.jsonl", tmp_path)


def test_a_port_that_is_taken_is_named(served):
    with pytest.raises(InvalidInputError, match="cannot listen on port"):
        ReviewServer(served.session, served.server_address[1])


def test_a_photo_that_is_gone_costs_its_own_page_only(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=tmp_path / "m.jsonl")
    (photos / "a.png").unlink()
    with serving(tmp_path / "m.jsonl") as server:
        number = number_of(server.address, "a.png")
        status, content = told(server.address, f"photo/{number}")
        assert status == 500 and "No such file" in content["error"]
        assert told(server.address, f"photo/{1 - number}")[0] == 200
        assert told(server.address, "photos")[1]["total"] == 2


def test_a_photo_that_is_another_one_by_now_is_seen_and_said(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=tmp_path / "m.jsonl")
    with serving(tmp_path / "m.jsonl") as server:
        number = number_of(server.address, "a.png")
        assert told(server.address, f"photo/{number}")[1]["changed"] is False
        write_image(photos / "a.png", picture(50, 60))
        state = told(server.address, f"photo/{number}")[1]
        assert state["changed"] is True and (state["width"], state["height"]) == (60, 50)
        assert correct(server.address, number, FRAME)[0] == 200
    assert known_corners(tmp_path / "corrections.csv")[0].size == (60, 50)


def test_a_file_that_cannot_be_written_is_named_and_nothing_changes(served, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    number = number_of(served.address, "a.png")
    with monkeypatch.context() as patched:
        patched.setattr("stn_cv.review.corrections.write_bytes", full)
        status, content = correct(served.address, number, FRAME)
    assert status == 422 and "corrections.csv': No space left on device" in content["error"]
    assert told(served.address, f"photo/{number}")[1]["mark"] == "none"
    assert correct(served.address, number, FRAME)[0] == 200


def test_a_photo_that_was_redone_by_its_corrections_is_still_a_corrected_one(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    options = {"manifest": tmp_path / "m.jsonl"}
    rectify_folder(fixed_model(), photos, tmp_path / "out", **options)
    with serving(tmp_path / "m.jsonl") as server:
        assert correct(server.address, 0, FRAME)[0] == 200
    file = tmp_path / "corrections.csv"
    rectify_folder(fixed_model(), photos, tmp_path / "out", corrections=file, **options)
    with serving(tmp_path / "m.jsonl") as server:
        marked = told(server.address, "photos")[1]["marked"]
    assert marked == {"none": 1, "right": 0, "corrected": 1, "hopeless": 0}
