"""What belongs to a photo, warped with it: points and boxes, from output to source and back."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InvalidInputError
from .affine import Floats, as_array, check_shape
from .homography import LEAST
from .opencv_matrix import check_direction, invert
from .spline import spline_slopes, spline_values
from .theta import check_any_theta, points_a_side

__all__ = ["warp_boxes", "warp_points"]

Shape = tuple[int, ...]
STEPS = 60  # of Newton's method
HALVINGS = 12  # of a step, until it leads nearer
SURE = 1e-12  # half sides, or a share of a farther point's, by which one may be off
STARTS, REACH = 33, 1.5  # lines each way, and half sides, of points where searches begin
AT_ONCE = 2**12  # points
ALONG = 33  # points of a side at which its ends are looked for
LARGEST_CONDITION = 1e13  # of a homography that can be inverted
NEARER = 8  # times they are looked for again, between the best point's neighbours


def warp_points(
    theta: ArrayLike,
    points: ArrayLike,
    input_shape: Shape | None = None,
    output_shape: Shape | None = None,
    *,
    direction: str = "source_to_output",
) -> Floats:
    """Warp points with the image they lie in, exactly.

    Parameters
    ----------
    theta : array_like of shape (2, 3), (3, 3) or (k * k, 2), with or without n before it
        Output to source, normalized, of any family.
    points : array_like of shape (m, 2) or (n, m, 2)
        (x, y); without n of all thetas.
    input_shape, output_shape : tuple or None, default None
        (height, width[, channels]) of the source and of the output, for points in pixels whose
        edges are 0 and width or height, so that the centre of the first pixel lies at
        (0.5, 0.5). None for both: normalized points, -1 to 1.
    direction : {"source_to_output", "output_to_source"}, default "source_to_output"
        Where points come from and go to; annotations of a photo go from source to output.

    Returns
    -------
    ndarray of shape (m, 2) or (n, m, 2), float64
        They may lie outside of the image. NaN for a point that has no place there: behind a
        homography's camera, or where a spline does not come to. Where one comes more than once,
        one of its places.

    Raises
    ------
    InvalidInputError
        If theta, points or shapes cannot be used, or an affine theta or homography has no
        inverse.

    See Also
    --------
    warp_boxes : The same for boxes.
    corners_from_theta : Where the output's own corners lie.

    Notes
    -----
    Convention: theta maps output to source, (x, y) in [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> from stn_cv import warp_points
    >>> left_half = [[0.5, 0, -0.5], [0, 1, 0]]
    >>> warp_points(left_half, [[25, 40]], (80, 100), (80, 100)).tolist()
    [[50.0, 40.0]]
    """
    theta, places = check_any_theta(theta), _checked("points", points)
    check_direction(direction)
    shapes = _shapes(input_shape, output_shape, direction)
    if shapes is not None:
        places = 2 * places / shapes[0] - 1
    if theta.ndim == 3 and places.ndim == 3 and len(theta) != len(places):
        raise InvalidInputError(
            f"{len(places)} sets of points came with {len(theta)} thetas; wanted one each."
        )
    warped = _forward(theta, places) if direction == "output_to_source" else _back(theta, places)
    return warped if shapes is None else (warped + 1) / 2 * shapes[1]


def warp_boxes(
    theta: ArrayLike,
    boxes: ArrayLike,
    input_shape: Shape | None = None,
    output_shape: Shape | None = None,
    *,
    direction: str = "source_to_output",
) -> Floats:
    """The smallest upright boxes around the borders of boxes, warped with their image.

    Parameters
    ----------
    theta : array_like of shape (2, 3), (3, 3) or (k * k, 2), with or without n before it
        Output to source, normalized, of any family.
    boxes : array_like of shape (m, 4) or (n, m, 4)
        (left, top, right, bottom); without n of all thetas.
    input_shape, output_shape, direction
        As in `warp_points`.

    Returns
    -------
    ndarray of shape (m, 4) or (n, m, 4), float64
        (left, top, right, bottom). They may reach beyond the image. NaN for a box of which a
        part of the border has no place there.

    Raises
    ------
    InvalidInputError
        As `warp_points`, or if a box has its left right of its right, or its top below its
        bottom.

    See Also
    --------
    warp_points : The same for points; a box's own corners stay a quadrilateral so.

    Notes
    -----
    Convention: theta maps output to source, (x, y) in [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> from stn_cv import warp_boxes
    >>> quarter_turn = [[0, -1, 0], [1, 0, 0]]
    >>> warp_boxes(quarter_turn, [[0, 0, 10, 20]], (100, 100), (100, 100)).tolist()
    [[0.0, 90.0, 20.0, 100.0]]
    """
    theta, places = check_any_theta(theta), _checked("boxes", boxes)
    if (places[..., :2] > places[..., 2:]).any():
        raise InvalidInputError(
            "a box has its left right of its right, or its top below its bottom; wanted "
            "(left, top, right, bottom)."
        )
    if theta.ndim == 3 and places.ndim == 2:
        places = np.broadcast_to(places, (len(theta), *places.shape))
    corners = places[..., [[0, 1], [2, 1], [2, 3], [0, 3]]]
    sides = np.roll(corners, -1, axis=-2) - corners

    def warped(shares: Floats) -> Floats:
        """Points at shares (..., m, 4, s) of all sides, (..., m, 4, s, 2)."""
        on = corners[..., None, :] + shares[..., None] * sides[..., None, :]
        flat = on.reshape(*on.shape[: places.ndim - 2], -1, 2)
        out = warp_points(theta, flat, input_shape, output_shape, direction=direction)
        return out.reshape(on.shape)

    along = np.linspace(0, 1, ALONG) if theta.shape[-1] == 2 else np.zeros(1)
    shares = np.broadcast_to(along, (*corners.shape[:-1], len(along)))
    ends = [_end(warped, shares, axis, sign) for sign in (1, -1) for axis in (0, 1)]
    return np.stack(ends, axis=-1)


def _end(warped: Callable[[Floats], Floats], shares: Floats, axis: int, sign: int) -> Floats:
    """The smallest coordinate of sides that are looked at there, or by a sign of -1 the largest."""
    last = shares.shape[-1] - 1
    for _ in range(NEARER if last else 1):  # straight sides end at their corners
        values = sign * warped(shares)[..., axis]
        best = values.argmin(axis=-1, keepdims=True)
        low, high = (
            np.take_along_axis(shares, np.clip(best + step, 0, last), axis=-1) for step in (-1, 1)
        )
        shares = low + (high - low) * np.linspace(0, 1, last + 1)
    return np.asarray(sign * values.min(axis=(-1, -2)))


def _checked(name: str, values: ArrayLike) -> Floats:
    """Points or boxes as float64."""
    width = {"points": 2, "boxes": 4}[name]
    places = as_array(name, values)
    if places.dtype.kind not in "fiu" or places.ndim not in (2, 3) or places.shape[-1] != width:
        raise InvalidInputError(
            f"{name} have shape {places.shape} and dtype {places.dtype}; wanted real numbers of "
            f"shape (m, {width}), or (n, m, {width}) for n thetas."
        )
    return places.astype(np.float64)


def _shapes(
    input_shape: Shape | None, output_shape: Shape | None, direction: str
) -> tuple[Floats, Floats] | None:
    """(width, height) of where points come from and go to; None for normalized ones."""
    if input_shape is None and output_shape is None:
        return None
    if input_shape is None or output_shape is None:
        raise InvalidInputError(
            "only one of input_shape and output_shape came; give both for points in pixels, or "
            "neither for normalized ones."
        )
    sides = [
        np.array(check_shape(name, shape, (2, 3))[::-1], np.float64)
        for name, shape in (("input_shape", input_shape), ("output_shape", output_shape))
    ]
    return (sides[0], sides[1]) if direction == "source_to_output" else (sides[1], sides[0])


def _forward(theta: Floats, places: Floats) -> Floats:
    """Where output points (..., m, 2) look."""
    if theta.shape[-1] == 2:
        values = spline_values(places.reshape(-1, 2), points_a_side(theta))
        return places + values.reshape(*places.shape[:-1], -1) @ theta
    moved = _homogeneous(theta, places)
    if theta.shape[-2] == 2:
        return moved
    w = moved[..., 2:]
    least = LEAST * np.abs(theta[..., 2, :]).sum(axis=-1)[..., None, None]
    return np.divide(moved[..., :2], w, out=np.full_like(moved[..., :2], np.nan), where=w > least)


def _back(theta: Floats, places: Floats) -> Floats:
    """Which output points look at source points (..., m, 2)."""
    if theta.shape[-1] == 2:
        return _spline_back(theta, places)
    if theta.shape[-2] == 2:
        return _homogeneous(invert(theta), places)
    if not (np.linalg.cond(theta) < LARGEST_CONDITION).all():
        raise InvalidInputError(
            "a homography is singular and has no inverse; its plane is seen from the side."
        )
    moved = _homogeneous(np.linalg.inv(theta), places)
    w = moved[..., 2:]  # the inverse of the one with which the point is seen
    least = LEAST * np.abs(theta[..., 2, :]).sum(axis=-1)[..., None, None]
    seen = (w > 0) & (w * least < 1)
    return np.divide(moved[..., :2], w, out=np.full_like(moved[..., :2], np.nan), where=seen)


def _homogeneous(matrix: Floats, places: Floats) -> Floats:
    """Points (..., m, 2) times matrices (..., rows, 3)."""
    linear = places @ np.swapaxes(matrix[..., :2], -1, -2)
    return np.asarray(linear + matrix[..., None, :, 2])


def _spline_back(theta: Floats, places: Floats) -> Floats:
    """Which output points splines bring to source points, by Newton's method from a lattice."""
    shape = np.broadcast_shapes(theta.shape[:-2], places.shape[:-2])
    n = math.prod(shape)
    thetas = np.broadcast_to(theta, (*shape, *theta.shape[-2:])).reshape(n, *theta.shape[-2:])
    found = np.array(np.broadcast_to(places, (*shape, *places.shape[-2:])))
    for one, own in zip(thetas, found.reshape(n, *places.shape[-2:]), strict=True):
        for start in range(0, len(own), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            own[part] = _one_spline_back(one, own[part])
    return found


def _one_spline_back(theta: Floats, places: Floats) -> Floats:
    line = np.linspace(-REACH, REACH, STARTS)
    starts = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    at = starts[_nearest(_forward(theta, starts), places)]
    wanted = SURE * np.maximum(np.abs(places).max(axis=-1), 1)
    for _ in range(STEPS):
        off = places - _forward(theta, at)
        error = np.hypot(*off.T)
        left = np.flatnonzero(error > wanted)
        if not len(left):
            break
        step = _newton_step(theta, at[left], off[left])
        at[left] = _nearer(theta, places[left], at[left], step, error[left])
    at[~(np.hypot(*(places - _forward(theta, at)).T) <= wanted)] = np.nan
    return at


def _nearest(seen: Floats, places: Floats) -> Floats:
    """The number of the seen point that is nearest to each."""
    squares = np.square(seen).sum(axis=-1) - 2 * places @ seen.T  # less what all have in common
    return squares.argmin(axis=-1)


def _newton_step(theta: Floats, at: Floats, off: Floats) -> Floats:
    slopes = np.eye(2) + np.swapaxes(theta, -1, -2) @ spline_slopes(at, points_a_side(theta))
    (a, b), (c, d) = slopes.transpose(1, 2, 0)
    determinant = a * d - b * c
    step = np.stack([d * off[:, 0] - b * off[:, 1], a * off[:, 1] - c * off[:, 0]], axis=-1)
    whole = determinant[:, None]
    return np.divide(step, whole, out=np.zeros_like(step), where=whole != 0)


def _nearer(theta: Floats, places: Floats, at: Floats, step: Floats, error: Floats) -> Floats:
    """Points after a step each, which is halved until it leads nearer."""
    share = np.ones((len(at), 1))
    for _ in range(HALVINGS):
        off = np.hypot(*(places - _forward(theta, at + share * step)).T)
        if (off < error).all():
            break
        share[~(off < error)] /= 2
    return at + share * step
