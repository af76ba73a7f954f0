"""Masks go with their photos, and no label is blended with another."""

import io

import numpy as np
import pytest
from support.folder_cases import files_below, fixed_model, one, quarter_turn, tree
from support.picture_files import picture, saved

import stn_cv
from stn_cv import InvalidInputError, iter_rectified
from stn_cv.opencv import read_image, write_image

Image = pytest.importorskip("PIL.Image")
LABELS = np.array([0, 3, 77, 255])
TILTED = (0.2, 0.4, 0.1, -0.1)


def labels(height=30, width=40, seed=0, dtype=np.uint8):
    blocks = np.random.default_rng(seed).choice(LABELS, (height // 5, width // 5))
    return np.kron(blocks, np.ones((5, 5))).astype(dtype)


def rectified(tmp_path, model, name="a.jpg", **options):
    given = {"masks": tmp_path / "masks", "masks_out": tmp_path / "masks-out", **options}
    return one(model, tmp_path / "in" / name, tmp_path / "out", **given)


@pytest.fixture
def photo(tmp_path):
    tree(tmp_path / "in", ["a.jpg"])
    (tmp_path / "masks").mkdir()
    return tmp_path


def test_a_mask_is_turned_as_its_photo(photo):
    write_image(photo / "masks" / "a.png", labels())
    assert rectified(photo, quarter_turn(), size=(40, 30)).status == "done"
    mask = read_image(photo / "masks-out" / "a.png")
    np.testing.assert_array_equal(mask, np.rot90(labels()))


@pytest.mark.parametrize("family", ["similarity", "projective", "tps"])
@pytest.mark.parametrize("size", ["native", (7, 5)])
def test_no_label_is_blended(photo, family, size):
    write_image(photo / "masks" / "a.tiff", labels(dtype=np.uint16))
    model = fixed_model(
        TILTED if family == "similarity" else np.full({"projective": 8, "tps": 32}[family], 0.05),
        family,
        antialias=True,
        fill_value=0.6,
    )
    result = rectified(photo, model, size=size, interpolation="bicubic")
    mask = read_image(photo / "masks-out" / "a.png")
    assert mask.dtype == np.uint16 and set(np.unique(mask)) <= set(LABELS)
    assert mask.shape == read_image(result.output).shape[:2]


def test_a_palette_keeps_its_numbers_and_colours(photo):
    image = Image.fromarray(labels())
    image.putpalette(bytes(range(256)) * 3)
    image.save(photo / "masks" / "a.png")
    rectified(photo, quarter_turn(), size=(40, 30))
    out = Image.open(io.BytesIO((photo / "masks-out" / "a.png").read_bytes()))
    assert out.mode == "P" and out.getpalette() == image.getpalette()
    np.testing.assert_array_equal(np.asarray(out), np.rot90(labels()))


@pytest.mark.parametrize("padding_mode", ["zeros", "border"])
def test_outside_stands_0_or_what_the_edge_shows(photo, padding_mode):
    write_image(photo / "masks" / "a.png", np.full((30, 40), 77, np.uint8))
    model = fixed_model((0.0, 0, 1.0, 0), padding_mode=padding_mode, fill_value=1.0)
    rectified(photo, model)
    seen = np.unique(read_image(photo / "masks-out" / "a.png")).tolist()
    assert seen == ([0, 77] if padding_mode == "zeros" else [77])


def test_trees_are_mirrored(tmp_path):
    names = ["a/1.jpg", "b/c/2.png"]
    tree(tmp_path / "in", names)
    for name in ("a/1.PNG", "b/c/2.bmp"):
        path = tmp_path / "masks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(saved(labels(), ".png"))
    options = {"masks": tmp_path / "masks", "masks_out": tmp_path / "out-masks"}
    summary = stn_cv.rectify_folder(quarter_turn(), tmp_path / "in", tmp_path / "out", **options)
    assert summary.done == 2
    assert files_below(tmp_path / "out-masks") == ["a/1.png", "b/c/2.png"]


@pytest.mark.parametrize(
    ("name", "mask", "said"),
    [
        (None, None, "no mask for it"),
        ("a.png", saved(labels(20, 40), ".png"), "40 wide and 20 high"),
        ("a.png", b"none", "begin as no image"),
        ("a.png", saved(picture(), ".png")[:-20], "its mask"),
    ],
)
def test_a_photo_without_its_mask_fails_and_nothing_is_written(photo, name, mask, said):
    if name is not None:
        (photo / "masks" / name).write_bytes(mask)
    result = rectified(photo, quarter_turn())
    assert result.status == "error" and said in result.error
    assert files_below(photo / "out") == [] == files_below(photo / "masks-out")


def test_two_masks_are_one_too_many(photo):
    for name in ("a.png", "a.bmp"):
        write_image(photo / "masks" / name, labels())
    assert "2 masks" in rectified(photo, quarter_turn()).error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"masks": "masks"}, "give both"),
        ({"masks_out": "masks-out"}, "give both"),
        ({"masks": "masks", "masks_out": "masks/out"}, "lies inside the input"),
    ],
)
def test_folders_that_make_no_sense_are_refused(photo, options, said):
    options = {name: photo / folder for name, folder in options.items()}
    with pytest.raises(InvalidInputError, match=said):
        list(iter_rectified(quarter_turn(), photo / "in", photo / "out", **options))
