"""Files of corners: our table and those of other tools, in and out."""

import json

import numpy as np
import pytest
from support.commands import stn_cv
from support.folder_cases import files_below, tree
from support.picture_files import picture

from stn_cv.errors import InvalidInputError
from stn_cv.folder.corner_files import KnownCorners, known_corners, measured, write_corners
from stn_cv.opencv import write_image

WIDTH, HEIGHT = 40, 30


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return tree(tmp_path_factory.mktemp("photos") / "images", ["a.png", "b,\n'.png", "c.jpg"])


@pytest.fixture(scope="module")
def rows(photos):
    rng = np.random.default_rng(0)
    square = np.array([[8, 6], [32, 6], [32, 24], [8, 24.0]])
    return [
        KnownCorners(str(path), square + rng.uniform(-4, 4, (4, 2)), (WIDTH, HEIGHT), "here")
        for path in sorted(photos.iterdir())
    ]


@pytest.mark.parametrize("format", ["csv", "coco", "labelme", "dota"])
def test_corners_go_out_and_come_back_exactly(rows, photos, tmp_path, format):
    folder = photos.parent / format  # DOTA looks for photos in a folder images beside its own
    target = folder if format in ("labelme", "dota") else folder.with_suffix(f".{format}.json")
    if format == "csv":
        target = folder.with_suffix(".csv")
    assert write_corners(target, rows, format) == 0
    back = {row.path.rpartition("/")[2]: row for row in known_corners(target)}
    assert len(back) == len(rows)
    for row in rows:
        same = back[row.path.rpartition("/")[2]]
        np.testing.assert_array_equal(same.corners, row.corners)
        assert same.size in (row.size, None) and (same.size is None) == (format == "dota")
        assert measured(same).size == row.size


def test_a_hopeless_photo_is_in_the_table_only(rows, tmp_path):
    some = [*rows[:2], KnownCorners(rows[2].path, None, (WIDTH, HEIGHT), "here")]
    write_corners(tmp_path / "c.csv", some, "csv")
    assert [row.corners is None for row in known_corners(tmp_path / "c.csv")] == [
        False,
        False,
        True,
    ]
    assert write_corners(tmp_path / "c.json", some, "coco") == 1
    assert len(known_corners(tmp_path / "c.json")) == 2


def cvat(folder, shape, size=(WIDTH, HEIGHT), more=""):
    (folder / "cvat.xml").write_text(
        f'<?xml version="1.0"?><annotations><version>1.1</version>{more}'
        f'<image id="0" name="a.png" width="{size[0]}" height="{size[1]}">{shape}</image>'
        '<image id="1" name="c.jpg" width="40" height="30"/></annotations>'
    )
    return folder / "cvat.xml"


BOX = '<box label="x" xtl="10" ytl="10" xbr="30" ybr="20" rotation="{}"/>'
QUARTER = [[25, 5], [25, 25], [15, 25], [15, 5]]  # clockwise around (20, 15)


def test_the_angle_of_a_box_of_cvat(photos):
    (row,) = known_corners(cvat(photos.parent, BOX.format(90)))
    np.testing.assert_allclose(row.corners, QUARTER, atol=1e-12)
    (row,) = known_corners(cvat(photos.parent, BOX.format(350.5)))
    x, y = row.corners[1] - row.corners[0]
    assert np.degrees(np.arctan2(y, x)) == pytest.approx(-9.5)  # a little counter-clockwise
    points = '<polygon points="10.5,10;30,11;30,20;10,20"/>'
    assert known_corners(cvat(photos.parent, points))[0].corners[0].tolist() == [10.5, 10]


@pytest.mark.parametrize(
    ("shape", "more", "reason"),
    [
        (BOX.format("nan"), "", "cannot make corners of a box"),
        ('<ellipse cx="1" cy="2" rx="3" ry="4"/>', "", "cannot make corners of a ellipse"),
        ('<polygon points="1,2;3,4;5,6"/>', "", "wanted four points"),
        (BOX.format(0) * 2, "", "2 shapes"),
        ("", '<track id="0"/>', "no file of CVAT for images"),
        (BOX.format(0), "<meta><task><flipped>True</flipped></task></meta>", "flipped"),
        ("<", "", "no XML"),
    ],
)
def test_what_of_cvat_cannot_be_converted_is_refused(photos, shape, more, reason):
    with pytest.raises(InvalidInputError, match=reason):
        known_corners(cvat(photos.parent, shape, more=more))


