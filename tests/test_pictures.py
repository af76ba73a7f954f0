"""Contact sheets: frames land where theta says, and every cell shows what it should."""

import numpy as np
import pytest

from stn_cv import pictures
from stn_cv.errors import InvalidInputError, NonFiniteError
from stn_cv.pictures import FRAME, HEADING, MARGIN, PAPER, contact_sheet, frame_outline
from stn_cv.sampling import warp_affine

IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])
TURNS = {  # theta looks up in the source; what is drawn there comes out upright
    "identity": (IDENTITY, [(-0.5, -0.5), (7.5, -0.5), (7.5, 5.5), (-0.5, 5.5)]),
    "middle": (IDENTITY / 2, [(1.5, 1), (5.5, 1), (5.5, 4), (1.5, 4)]),
    "right half": ([[0.5, 0, 0.5], [0, 1, 0]], [(3.5, -0.5), (7.5, -0.5), (7.5, 5.5), (3.5, 5.5)]),
    "turned": ([[0, -1, 0], [1, 0, 0]], [(7.5, -0.5), (7.5, 5.5), (-0.5, 5.5), (-0.5, -0.5)]),
    "mirrored": ([[-1, 0, 0], [0, 1, 0]], [(7.5, -0.5), (-0.5, -0.5), (-0.5, 5.5), (7.5, 5.5)]),
}


def colours(image, colour, within=40):
    return (np.abs(image.astype(int) - colour) <= within).all(axis=2)


def cell(sheet, column, side, size=96, box=96):
    """The pixels of one picture of the first row."""
    x = MARGIN + column * (2 * box + pictures.WITHIN + pictures.BETWEEN)
    x += side * (box + pictures.WITHIN) + (box - size) // 2
    y = MARGIN + HEADING + box - size
    return sheet[y : y + size, x : x + size]


def some(n=4, shape=(32, 32), dtype=np.float64, seed=0):
    values = np.random.default_rng(seed).random((n, *shape))
    return values.astype(dtype) if np.dtype(dtype).kind == "f" else (values * 255).astype(dtype)


# --- the frame


@pytest.mark.parametrize("name", TURNS)
def test_corners_land_where_theta_says(name):
    theta, wanted = TURNS[name]
    assert np.allclose(frame_outline(theta, (6, 8)), wanted, atol=1e-12)
    assert np.allclose(frame_outline([theta, theta], (6, 8, 3)), [wanted, wanted], atol=1e-12)


def test_corners_surround_what_the_warp_reads():
    """What lies in the frame, and nothing else, comes out of the warp."""
    theta = np.array([[0.4, -0.3, 0.1], [0.3, 0.4, -0.2]])
    corners = frame_outline(theta, (40, 40))
    y, x = np.mgrid[:40, :40]
    inside = np.ones((40, 40), bool)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        edge = end - start
        inside &= edge[0] * (y - start[1]) - edge[1] * (x - start[0]) > 0
    out = warp_affine(inside.astype(float), theta, (40, 40))
    assert (out[2:-2, 2:-2] > 0.99).all()
    wider = warp_affine(inside.astype(float), theta * np.array([1.2, 1.2, 1]), (48, 48))
    assert wider[[0, -1]].max() < 0.01 and wider[:, [0, -1]].max() < 0.01


def test_the_frame_is_drawn_on_the_input_with_its_top_edge_thick():
    turned = np.array([[[0, -0.5, 0], [0.5, 0, 0]]])  # the output's top lies at the right
    images = np.zeros((1, 32, 32), np.uint8)
    picture = cell(contact_sheet(images, turned, images), 0, 0)
    frame = (picture > 60).any(axis=2)
    rows, columns = np.nonzero(frame)
    assert abs(rows.min() - 24) <= 2 and abs(rows.max() - 72) <= 2
    assert abs(columns.min() - 24) <= 2 and abs(columns.max() - 72) <= 3
    across = frame[48]
    assert across[60:85].sum() > across[10:36].sum() > 0
    assert not frame[30:66, 30:66].any()


