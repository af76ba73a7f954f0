"""`stn-cv fit --upright` and `--corners`: what they write, and what they refuse."""

import json
import re

import numpy as np
import pytest
from support.commands import COMMAND, stn_cv, stn_cv_process
from support.folder_cases import files_below
from support.pose_cases import few_judges
from support.upright_photos import (
    QUICK,
    turned_photos,
    upright_photos,
    write_coco,
    write_labelme,
    write_table,
)

import stn_cv as library
from stn_cv.model.photos import small_copy
from stn_cv.opencv import read_image, write_image


@pytest.fixture(scope="module", autouse=True)
def few():
    with few_judges():
        yield


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """The folder of a fit on upright photos, and what the command said."""
    root = tmp_path_factory.mktemp("upright")
    photos, background = upright_photos(root / "photos"), upright_photos(root / "behind", 2, 9)
    command = ["fit", "--upright", photos, "--out", root / "m.stn", "--background", background]
    done = stn_cv(*command, "--turn", "30", *QUICK)
    assert done.returncode == 0, done.stderr
    return root, done


@pytest.fixture(scope="module")
def corners(tmp_path_factory):
    """Turned photos, and a CSV of their corners."""
    root = tmp_path_factory.mktemp("corners")
    rows = turned_photos(root / "photos")
    return rows, write_table(root / "corners.csv", rows)


def test_model_and_sheets_are_there(fitted):
    root, done = fitted
    assert "8 photos, 2 epochs" in done.stdout
    assert re.search(r"512 new canvases of the trained .* \d+\.\d% of the width", done.stdout)
    assert "m.stn, m.sheet.png and m.canvases.png" in done.stdout
    model = library.load(root / "m.stn")
    assert model.classes is None and model.image_spec.height == 16
    for name in ("m.sheet.png", "m.canvases.png"):
        assert len(np.unique(read_image(root / name).reshape(-1, 3), axis=0)) > 20


def test_the_same_seed_gives_the_same_model_and_background_counts(fitted, tmp_path):
    root = fitted[0]
    command = ["fit", "--upright", root / "photos", "--turn", "30", *QUICK[:-1], "2"]
    for name, more in (("a.stn", ["--background", root / "behind"]), ("b.stn", [])):
        assert stn_cv(*command, "--out", tmp_path / name, *more).returncode == 0
    wanted = (root / "m.stn").read_bytes()
    assert (tmp_path / "a.stn").read_bytes() == wanted != (tmp_path / "b.stn").read_bytes()


def test_the_model_rectifies_a_folder_and_leaves_the_doubtful_alone(fitted, tmp_path):
    root = fitted[0]
    command = ["rectify", root / "m.stn", root / "photos", "-o", tmp_path / "out"]
    done = stn_cv(*command, "--min-confidence", "1", "--doubtful", tmp_path / "aside")
    assert done.returncode == 0 and "0 rectified, 8 doubtful, 0 skipped, 0 failed" in done.stdout
    assert files_below(tmp_path / "aside") == files_below(root / "photos")
    assert files_below(tmp_path / "out") == []


def test_all_files_of_corners_say_the_same(corners, tmp_path):
    rows, table = corners
    photos = rows[0][0].parent
    files = [
        table,
        write_table(table.with_name("short.csv"), rows, sizes=False),
        write_labelme(photos, rows),
        write_coco(table.with_name("coco.json"), rows),
    ]
    models = []
    for number, file in enumerate(files):
        out = tmp_path / f"{number}.stn"
        done = stn_cv("fit", "--corners", file, "--out", out, "--turn", "40", *QUICK)
        assert done.returncode == 0, done.stderr
        models.append(out.read_bytes())
    assert len(set(models)) == 1


def test_upright_photos_and_corrected_ones_are_learned_from_together(tmp_path):
    good = upright_photos(tmp_path / "good")
    for path in list(good.glob("*[1357].png")):
        path.unlink()  # those that are no squares, which are letterboxed
    whole = np.array([[0, 0], [32, 0], [32, 32], [0, 32]])
    upright = [(path, whole) for path in sorted(good.iterdir())]
    corrected = turned_photos(tmp_path / "photos", 4)
    both = [*upright[:-1], *corrected, (upright[-1][0], whole[[1, 2, 3, 0]])]
    together = write_table(tmp_path / "together.csv", both, sizes=False)
    beside = write_table(tmp_path / "beside.csv", both[len(upright) - 1 :], sizes=False)
    with beside.open("a") as file:
        file.write(f"{upright[0][0].relative_to(tmp_path)},32,32,,,,,,,,\n")  # hopeless
    together.write_text("".join(together.read_text().splitlines(keepends=True)[1:]))
    models = []
    for number, given in enumerate(([together], [beside, "--upright", good])):
        out = tmp_path / f"{number}.stn"
        done = stn_cv("fit", "--corners", *given, "--out", out, "--turn", "40", *QUICK)
        assert done.returncode == 0, done.stderr
        assert "7 photos, 2 epochs" in done.stdout
        models.append(out.read_bytes())
    assert models[0] == models[1]