RECTANGLE = {"x": 25, "y": 20, "width": 50, "height": 30, "rotation": 90}  # percent


def label_studio(
    folder, value, kind="rectanglelabels", image="/data/upload/1/a1b2c3d4-a.png", **more
):
    shape = {"type": kind, "value": value, "original_width": 40, "original_height": 30, **more}
    task = {"id": 7, "data": {"image": image}, "annotations": [{"result": [shape]}]}
    file = folder / "studio.json"
    file.write_text(json.dumps([task, {"id": 8, "data": {"image": "b"}, "annotations": []}]))
    return file


def test_the_angle_of_a_rectangle_of_label_studio(photos):
    """Percentages of unequal sides: the turn is one of pixels, around the top left corner."""
    (row,) = known_corners(label_studio(photos.parent, RECTANGLE))
    np.testing.assert_allclose(row.corners, [[10, 6], [10, 26], [1, 26], [1, 6]], atol=1e-12)
    assert row.path.endswith("images/a.png") and row.size == (WIDTH, HEIGHT)
    local = "/data/local-files/?d=images/c.jpg"
    assert known_corners(label_studio(photos.parent, RECTANGLE, image=local))[0].path.endswith(
        "c.jpg"
    )
    points = {"points": [[25, 20], [75, 20], [75, 80], [25, 80]]}
    (row,) = known_corners(label_studio(photos.parent, points, "polygonlabels"))
    assert row.corners.tolist() == [[10, 6], [30, 6], [30, 24], [10, 24]]


@pytest.mark.parametrize(
    ("value", "more", "reason"),
    [
        (RECTANGLE, {"image_rotation": 90}, "image that was not turned"),
        (RECTANGLE, {"kind": "ellipselabels"}, "cannot make corners of a ellipselabels"),
        ({**RECTANGLE, "rotation": "x"}, {}, "wanted a rectangle"),
        (RECTANGLE, {"original_width": None}, "image size None"),
        (RECTANGLE, {"image": "none.png"}, "there is no photo"),
        ({"x": 1}, {}, "no file of labelme, COCO or Label Studio"),
    ],
)
def test_what_of_label_studio_cannot_be_converted_is_refused(photos, value, more, reason):
    with pytest.raises(InvalidInputError, match=reason):
        known_corners(label_studio(photos.parent, value, **more))


def test_the_command_converts_and_looks_photos_up(rows, photos, tmp_path):
    short = photos.parent / "short.csv"
    short.write_text("images/a.png," + ",".join(map(str, rows[0].corners.ravel())) + "\n")
    done = stn_cv("corners", short, tmp_path / "c.json", "--format", "coco")
    assert done.returncode == 0 and "1 photos written" in done.stdout, done.stderr
    (row,) = known_corners(tmp_path / "c.json")
    assert row.size == (WIDTH, HEIGHT)
    wrong = cvat(photos.parent, BOX.format(0), (80, 60))
    done = stn_cv("corners", wrong, tmp_path / "w.csv")
    assert done.returncode == 2 and "would be 80 wide" in " ".join(done.stderr.split())
    assert files_below(tmp_path) == ["c.json"]


def test_photos_of_one_name_cannot_have_one_file(rows, photos, tmp_path):
    other = tmp_path / "a.jpg"
    write_image(other, picture())
    same = KnownCorners(str(other), rows[0].corners, (WIDTH, HEIGHT), "here")
    with pytest.raises(InvalidInputError, match="both be written"):
        write_corners(tmp_path / "out", [rows[0], same], "labelme")


@pytest.mark.parametrize("text", ["", "1 2 3 4 5 6 7 8 a 0\n" * 2, "1 2 3 4 x 6 7 8 a 0\n"])
def test_a_faulty_file_of_dota_is_refused(photos, text):
    folder = photos.parent / "labels"
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text("imagesource:x\ngsd:1\n" + text)
    with pytest.raises(InvalidInputError, match=r"a\.txt"):
        known_corners(folder)
