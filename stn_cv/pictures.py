"""Contact sheets: what went in with the found frame on it, what came out, and class means."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .arrays import INTEGER_MAXIMA, Array
from .errors import InvalidInputError, NonFiniteError
from .geometry import axes, check_any_theta, outline, pixel_from_normalized
from .opencv import Colour, draw_frame, put_text, resize_area, text_width

Caption = tuple[str, Colour]
PAPER, INK, FAINT, HAIRLINE = (255, 255, 255), (38, 42, 51), (120, 126, 138), (222, 225, 230)
FRAME, WRONG = (255, 94, 58), (205, 30, 60)
MARGIN = 32  # around the sheet
WITHIN, BETWEEN = 18, 44  # from an input to its output, from one pair to the next
OVERHANG = 9  # how far a frame may be seen outside its image
HEADING, CAPTION, ROW_GAP = 28, 22, 18  # heights of a line above and below images, of a gap
TEXT = 13
TALLER = 1.5  # an image up to so many cells is not shrunk
IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])


def frame_outline(theta: ArrayLike, image_shape: tuple[int, ...]) -> Array:
    """Where the output's outer border lies in the input.

    Parameters
    ----------
    theta : array_like of shape (2, 3), (3, 3) or (k * k, 2), or of n of them
        Output to source, normalized; of an affine map, a homography, or a spline.
    image_shape : tuple
        (height, width[, channels]) of the input.

    Returns
    -------
    ndarray of shape (m, 2) or (n, m, 2), float64
        (x, y) in the input's pixels: the output's top left, top right, bottom right and
        bottom left corner; of a homography, both ends of each side, which lie apart from the
        next one's where a corner is behind the camera; of a spline, 16 points of each side, in
        the same order.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``; pixel
    centres at integers, so an image's own corners are -0.5 and size - 0.5.

    Examples
    --------
    >>> from stn_cv.pictures import frame_outline
    >>> frame_outline([[1, 0, 0], [0, 1, 0]], (4, 6)).tolist()
    [[-0.5, -0.5], [5.5, -0.5], [5.5, 3.5], [-0.5, 3.5]]
    """
    gains, offsets = axes(pixel_from_normalized, image_shape, False)
    return np.asarray(outline(check_any_theta(theta)) * gains + offsets)


def contact_sheet(
    images: ArrayLike,
    theta: ArrayLike,
    rectified: ArrayLike,
    y: ArrayLike | None = None,
    predicted: ArrayLike | None = None,
    classes: ArrayLike | None = None,
    *,
    n_pairs: int = 20,
    columns: int = 5,
    cell: int = 96,
) -> Array:
    """Draw inputs with the frame found in them beside their outputs, then the class means.

    Parameters
    ----------
    images : array_like of shape (n, h, w) or (n, h, w, c)
        The inputs, grey or RGB. Integers of 8 or 16 bits are shown as they are, other
        numbers are scaled by the smallest and largest of all inputs.
    theta : array_like of shape (n, 2, 3), (n, 3, 3) or (n, k * k, 2)
        The warp found for each, output to source, normalized.
    rectified : array_like of shape (n, h_out, w_out[, c])
        The outputs, shown on the scale of the inputs.
    y : array_like of shape (n,) or None, default None
        Labels. With them classes take turns among the pairs, and the means are drawn.
    predicted : array_like of shape (n,) or None, default None
        Predicted labels; one that is not the label is written in red.
    classes : array_like or None, default None
        Which classes' means to draw, in this order; None: all in `y`, sorted.
    n_pairs : int, default 20
        Pairs to draw at most; the means are of all images.
    columns : int, default 5
        Pairs in a row.
    cell : int, default 96
        Pixels that an image's longer side should have on the sheet. Smaller ones are
        enlarged by a whole factor, larger ones are shrunk.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        The sheet, RGB.

    Raises
    ------
    InvalidInputError
        If the numbers of images, thetas, outputs and labels differ, or images are neither
        grey nor RGB; `NonFiniteError` if a pixel or theta is NaN or infinite.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import warp_affine
    >>> from stn_cv.pictures import contact_sheet
    >>> images = np.random.default_rng(0).random((6, 16, 16))
    >>> theta = np.tile([[0, -1, 0], [1, 0, 0.0]], (6, 1, 1))  # a quarter turn
    >>> sheet = contact_sheet(images, theta, warp_affine(images, theta), y=[0, 1, 2, 0, 1, 2])
    >>> sheet.dtype, sheet.shape[2]
    (dtype('uint8'), 3)
    """
    inputs, outputs, theta = _check(images, rectified, theta)
    labels = _check_labels("y", y, len(inputs))
    guesses = _check_labels("predicted", predicted, len(inputs))
    if min(n_pairs, columns, cell) < 1:
        raise InvalidInputError("n_pairs, columns and cell are counts; wanted at least 1 each.")
    show = _shown_on(inputs)
    box = max(_size(pictures.shape[1:3], cell)[1] for pictures in (inputs, outputs))
    layout = _SheetLayout(min(columns, n_pairs, len(inputs)), cell, box)
    cells = []
    for index in _in_turns(labels, len(inputs))[:n_pairs]:
        label, guess = _captions(labels, guesses, index)
        cells.append(_Cell(layout.sized(show(inputs[index])), label, theta[index]))
        cells.append(_Cell(layout.sized(show(outputs[index])), guess, IDENTITY))
    strips = [_strip(layout, layout.pair_columns(), ["input", "rectified"] * layout.columns, cells)]
    if labels is not None:
        wanted = np.unique(labels) if classes is None else np.asarray(classes)
        members = {str(name): labels == name for name in wanted if (labels == name).any()}
        for title, all_of_them in (("before", inputs), ("after", outputs)):
            means = {name: show(all_of_them[of].mean(axis=0)) for name, of in members.items()}
            cells = [_Cell(layout.sized(mean), (name, INK)) for name, mean in means.items()]
            strips.append(_strip(layout, layout.even_columns(), [f"class means {title}"], cells))
    margin = np.full((MARGIN, layout.width, 3), PAPER, np.uint8)
    return np.concatenate([margin, *strips, margin[ROW_GAP:]])


def _check(images: ArrayLike, rectified: ArrayLike, theta: ArrayLike) -> tuple[Array, Array, Array]:
    """Inputs and outputs as (n, h, w, c), and theta, one for each."""
    pictures = []
    for name, values in (("images", images), ("rectified", rectified)):
        array = np.asarray(values)
        array = array[..., None] if array.ndim == 3 else array
        if array.ndim != 4 or array.shape[3] not in (1, 3) or 0 in array.shape:
            raise InvalidInputError(
                f"{name} have shape {np.shape(values)}; wanted at least one image, grey (n, h, w) "
                "or (n, h, w, 1), or RGB (n, h, w, 3)."
            )
        if not np.isfinite(array).all():
            raise NonFiniteError(f"{name} hold NaN or infinity, which have no shade.")
        pictures.append(array)
    theta = check_any_theta(theta)
    counts = len(pictures[0]), len(pictures[1]), len(theta)
    if theta.ndim != 3 or len(set(counts)) > 1:
        raise InvalidInputError(
            f"{counts[0]} images and {counts[1]} outputs came with theta of shape {theta.shape}; "
            "wanted as many of each, theta (n, ...)."
        )
    return pictures[0], pictures[1], theta


def _check_labels(name: str, labels: ArrayLike | None, n: int) -> Array | None:
    if labels is None:
        return None
    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise InvalidInputError(f"{name} has shape {labels.shape}; wanted ({n},), one an image.")
    return labels


def _shown_on(images: Array) -> Callable[[Array], Array]:
    """What turns values on the images' scale into uint8 shades."""
    low, high = 0.0, INTEGER_MAXIMA.get(images.dtype.name)
    if high is None:
        low, high = float(images.min()), float(images.max())
    gain = 255 / (high - low) if high > low else 0.0

    def show(values: Array) -> Array:
        shades = (np.asarray(values, np.float64) - low) * gain
        return np.rint(np.clip(shades, 0, 255)).astype(np.uint8)

    return show