def test_a_frame_that_leaves_its_image_is_seen_beside_it_but_not_on_the_next():
    images = np.zeros((2, 32, 32), np.uint8)
    wide = np.tile(IDENTITY * 1.1, (2, 1, 1))
    sheet = contact_sheet(images, wide, images)
    left = sheet[MARGIN + HEADING + 48, MARGIN - 9 : MARGIN]
    assert colours(left[None], FRAME, 90).any()
    far = contact_sheet(images, np.tile(IDENTITY * 40, (2, 1, 1)), images)
    for column in (0, 1):
        assert not cell(far, column, 0).any() and not cell(far, column, 1)[4:-2, 2:-2].any()


# --- what the cells show


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("tail", [(), (1,), (3,)])
def test_pixels_are_enlarged_by_a_whole_factor_and_keep_their_shade(dtype, tail):
    images = some(2, (32, 32, *tail), "uint8")
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    given = images * np.uint16(257) if dtype == "uint16" else images.astype(dtype)
    outputs = given[:, 8:24, 8:24]
    sheet = contact_sheet(given, np.tile(IDENTITY * 9, (2, 1, 1)), outputs)
    rgb = np.broadcast_to(images.reshape(2, 32, 32, -1), (2, 32, 32, 3))
    assert sheet.dtype == np.uint8 and sheet.flags.c_contiguous
    for index in range(2):
        assert np.array_equal(cell(sheet, index, 0)[1::3, 1::3], rgb[index])
        inner = cell(sheet, index, 1)[3::6, 3::6][1:-1, 1:-1]
        assert np.array_equal(inner, rgb[index, 9:23, 9:23])


def test_floats_are_scaled_by_the_whole_set_of_inputs():
    images = np.zeros((2, 32, 32))
    images[0], images[1], images[1, 0, 0] = -3.0, 1.0, 5.0
    outputs = np.array([np.full((32, 32), 9.0), np.full((32, 32), 1.0)])
    sheet = contact_sheet(images, np.tile(IDENTITY * 9, (2, 1, 1)), outputs)
    shades = [cell(sheet, column, side)[48, 48, 0] for column in (0, 1) for side in (0, 1)]
    assert shades == [0, 255, 128, 128]
    flat = contact_sheet(images[:1], IDENTITY[None] * 9, images[:1])
    assert not cell(flat, 0, 0).any()


def test_large_photos_are_shrunk_without_aliasing():
    stripes = np.tile(np.array([0, 255], np.uint8), (1, 200, 100))
    sheet = contact_sheet(stripes, IDENTITY[None] * 9, stripes)
    assert np.abs(cell(sheet, 0, 0)[20:80, 20:80].astype(int) - 127).max() < 30
    assert sheet.shape[1] == 2 * MARGIN + 2 * 96 + pictures.WITHIN


@pytest.mark.parametrize("shapes", [((8, 8), (3, 5)), ((1, 1), (400, 7)), ((130, 97), (28, 28))])
def test_any_sizes_fit_on_a_sheet(shapes):
    before, after = (some(3, shape) for shape in shapes)
    sheet = contact_sheet(before, np.tile(IDENTITY, (3, 1, 1)), after, ["a", "b", "a"])
    assert (sheet[:20] == PAPER).all() and (sheet[-10:] == PAPER).all()
    assert (sheet[:, :20] == PAPER).all() and (sheet[:, -20:] == PAPER).all()


def test_inputs_are_not_written_to():
    images, theta, labels = some(3), np.tile(IDENTITY, (3, 1, 1)), np.arange(3)
    copies = images.copy(), theta.copy(), labels.copy()
    for array in (images, theta, labels):
        array.flags.writeable = False
    contact_sheet(images, theta, images, labels, labels)
    for array, copy in zip((images, theta, labels), copies, strict=True):
        assert np.array_equal(array, copy)


# --- labels, turns and means


def shade_cards(labels):
    """Flat images, of a shade for each index."""
    return np.repeat(np.arange(len(labels)) * 10 + 5, 16 * 16).reshape(-1, 16, 16).astype(np.uint8)


