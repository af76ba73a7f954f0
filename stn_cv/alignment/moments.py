"""Centre, size and principal axis of what a picture shows, as a pose."""

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import InvalidInputError, NonFiniteError
from ..geometry import as_array
from .poses import Poses

__all__ = ["moment_poses", "theta_from_moments"]

EXTENT = 0.55  # of half the shorter side: the radius of gyration of what is shown
FAINTEST = 1e-6  # of the range of a picture, in the mean over its pixels: less is nothing


def theta_from_moments(
    images: ArrayLike,
    *,
    turn: bool = True,
    background: float | None = None,
    extent: float = EXTENT,
) -> Array:
    """Theta that centres what is shown, brings it to one size and its long axis upright.

    A pixel weighs as much as it differs from the background, in the mean of the channels.
    Where one thing lies on a plain ground this is hard to beat; with texture behind it, or a
    second thing in the picture, it fails.

    Parameters
    ----------
    images : array_like of shape (n, h, w) or (n, h, w, c)
        Pictures of any real dtype.
    turn : bool, default True
        Whether the principal axis is brought upright, by at most 90 degrees: of a thing upside
        down moments know nothing, and it stays so. False keeps the turn as it is.
    background : float or None, default None
        Value of the ground, in the units of the images; None is the median of each picture's
        border pixels.
    extent : float, default 0.55
        Size of what is shown: its radius of gyration in half the shorter side of the output.

    Returns
    -------
    ndarray of shape (n, 2, 3), float64
        Output to source, normalized; a similarity. The identity for a picture that shows
        nothing but background.

    Raises
    ------
    InvalidInputError
        If the images are not such a batch, not finite, or `extent` is not positive.

    Notes
    -----
    Convention: theta maps output to source, (x, y) in [-1, 1], ``align_corners=False``. The
    output is to have the images' aspect.
    Source: Hu 1962, "Visual Pattern Recognition by Moment Invariants".

    Examples
    --------
    >>> from stn_cv import theta_from_moments, warp_affine
    >>> from stn_cv.datasets import load_distorted_digits
    >>> X = load_distorted_digits(n_copies=1).X_test
    >>> upright = warp_affine(X, theta_from_moments(X), (16, 16))
    """
    values = as_array("images", images)
    if values.dtype.kind not in "biuf" or values.ndim not in (3, 4) or not all(values.shape[1:]):
        raise InvalidInputError(
            f"images has shape {values.shape} and dtype {values.dtype}; wanted real numbers of "
            "shape (n, h, w) or (n, h, w, c)."
        )
    if not np.isfinite(values).all():
        raise NonFiniteError("images holds NaN or infinity; give finite numbers.")
    if not extent > 0:
        raise InvalidInputError(f"extent is {extent!r}; wanted a positive number.")
    values = values if values.ndim == 4 else values[..., None]
    return moment_poses(values, turn, background, extent).theta(values.shape[1:3])


def moment_poses(
    images: Array, turn: bool, background: float | None = None, extent: float = EXTENT
) -> Poses:
    """`theta_from_moments` of checked images (n, h, w, c), as poses."""
    n, height, width, _ = images.shape
    weights = _weights(images, background)
    half = min(height, width) / 2
    x = (np.arange(width) - (width - 1) / 2) / half
    y = (np.arange(height) - (height - 1) / 2)[:, None] / half
    mass = weights.sum(axis=(1, 2))
    empty = mass <= 0
    weights = weights / np.where(empty, 1, mass)[:, None, None]
    centre = np.einsum("nhw,hw->n", weights, x + 1j * y)
    from_centre = x + 1j * y - centre[:, None, None]
    squares = np.einsum("nhw,nhw->n", weights, np.abs(from_centre) ** 2)
    squares += (1 / half) ** 2 / 6  # a pixel is a square, whose own moment counts
    z = np.sqrt(squares) / extent + 0j
    if turn:
        double = np.einsum("nhw,nhw->n", weights, from_centre**2)
        axis = np.angle(double) / 2 - np.pi / 2  # of the long axis, from upright
        z = z * np.exp(1j * ((axis + np.pi / 2) % np.pi - np.pi / 2))
    return Poses(np.where(empty, 1, z), np.where(empty, 0, centre))


def _weights(images: Array, background: float | None) -> Array:
    """(n, h, w): how far each pixel lies from the background; 0 throughout where nothing is."""
    border = np.ones(images.shape[1:3], bool)
    border[1:-1, 1:-1] = False
    values = images.astype(np.float64)
    ground = (
        np.median(values[:, border], axis=1)[:, None, None] if background is None else background
    )
    weights = np.abs(values - ground).mean(axis=3)
    largest = np.abs(values).max(axis=(1, 2, 3), initial=0)
    shown = weights.mean(axis=(1, 2)) > FAINTEST * largest
    return np.asarray(weights * shown[:, None, None])