def test_rows_are_as_long_as_the_header(corners, tmp_path):
    rows, table = corners
    short = write_table(table.with_name("s.csv"), rows, sizes=False).read_text()
    names = [f"{axis}{number}" for number in range(1, 5) for axis in "xy"]
    file = table.with_name("headed.csv")
    for header, code in ((["path"], 0), (["path", "width", "height"], 2)):
        file.write_text(",".join([*header, *names]) + "\n" + short)
        out = tmp_path / f"{code}.stn"
        done = stn_cv("fit", "--corners", file, "--out", out, "--turn", "40", *QUICK)
        assert done.returncode == code, done.stderr
    assert "line 2 of" in done.stderr and "wanted path,width" in " ".join(done.stderr.split())


def faulty(corners, line, change):
    """The table with one line changed, in a file beside it."""
    lines = corners[1].read_text().splitlines()
    cells = lines[line - 1].split(",")
    file = corners[1].with_name("faulty.csv")
    lines[line - 1] = ",".join(change(cells))
    file.write_text("\n".join(lines))
    return file


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda cells: ["photos/none.png", *cells[1:]], "there is no photo"),
        (lambda cells: cells[:3] + cells[5:7] + cells[3:5] + cells[9:] + cells[7:9], "mirror"),
        (lambda cells: cells[:3] + cells[3:5] * 4, "in a line"),
        (lambda cells: [*cells[:3], "-300", *cells[4:]], "outside of the photo"),
        (lambda cells: cells[:-1], "wanted path,width"),
        (lambda cells: [cells[0], "80", *cells[2:]], "would be 80 wide"),
    ],
)
def test_a_faulty_row_is_named(corners, tmp_path, change, reason):
    file = faulty(corners, 3, change)
    done = stn_cv("fit", "--corners", file, "--out", tmp_path / "m.stn", *QUICK)
    assert done.returncode == 2 and "epoch" not in done.stderr, done.stderr
    assert "line 3 of" in done.stderr and "faulty.csv" in done.stderr
    assert reason in " ".join(done.stderr.split())
    assert files_below(tmp_path) == []


def test_examples_that_cannot_be_learned_from_are_refused(fitted, tmp_path):
    few = upright_photos(tmp_path / "few", 4)
    alike = tmp_path / "alike"
    alike.mkdir()
    for number in range(6):
        write_image(alike / f"{number}.png", np.full((20, 20, 3), 90, np.uint8))
    (tmp_path / "empty").mkdir()
    photos = fitted[0] / "photos"
    cases = [
        ([few], ["few", "4 photos", "at least 5"]),
        ([alike], ["alike", "all 6 examples are alike"]),
        ([tmp_path / "empty"], ["empty", "no photo"]),
        ([photos, "--background", tmp_path / "empty"], ["empty", "no photo"]),
        ([photos, "--turn", "30", "--symmetry", "2"], ["symmetry is 2", "--turn"]),
        ([photos, "--turn", "0", "--symmetry", "2"], ["symmetry is 2", "angle is 0"]),
        ([photos, "--scale", "2", "1"], ["scale", "above 0"]),
        ([photos, "--epochs", "3"], ["--epochs goes with DATA"]),
    ]
    before = files_below(tmp_path)
    for arguments, words in cases:
        out = ["--out", tmp_path / "out" / "m.stn"]
        done = stn_cv("fit", "--upright", *arguments, *out, *QUICK)
        assert done.returncode == 2 and "epoch 1" not in done.stderr, done.stderr
        for word in words:
            assert word in done.stderr
        assert files_below(tmp_path) == before