def test_classes_take_turns_among_the_pairs():
    labels = np.array([1, 1, 1, 0, 0, 2])
    cards = shade_cards(labels)
    away = np.tile(IDENTITY * 9, (6, 1, 1))
    sheet = contact_sheet(cards, away, cards, labels, n_pairs=5)
    shown = [int(cell(sheet, column, 0)[48, 48, 0] - 5) // 10 for column in range(5)]
    assert shown == [3, 0, 5, 4, 1]
    sheet = contact_sheet(cards, away, cards, n_pairs=4, columns=3)
    assert [int(cell(sheet, column, 0)[48, 48, 0] - 5) // 10 for column in range(3)] == [0, 1, 2]


def test_class_means_are_of_the_same_images_before_and_after():
    labels = np.array(["b", "a", "b", "a", "c"])
    cards = shade_cards(labels)
    sheet = contact_sheet(cards, np.tile(IDENTITY, (5, 1, 1)), 200 - cards, labels, n_pairs=2)
    strip = HEADING + 96 + pictures.CAPTION + pictures.ROW_GAP
    columns = np.linspace(MARGIN, sheet.shape[1] - MARGIN - 96, 4).round().astype(int)
    for row, shades in ((1, (25, 15, 45)), (2, (175, 185, 155))):
        y = MARGIN + row * strip + HEADING
        for x, shade in zip(columns, shades, strict=False):
            assert (sheet[y : y + 96, x : x + 96] == shade).all()
    assert sheet.shape[0] == 2 * MARGIN + 3 * strip - pictures.ROW_GAP


def test_classes_choose_the_means_and_their_order():
    labels = np.array([0, 1, 2])
    arguments = (shade_cards(labels), np.tile(IDENTITY, (3, 1, 1)), shade_cards(labels), labels)
    sheet = contact_sheet(*arguments, classes=[2, 0, 7])
    y = MARGIN + 2 * HEADING + 96 + pictures.CAPTION + pictures.ROW_GAP + 48
    columns = np.linspace(MARGIN, sheet.shape[1] - MARGIN - 96, 6).round().astype(int)
    assert [int(sheet[y, x + 48, 0]) for x in columns] == [25, 5, 255, 255, 255, 255]
    without = contact_sheet(*arguments, classes=[7])
    assert len(without) < len(sheet)


def test_a_wrong_prediction_is_red_and_a_long_label_is_cut():
    images, theta = some(2), np.tile(IDENTITY, (2, 1, 1))
    right = contact_sheet(images, theta, images, ["a", "b"], ["a", "b"])
    wrong = contact_sheet(images, theta, images, ["a", "b"], ["a", "a"])
    assert not colours(right, pictures.WRONG, 10).any()
    floats = contact_sheet(images, theta, images, [0, 1], [0.0, 1.0])
    assert not colours(floats, pictures.WRONG, 10).any()
    rows, columns = np.nonzero(colours(wrong, pictures.WRONG, 10))
    assert len(rows) and columns.min() > right.shape[1] // 2
    long = contact_sheet(images, theta, images, ["queen of very many hearts", "zero"])
    foot = MARGIN + HEADING + 96
    gap = long[foot + 4 : foot + pictures.CAPTION, MARGIN + 97 : MARGIN + 96 + pictures.WITHIN - 3]
    assert (gap == PAPER).all()


# --- what is refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": some(3)}, "3 images and 4 outputs"),
        ({"theta": IDENTITY}, "theta of shape"),
        ({"images": some(4, (8, 8, 4))}, "RGB"),
        ({"rectified": some(0)}, "at least one image"),
        ({"y": [0, 1]}, r"y has shape \(2,\)"),
        ({"predicted": [0, 1]}, "predicted has shape"),
        ({"columns": 0}, "at least 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(change, said):
    given = {"images": some(), "theta": np.tile(IDENTITY, (4, 1, 1)), "rectified": some()}
    with pytest.raises(InvalidInputError, match=said):
        contact_sheet(**(given | change))


def test_a_pixel_that_is_not_a_number_is_refused():
    images = some()
    images[2, 3, 4] = np.nan
    with pytest.raises(NonFiniteError, match="images"):
        contact_sheet(images, np.tile(IDENTITY, (4, 1, 1)), some())
