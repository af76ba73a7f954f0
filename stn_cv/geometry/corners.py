"""Theta from the four corners of its frame in the photo, and corners from theta.

Corners are pixels of the upright photo with its edges at 0 and width or height, so that the
centre of the first pixel lies at (0.5, 0.5): the output's top left first, then clockwise.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InvalidInputError, NonFiniteError, one_of
from .affine import Floats, as_array, check_shape
from .theta import check_any_theta, source_points

__all__ = ["corner_faults", "corners_from_theta", "theta_from_corners"]

FRAME = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])  # the output's corners, clockwise
FAMILIES = ("translation", "attention", "similarity", "affine", "projective")
BEYOND = 0.05  # of the photo's longer side: corners of what the edge cuts off, clicks that slip
STRAIGHT = 0.01  # sine of the angle at a corner up to which its neighbours are in line with it
ORDER = "wanted the output's top left, top right, bottom right, bottom left"
EXACT = 1e-10  # half sides of the photo


def theta_from_corners(
    corners: ArrayLike,
    input_shape: ArrayLike,
    output_shape: tuple[int, ...] | None = None,
    *,
    family: str = "projective",
    beyond: float = BEYOND,
) -> Floats:
    """Theta that shows what lies between four corners.

    Parameters
    ----------
    corners : array_like of shape (4, 2) or (n, 4, 2)
        (x, y) in pixels of the upright photo, whose edges are 0 and width or height: first
        the corner that is to be the output's top left, then clockwise.
    input_shape : tuple or array_like of shape (n, 2)
        (height, width[, channels]) of the photos; or a row (height, width) for each.
    output_shape : tuple or None, default None
        (height, width[, channels]) of the output, whose aspect "attention" and "similarity"
        keep; None is the photo's aspect, as in the estimators.
    family : str, default "projective"
        "projective" passes through the corners exactly. "translation", "attention",
        "similarity" and "affine" come as near as they can: the sum of the squared distances
        in the photo is smallest.
    beyond : float, default 0.05
        How far corners may lie outside of the photo, as a share of its longer side.

    Returns
    -------
    ndarray of shape (2, 3) or (n, 2, 3), of "projective" (3, 3) or (n, 3, 3), float64
        Output to source, normalized.

    Raises
    ------
    InvalidInputError
        If corners are mirrored, crossed, three in a line or too far outside of the photo; the
        message names the row.

    See Also
    --------
    corners_from_theta : The inverse.

    Notes
    -----
    Convention: theta maps output to source, (x, y) in [-1, 1], ``align_corners=False``.
    Source of the homography: Heckbert 1989, "Fundamentals of Texture Mapping", 2.2.3.

    Examples
    --------
    >>> from stn_cv import theta_from_corners
    >>> left_half = [[0, 0], [50, 0], [50, 80], [0, 80]]
    >>> theta_from_corners(left_half, (80, 100), family="affine") + 0.0
    array([[ 0.5,  0. , -0.5],
           [ 0. ,  1. ,  0. ]])
    """
    if family not in FAMILIES:
        raise InvalidInputError(f"family is {family!r}; wanted {one_of(family, FAMILIES)}.")
    places = _checked(corners)
    sides = _sides(input_shape, len(places))
    for row, reason in corner_faults(places, sides[:, ::-1], beyond):
        raise InvalidInputError(f"corners[{row}] = {places[row].tolist()}: {reason}.")
    if family == "projective":
        theta = _homography(2 * places / sides[:, None] - 1)
        _insist_seen(theta, 2 * places / sides[:, None] - 1)
    else:
        ratio = sides if output_shape is None else aspect(output_shape)
        motion = _nearest(family, places - sides[:, None] / 2, sides, ratio)
        theta = motion / (sides / 2)[:, :, None]
    return theta if np.ndim(corners) == 3 else theta[0]


def corners_from_theta(theta: ArrayLike, input_shape: ArrayLike) -> Floats:
    """The corners of the output's frame in the photo.

    Parameters
    ----------
    theta : array_like of shape (2, 3), (3, 3) or (k * k, 2), with or without n before it
        Output to source, normalized, of any family.
    input_shape : tuple or array_like of shape (n, 2)
        (height, width[, channels]) of the photos; or a row (height, width) for each.

    Returns
    -------
    ndarray of shape (4, 2) or (n, 4, 2), float64
        (x, y) in pixels of the upright photo, whose edges are 0 and width or height: the
        output's top left, then clockwise. They may lie outside of the photo.

    Raises
    ------
    InvalidInputError
        If theta or the shape cannot be used.

    Notes
    -----
    Convention: theta maps output to source, (x, y) in [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> from stn_cv import corners_from_theta
    >>> corners_from_theta([[0.5, 0, -0.5], [0, 1, 0]], (80, 100)).tolist()
    [[0.0, 0.0], [50.0, 0.0], [50.0, 80.0], [0.0, 80.0]]
    """
    checked = check_any_theta(theta)
    places = source_points(checked, FRAME)
    sides = _sides(input_shape, len(places) if places.ndim == 3 else 1)
    corners = (places + 1) / 2 * sides[:, None]
    return np.asarray(corners if places.ndim == 3 else corners[0])


def corner_faults(
    corners: Floats, input_shape: Floats, beyond: float = BEYOND
) -> Iterator[tuple[int, str]]:
    """Yield (row, what is wrong) of corners (n, 4, 2) that are no frame of their photo.

    `input_shape` is (height, width) for each, (n, 2); `beyond` as in `theta_from_corners`.
    """
    ahead = np.roll(corners, -1, axis=1) - corners
    lengths = np.linalg.norm(ahead, axis=-1)
    behind, before = np.roll(ahead, 1, axis=1), np.roll(lengths, 1, axis=1)
    cross = behind[..., 0] * ahead[..., 1] - behind[..., 1] * ahead[..., 0]
    straight = np.abs(cross) <= STRAIGHT * lengths * before
    sides = input_shape[:, None, ::-1]
    outside = np.maximum(-corners, corners - sides) > beyond * sides.max(axis=2, keepdims=True)
    for row in range(len(corners)):
        clockwise = int((cross[row] > 0).sum())
        if outside[row].any():
            height, width = input_shape[row]
            yield row, f"a corner lies outside of the photo, {width:g} wide and {height:g} high"
        elif straight[row].any():
            yield row, "three corners lie in a line; wanted a quadrilateral"
        elif clockwise == 0:
            yield row, f"the corners run counter-clockwise, which mirrors the picture; {ORDER}"
        elif clockwise < 4:
            yield row, f"the sides cross, or a corner points inwards; {ORDER}"


def _checked(corners: ArrayLike) -> Floats:
    places = as_array("corners", corners)
    if places.dtype.kind not in "fiu" or places.ndim not in (2, 3) or places.shape[-2:] != (4, 2):
        raise InvalidInputError(
            f"corners has shape {places.shape} and dtype {places.dtype}; wanted real numbers of "
            "shape (4, 2) for one photo or (n, 4, 2) for several."
        )
    places = places.astype(np.float64).reshape(-1, 4, 2)
    finite = np.isfinite(places).all(axis=(1, 2))
    if not finite.all():
        row = int(finite.argmin())
        raise NonFiniteError(f"corners[{row}] holds NaN or infinity; give finite numbers.")
    return places


def _sides(input_shape: ArrayLike, n: int) -> Floats:
    """(width, height) for each of n photos, (n, 2)."""
    shapes = as_array("input_shape", input_shape)
    if shapes.ndim == 1:
        height, width = check_shape("input_shape", tuple(shapes.tolist()), (2, 3))
        return np.tile([float(width), float(height)], (n, 1))
    if shapes.shape != (n, 2):
        raise InvalidInputError(
            f"input_shape has shape {shapes.shape}; wanted (height, width) for all photos or "
            f"one such row for each of {n}."
        )
    rows = [check_shape(f"input_shape[{i}]", tuple(s)) for i, s in enumerate(shapes.tolist())]
    return np.array(rows, np.float64).reshape(n, 2)[:, ::-1]


def aspect(output_shape: tuple[int, ...]) -> Floats:
    """(1, height / width) of the output."""
    height, width = check_shape("output_shape", output_shape, (2, 3))
    return np.array([1.0, height / width])


def _nearest(family: str, places: Floats, sides: Floats, ratio: Floats) -> Floats:
    """(n, 2, 3) from the output's normalized places to pixels from the photo's middle.

    Corners of a rectangle around its middle make orthogonal columns, so that each entry of
    the least-squares fit is one projection.
    """
    motion = np.zeros((len(places), 2, 3))
    motion[:, :, 2] = places.mean(axis=1)
    affine = np.einsum("nkx,ky->nxy", places, FRAME) / 4
    if family == "affine":
        motion[:, :, :2] = affine
    elif family == "translation":
        motion[:, 0, 0], motion[:, 1, 1] = sides.T / 2
    else:
        (x, y), squares = ratio.T, np.square(ratio).sum(axis=-1)
        cos = (affine[:, 0, 0] * x + affine[:, 1, 1] * y) / squares
        sin = (affine[:, 1, 0] * x - affine[:, 0, 1] * y) / squares
        if family == "attention":
            _insist_upright(cos)
            sin = np.zeros_like(sin)
        motion[:, :, 0] = np.stack([cos * x, sin * x], axis=1)
        motion[:, :, 1] = np.stack([-sin * y, cos * y], axis=1)
    return motion


def _insist_upright(scale: Floats) -> None:
    if not (scale > 0).all():
        raise InvalidInputError(
            f"corners[{int((scale <= 0).argmax())}] lie upside down, and 'attention' cannot turn; "
            "choose family='similarity' or begin with another corner."
        )


def _homography(corners: Floats) -> Floats:
    """Theta (n, 3, 3) that takes the output's corners to these, normalized both."""
    one, two = corners[:, 1] - corners[:, 2], corners[:, 3] - corners[:, 2]
    rest = corners[:, 0] - corners[:, 1] + corners[:, 2] - corners[:, 3]
    whole = _cross(one, two)
    right, down = _cross(rest, two) / whole, _cross(one, rest) / whole
    theta = np.ones((len(corners), 3, 3))  # of the unit square to begin with
    theta[:, :2, 0] = corners[:, 1] - corners[:, 0] + right[:, None] * corners[:, 1]
    theta[:, :2, 1] = corners[:, 3] - corners[:, 0] + down[:, None] * corners[:, 3]
    theta[:, :2, 2] = corners[:, 0]
    theta[:, 2, 0], theta[:, 2, 1] = right, down
    theta = theta @ np.array([[0.5, 0, 0.5], [0, 0.5, 0.5], [0, 0, 1]])
    return theta / theta[:, 2:, 2:]


def _insist_seen(theta: Floats, corners: Floats) -> None:
    """Refuse a plane so oblique that its homography no longer shows its corners."""
    off = np.abs(source_points(theta, FRAME) - corners).max(axis=(1, 2), initial=0)
    if not (off <= EXACT).all():
        raise InvalidInputError(
            f"corners[{int((off > EXACT).argmax())}] are those of a plane seen too obliquely to "
            "be rectified; leave that photo out."
        )


def _cross(one: Floats, two: Floats) -> Floats:
    return one[..., 0] * two[..., 1] - one[..., 1] * two[..., 0]