def _in_turns(labels: Array | None, n: int) -> Array:
    """All indices: the first of each class, then the second of each, and so on."""
    if labels is None:
        return np.arange(n)
    _, codes = np.unique(labels, return_inverse=True)
    turn = np.empty(n, np.int64)
    for code in range(codes.max() + 1):
        members = np.flatnonzero(codes == code)
        turn[members] = np.arange(len(members))
    return np.lexsort((codes, turn))


def _captions(labels: Array | None, guesses: Array | None, index: int) -> tuple[Caption, Caption]:
    """What stands below an input and below its output."""
    label = "" if labels is None else str(labels[index])
    guess = "" if guesses is None else str(guesses[index])
    wrong = labels is not None and guesses is not None and guesses[index] != labels[index]
    return (label, INK), (guess, WRONG if wrong else INK)


@dataclass(frozen=True)
class _Cell:
    """A picture of its final size, its caption, and the frame to draw on it."""

    picture: Array
    caption: Caption
    theta: Array | None = None


@dataclass(frozen=True)
class _SheetLayout:
    """Where cells stand: so many pairs a row, or twice as many class means."""

    columns: int
    cell: int  # wanted longer side of a picture
    box: int  # the width that every picture fits

    @property
    def width(self) -> int:
        return self.pair_columns()[-1] + self.box + MARGIN

    def pair_columns(self) -> list[int]:
        """Left ends of inputs and outputs in turn."""
        pair = self.box + WITHIN
        lefts = [MARGIN + column * (pair + self.box + BETWEEN) for column in range(self.columns)]
        return [x for left in lefts for x in (left, left + pair)]

    def even_columns(self) -> list[int]:
        """As many, evenly from the first to the last."""
        columns = self.pair_columns()
        return [round(x) for x in np.linspace(columns[0], columns[-1], len(columns))]

    def sized(self, picture: Array) -> Array:
        """The picture as RGB in its size on the sheet; enlarged, its pixels stay sharp."""
        height, width = _size(picture.shape[:2], self.cell)
        rgb: Array = np.broadcast_to(picture, (*picture.shape[:2], 3))
        if height < rgb.shape[0] or width < rgb.shape[1]:
            return np.asarray(resize_area(rgb[None], (height, width))[0])
        factor = height // rgb.shape[0]
        return np.asarray(rgb[np.arange(height) // factor][:, np.arange(width) // factor])


def _size(shape: tuple[int, ...], cell: int) -> tuple[int, int]:
    """(height, width): a whole multiple of a small picture's, a fraction of a large one's."""
    longer = max(shape)
    scale = cell / longer if longer > TALLER * cell else max(1, round(cell / longer))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _strip(
    layout: _SheetLayout, columns: list[int], headings: list[str], cells: list[_Cell]
) -> Array:
    """Rows of cells under headings; a row's pictures stand on one line, captions below."""
    tallest = max((cell.picture.shape[0] for cell in cells), default=0)
    step = tallest + ROW_GAP + (CAPTION if any(cell.caption[0] for cell in cells) else 0)
    rows = -(-len(cells) // len(columns))
    sheet = np.full((HEADING + rows * step, layout.width, 3), PAPER, np.uint8)
    for x, heading in zip(columns, headings, strict=False):
        room = layout.box if len(headings) > 1 else layout.width - MARGIN - x
        _write(sheet, (heading, FAINT), (x, TEXT), room)
    for index, cell in enumerate(cells):
        x = columns[index % len(columns)]
        foot = HEADING + index // len(columns) * step + tallest
        _place(sheet, cell, foot, x + (layout.box - cell.picture.shape[1]) // 2)
        _write(sheet, cell.caption, (x, foot + CAPTION - 4), layout.box)
    return sheet


def _place(sheet: Array, cell: _Cell, foot: int, left: int) -> None:
    """Put a picture onto the sheet with a hairline, or with its frame, around it."""
    height, width = cell.picture.shape[:2]
    window = sheet[foot - height - OVERHANG : foot + OVERHANG, left - OVERHANG :]
    patch = window[:, : width + 2 * OVERHANG].copy()
    patch[OVERHANG - 1 : 1 - OVERHANG, OVERHANG - 1 : 1 - OVERHANG] = HAIRLINE
    patch[OVERHANG:-OVERHANG, OVERHANG:-OVERHANG] = cell.picture
    if cell.theta is not None:
        border = frame_outline(cell.theta, (height, width)) + OVERHANG
        draw_frame(patch, border, FRAME, 1, top=2)
    window[:, : width + 2 * OVERHANG] = patch


def _write(sheet: Array, caption: Caption, origin: tuple[int, int], room: int) -> None:
    """Write a line, shortened to the room there is."""
    text, colour = caption
    while text.rstrip("…") and text_width(text, TEXT) > room:
        text = text.rstrip("…")[:-1] + "…"
    put_text(sheet, text, origin, colour, TEXT)