def test_one_kind_of_examples_is_wanted(fitted, tmp_path):
    photos = fitted[0] / "photos"
    out = ["--out", tmp_path / "m.stn"]
    assert "nothing to learn from; give DATA" in stn_cv("fit", *out).stderr
    done = stn_cv("fit", photos, "--corners", fitted[0] / "m.sheet.png", *out)
    assert done.returncode == 2 and "--corners for one that is known; give one" in done.stderr
    done = stn_cv("fit", photos, "--turn", "3", *out)
    assert done.returncode == 2 and "--turn goes with --upright or --corners" in done.stderr


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Turned photos of two classes, and upright ones."""
    root = tmp_path_factory.mktemp("labelled")
    for number, name in enumerate(("bright", "dark")):
        for path, _ in turned_photos(root / "data" / name, 8 + number):
            write_image(path, read_image(path) // (1 + number))
    return root, upright_photos(root / "upright")


def test_labels_and_upright_photos_make_one_model(labelled, tmp_path):
    root, upright = labelled
    command = ["fit", root / "data", "--upright", upright, "--out", tmp_path / "m.stn"]
    options = ["--epochs", "5", "--validation", "0.2", "--turn", "40", "--head", "linear", "--keep"]
    done = stn_cv(*command, *options, *QUICK)
    assert done.returncode == 0, done.stderr
    assert "learning the pose from 8 upright photos" in done.stderr
    assert "17 photos of 2 classes: bright 8, dark 9" in done.stdout
    model = library.load(tmp_path / "m.stn")
    assert model.classes.tolist() == ["bright", "dark"] and model.transform.confidence
    table = tmp_path / "out.jsonl"
    command = ["rectify", tmp_path / "m.stn", root / "data", "-o", tmp_path / "out"]
    done = stn_cv(*command, "--manifest", table, "--min-confidence", "0")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in table.read_text().splitlines()]
    photo = read_image(rows[0]["input"])
    small = small_copy(photo, model.image_spec)
    assert rows[0]["label"] == model.classes[model.predict_proba(small).argmax()]
    assert rows[0]["confidence"] == pytest.approx(model.find_pose(small)[1])


def test_labels_with_upright_photos_refuse_what_does_not_go_with_them(labelled, tmp_path):
    root, upright = labelled
    few = upright_photos(tmp_path / "few", 4)
    for arguments, words in (
        ([upright, "--localization", "mlp"], "--localization goes with DATA without --upright"),
        ([few], "4 photos"),
        ([upright, "--turn", "30", "--symmetry", "2"], "symmetry is 2"),
    ):
        out = ["--out", tmp_path / "out" / "m.stn"]
        done = stn_cv("fit", root / "data", "--upright", *arguments, *out, *QUICK)
        assert done.returncode == 2 and words in " ".join(done.stderr.split()), done.stderr
        assert not (tmp_path / "out").exists()


def test_the_time_for_a_training_is_kept(labelled, tmp_path):
    root, upright = labelled
    of_labels = [root / "data", "--head", "linear", "--keep", *QUICK[2:]]
    for source in (of_labels, ["--upright", upright, *QUICK]):
        done = stn_cv("fit", *source, "--out", tmp_path / "m.stn", "--max-seconds", "0.001")
        assert done.returncode == 0, done.stderr
        assert 1 <= done.stderr.count("epoch") <= 3


INTERRUPTED = """
import itertools
from stn_cv.pose.objective import KnownPoses
evaluate, calls = KnownPoses.evaluate, itertools.count()
def pressed(self, network, settings):
    if next(calls) >= {at}:
        raise KeyboardInterrupt
    return evaluate(self, network, settings)
KnownPoses.evaluate = pressed
"""


@pytest.mark.parametrize(("at", "kept"), [(0, False), (4, True)])
def test_ctrl_c_keeps_what_was_learned(fitted, tmp_path, at, kept):
    command = ["fit", "--upright", fitted[0] / "photos", "--out", tmp_path / "m.stn"]
    done = stn_cv_process(*command, *QUICK, code=INTERRUPTED.format(at=at) + COMMAND)
    assert done.returncode == 130 and "Traceback" not in done.stderr, done.stderr
    assert ("Wrote" in done.stdout) == kept == bool(files_below(tmp_path))
    assert kept or "nothing written" in done.stderr


def test_ctrl_c_while_the_pose_is_learned_writes_nothing(labelled, tmp_path):
    root, upright = labelled
    command = ["fit", root / "data", "--upright", upright, "--out", tmp_path / "m.stn"]
    done = stn_cv_process(*command, *QUICK, code=INTERRUPTED.format(at=2) + COMMAND)
    assert done.returncode == 130 and "Traceback" not in done.stderr, done.stderr
    assert "nothing written" in done.stderr and files_below(tmp_path) == []
