"""What a run will do: which photos are found, where outputs go, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.folder_cases import files_below, fixed_model, tree
from support.picture_files import picture

from stn_cv.errors import InvalidInputError, InvalidTypeError
from stn_cv.folder import Options, collisions, make_plan, rectify_folder
from stn_cv.opencv import write_image


def items_of(plan, work="rectify"):
    return [item for shard in plan.shards() for item in shard.items if item.work == work]


def names(plan):
    targets = [item.target for item in items_of(plan)]
    return [os.path.relpath(path, plan.target).replace(os.sep, "/") for path in targets]


def planned(source, target, **options):
    sources = source if isinstance(source, list) else [source]
    return make_plan(sources, target, Options(**options))


@pytest.fixture
def photos(tmp_path):
    return tree(tmp_path / "in", ["b.jpg", "a.PNG", "sub/c.tif", "sub/deeper/d.webp", "e.bmp"])


def test_the_tree_is_mirrored_in_order(photos, tmp_path):
    plan = planned(photos, tmp_path / "out")
    assert names(plan) == ["a.PNG", "b.jpg", "e.bmp", "sub/c.tif", "sub/deeper/d.webp"]
    assert [item.source for item in items_of(plan)] == [
        str(photos / name) for name in ["a.PNG", "b.jpg", "e.bmp", "sub/c.tif", "sub/deeper/d.webp"]
    ]
    assert not (tmp_path / "out").exists()


def test_what_is_hidden_linked_or_no_image_is_left_out(photos, tmp_path):
    tree(photos, [".hidden.jpg", ".git/x.jpg", "._b.jpg"])
    (photos / "notes.txt").write_text("no photo")
    tree(tmp_path / "elsewhere", ["secret.jpg"])
    (photos / "link.jpg").symlink_to(tmp_path / "elsewhere" / "secret.jpg")
    (photos / "folder").symlink_to(tmp_path / "elsewhere")
    (photos / "ring").symlink_to(photos)
    if hasattr(os, "mkfifo"):
        os.mkfifo(photos / "pipe.jpg")
    assert len(names(planned(photos, tmp_path / "out"))) == 5


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"glob": ["*.jpg"]}, ["b.jpg"]),
        ({"glob": ["*.jpg", "c.*"]}, ["b.jpg", "sub/c.tif"]),
        ({"glob": ["sub/*"]}, ["sub/c.tif", "sub/deeper/d.webp"]),
        ({"exclude": ["sub"]}, ["a.PNG", "b.jpg", "e.bmp"]),
        ({"exclude": ["sub/deeper", "*.bmp"]}, ["a.PNG", "b.jpg", "sub/c.tif"]),
        ({"glob": ["*"], "exclude": ["*.[jJ]*"], "limit": 2}, ["a.PNG", "e.bmp"]),
        ({"limit": 1}, ["a.PNG"]),
        ({"glob": ["no such"]}, []),
        ({"format": "jpeg"}, ["a.jpeg", "b.jpg", "e.jpeg", "sub/c.jpeg", "sub/deeper/d.jpeg"]),
        ({"format": "tiff"}, ["a.tiff", "b.tiff", "e.tiff", "sub/c.tif", "sub/deeper/d.tiff"]),
    ],
)
def test_options_choose(photos, tmp_path, options, wanted):
    assert names(planned(photos, tmp_path / "out", **options)) == wanted


def test_files_named_on_their_own_are_photos_whatever_they_are_called(photos, tmp_path):
    (photos / "b.jpg").rename(photos / "photo.raw")
    plan = planned([photos / "photo.raw", photos / "sub"], tmp_path / "out", glob=["d*"])
    assert names(plan) == ["photo.raw", "deeper/d.webp"]


def test_a_very_deep_tree(tmp_path):
    deep = tmp_path / "in"
    while len(str(deep)) < 3500:
        deep = deep / ("d" * 60)
    deep.mkdir(parents=True)
    write_image(deep / "a.png", picture(8, 8))
    assert len(names(planned(tmp_path / "in", tmp_path / "out"))) == 1


def test_a_folder_that_cannot_be_read_is_named(photos, tmp_path, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    plan = planned(photos, tmp_path / "out")
    failed = [(item.source, item.reason) for item in items_of(plan, "fail")]
    assert failed == [(str(photos / "sub"), "Permission denied")]
    assert names(plan) == ["a.PNG", "b.jpg", "e.bmp"]
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out")
    assert summary.done == 3 and summary.failures == failed and summary.left == 0


# --- outputs that are there


def test_outputs_that_are_there_are_skipped_overwritten_or_refused(photos, tmp_path):
    tree(tmp_path / "out", ["b.jpg"])
    plan = planned(photos, tmp_path / "out")
    assert "b.jpg" not in names(plan) and len(names(plan)) == 4
    assert [item.target for item in items_of(plan, "skip")] == [str(tmp_path / "out" / "b.jpg")]
    assert len(names(planned(photos, tmp_path / "out", existing="overwrite"))) == 5
    with pytest.raises(InvalidInputError, match=r"1 outputs exist.*b\.jpg"):
        planned(photos, tmp_path / "out", existing="error")


def test_a_limit_counts_what_is_left_to_do(photos, tmp_path):
    tree(tmp_path / "out", ["a.PNG"])
    assert names(planned(photos, tmp_path / "out", limit=1)) == ["b.jpg"]


def test_a_link_that_leads_nowhere_is_no_output(photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.jpg").symlink_to(tmp_path / "nowhere")
    assert "b.jpg" in names(planned(photos, tmp_path / "out"))


# --- collisions


def test_two_photos_with_one_output_are_refused_before_anything_is_written(tmp_path):
    photos = tree(tmp_path / "in", ["a.jpg", "a.png", "b.png"])
    with pytest.raises(InvalidInputError, match=r"a\.jpg.*a\.png.*would both be written"):
        rectify_folder(fixed_model(), photos, tmp_path / "out", format="png")
    assert not (tmp_path / "out").exists()
    one, two = tree(tmp_path / "one", ["x/a.jpg"]), tree(tmp_path / "two", ["x/a.jpg"])
    with pytest.raises(InvalidInputError, match="would both be written"):
        planned([one, two], tmp_path / "out")
    with pytest.raises(InvalidInputError, match="would both be written"):
        planned([photos, photos / "a.jpg"], tmp_path / "out")
    with pytest.raises(InvalidInputError, match="would both be written"):
        planned([one / "x" / "a.jpg", two / "x" / "a.jpg"], tmp_path / "out")
    twice = planned([one / "x" / "a.jpg"] * 2, tmp_path / "out")
    assert len(items_of(twice)) == 2  # of one file


def test_a_file_where_a_folder_must_be_is_refused(tmp_path):
    photos = tree(tmp_path / "in", ["x.jpg", "x.png/y.png"])
    with pytest.raises(InvalidInputError, match="a file and a folder"):
        planned(photos, tmp_path / "out", format="png")


def test_an_output_may_not_be_the_manifest_or_the_sheet(tmp_path, monkeypatch):
    photos = tree(tmp_path / "in", ["a.png"])
    monkeypatch.chdir(tmp_path)
    for name in ("manifest", "contact_sheet"):
        with pytest.raises(InvalidInputError, match="would both be written"):
            planned("in", tmp_path / "out", **{name: "out/a.png"})
    with pytest.raises(InvalidInputError, match="two names"):
        planned(photos, "out", manifest="x", contact_sheet=tmp_path / "x")
    with pytest.raises(InvalidInputError, match="lies inside the input"):
        planned(photos, "out", contact_sheet=photos / "sheet.png")


def test_a_preview_may_not_be_an_output(tmp_path):
    photos = tree(tmp_path / "in", ["p/a.jpg", "a.jpg"])
    with pytest.raises(InvalidInputError, match="would both be written"):
        planned(photos, tmp_path / "out", preview=tmp_path / "out" / "p")


@pytest.mark.parametrize(
    "options",
    [
        {"manifest": "out"},
        {"contact_sheet": "out"},
        {"contact_sheet": "out/sub"},
        {"preview": "seen", "manifest": "seen"},
        {"preview": "seen", "contact_sheet": "seen/sub"},
        {"manifest": "x", "contact_sheet": "x/sheet.png"},
    ],
)
def test_a_report_may_not_be_a_folder_of_what_is_written(photos, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    before = files_below(tmp_path)
    with pytest.raises(InvalidInputError, match="would be a file and a folder"):
        rectify_folder(fixed_model(), "in", "out", **options)
    assert files_below(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("report", ["manifest", "contact_sheet"])
def test_a_report_may_not_be_a_pipe(photos, tmp_path, report):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInputError, match="is a device or pipe"):
        planned(photos, tmp_path / "out", **{report: tmp_path / "pipe"})


@pytest.mark.parametrize("existing", ["skip", "overwrite"])
def test_a_folder_in_an_outputs_place_costs_its_photo(photos, tmp_path, existing):
    (tmp_path / "out" / "b.jpg").mkdir(parents=True)
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out", existing=existing)
    ((path, reason),) = summary.failures
    assert path == str(photos / "b.jpg") and "is a folder" in reason and summary.done == 4


def test_a_preview_may_not_be_the_output_of_its_own_photo(tmp_path):
    tree(tmp_path, ["p.jpg"])
    with pytest.raises(InvalidInputError, match="would both be written"):
        planned(tmp_path / "p.jpg", tmp_path / "out", preview=tmp_path / "out")


def test_spellings_of_one_name_collide_where_the_system_folds_them(tmp_path, monkeypatch):
    photos = tree(tmp_path / "in", ["Ä.jpg", "a\u0308.jpg", "x.jpg"])
    if len(files_below(photos)) < 3:
        pytest.skip("this file system takes two spellings of a name for one file")
    assert len(names(planned(photos, tmp_path / "out"))) == 3
    monkeypatch.setattr(collisions, "FOLDS_NAMES", True)
    with pytest.raises(InvalidInputError, match="would both be written"):
        planned(photos, tmp_path / "out")


@pytest.mark.parametrize("where", [".", "inside", "sub/deeper"])
def test_an_output_inside_the_input_is_refused(photos, where):
    with pytest.raises(InvalidInputError, match="lies inside the input"):
        planned(photos, photos / where)
    with pytest.raises(InvalidInputError, match="lies inside the input"):
        planned(photos, photos.parent / "out", preview=photos / where)


def test_an_output_inside_the_input_is_seen_through_a_link(photos, tmp_path):
    (tmp_path / "link").symlink_to(photos)
    with pytest.raises(InvalidInputError, match="lies inside the input"):
        planned(photos, tmp_path / "link" / "out")
    with pytest.raises(InvalidInputError, match="lies inside the input"):
        planned(tmp_path / "link", photos / "out")


def test_an_input_below_the_output_is_fine_unless_an_output_hits_it(photos, tmp_path):
    assert len(names(planned(photos / "sub", tmp_path))) == 2
    tree(photos, ["in/z.jpg"])
    with pytest.raises(InvalidInputError, match="among the inputs"):
        planned(photos, tmp_path / "other", preview=tmp_path)
    with pytest.raises(InvalidInputError, match="among the inputs"):
        planned(photos, tmp_path)
    with pytest.raises(InvalidInputError, match="among the inputs"):
        planned([photos / "b.jpg"], photos, existing="overwrite")


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="neither a folder nor a file"):
        planned(tmp_path / "absent", tmp_path / "out")


# --- options


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"size": "huge"}, InvalidInputError, "size is 'huge'"),
        ({"size": (0, 5)}, InvalidInputError, "size is"),
        ({"size": (10_000, 10_000)}, InvalidInputError, "pixels"),
        ({"size": [5, 5]}, InvalidInputError, "size is"),
        ({"existing": "keep"}, InvalidInputError, "skip, overwrite, error"),
        ({"format": "gif"}, InvalidInputError, "png"),
        ({"quality": 0}, InvalidInputError, "1 to 100"),
        ({"quality": "90"}, InvalidInputError, "quality is '90'"),
        ({"limit": 0}, InvalidInputError, "at least 1"),
        ({"limit": 2.5}, InvalidInputError, "limit is 2.5; wanted an integer"),
        ({"n_jobs": 0}, InvalidInputError, "n_jobs is 0"),
        ({"n_jobs": "2"}, InvalidTypeError, "n_jobs is '2'"),
        ({"contact_sheet": os.curdir}, InvalidInputError, "is a folder"),
        ({"manifest": os.curdir}, InvalidInputError, "is a folder"),
        ({"max_pixels": 0}, InvalidInputError, "at least 1"),
        ({"glob": "*.jpg"}, InvalidTypeError, "lists of patterns"),
        ({"qality": 5}, TypeError, "qality"),
    ],
)
def test_options_that_make_no_sense_are_refused(photos, tmp_path, options, error, said):
    with pytest.raises(error, match=said):
        rectify_folder(fixed_model(), photos, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


# --- hostile names


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux allows file names that are not Unicode"
)
def test_hostile_names_stay_below_the_output(tmp_path):
    hostile = [
        b"-rf.jpg",
        b"--help.png",
        b"new\nline.png",
        b"caf\xe9.png",
        b"\x1b[31mred.png",
        b"$(touch x).png",
        b"..png",
        b"...jpg.png",
        "猫 ☃.jpg".encode(),
        b"a" * 251 + b".png",
        b"con.png",
        b"back\\slash.png",
        b"sub\\..\\..\\x.png",
    ]
    hidden = [b"..png", b"...jpg.png"]
    folder = os.fsencode(tmp_path / "in")
    os.mkdir(folder)
    for name in hostile:
        write_image(Path(os.fsdecode(folder + b"/" + name)), picture(8, 9))
    before = set(os.listdir(os.fsencode(tmp_path)))
    summary = rectify_folder(
        fixed_model(), tmp_path / "in", tmp_path / "out", manifest=tmp_path / "out.jsonl"
    )
    assert summary.done == len(hostile) - len(hidden) and not summary.failures
    wanted = set(hostile) - set(hidden)
    assert set(os.listdir(os.fsencode(tmp_path / "out"))) == wanted
    assert set(os.listdir(os.fsencode(tmp_path))) - before == {b"out", b"out.jsonl"}
    assert set(os.listdir(folder)) == set(hostile)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a folder at a second place")
@pytest.mark.parametrize(
    "mounted, place, out",
    [
        ("in", "again", "again/out"),
        ("in/sub", "again", "again"),
        ("in/sub", "a gain", "a gain/out"),
        ("other", "in/sub", "other/out"),
    ],
)
def test_an_output_inside_the_input_by_another_mount_is_refused(mounted, place, out, tmp_path):
    photos = tree(tmp_path / "in", ["a.png"])
    for folder in ("in/sub", "again", "a gain", "other"):
        (tmp_path / folder).mkdir()
    mount = ["mount", "--bind", tmp_path / mounted, tmp_path / place]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("folders cannot be mounted here")
    try:
        with pytest.raises(InvalidInputError, match="lies inside the input"):
            rectify_folder(fixed_model(), photos, tmp_path / out)
        assert rectify_folder(fixed_model(), photos, tmp_path / "elsewhere").done == 1
    finally:
        subprocess.run(["umount", tmp_path / place], check=True)
    assert files_below(photos) == ["a.png"]
