"""The affine grid and sampling at any grid, with their gradients."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..buffers import empty, zeros
from ..errors import InvalidInputError
from ..geometry import as_array, axes, check_shape, check_theta, normalized_from_pixel
from ..kernels import loaded
from ..threads import run_slices
from .arguments import SamplingArguments, check_grid, float_dtype, refuse_not_finite
from .at_coordinates import gradients_into, sample_into
from .fill import without_unknown, write_unknown

__all__ = ["affine_grid", "affine_grid_backward", "grid_sample", "grid_sample_backward"]


def affine_grid(
    theta: ArrayLike, output_shape: tuple[int, ...], *, align_corners: bool = False
) -> Array:
    """Source coordinates of every output pixel under an affine theta.

    Parameters
    ----------
    theta : array_like of shape (2, 3) or (n, 2, 3)
        Output to source, normalized.
    output_shape : tuple
        (height, width) of the output.
    align_corners : bool, default False
        Corner rule, see the module.

    Returns
    -------
    ndarray of shape (height, width, 2) or (n, height, width, 2)
        (x, y), normalized, of theta's float dtype.

    Raises
    ------
    InvalidInputError
        If theta is not finite or of another shape, or the output shape holds no pixel.

    Notes
    -----
    Convention: output to source, (x, y) in [-1, 1]. Source: Jaderberg et al. 2015, eq. 1.

    Examples
    --------
    >>> from stn_cv import affine_grid
    >>> affine_grid([[1, 0, 0], [0, 1, 0]], (1, 2))
    array([[[-0.5,  0. ],
            [ 0.5,  0. ]]])
    """
    kernels = loaded("sampling.grid")
    theta = check_theta(theta)
    shape = check_shape("output_shape", output_shape)
    out = empty((*theta.shape[:-2], *shape, 2), float_dtype(theta))
    steps, offsets = axes(normalized_from_pixel, shape, align_corners)
    batch = theta.reshape(-1, 2, 3).astype(np.float64)
    largest = float(np.finfo(out.dtype).max)
    kernels.affine(batch, offsets, steps, largest, out.reshape(len(batch), *shape, 2))
    return out


def affine_grid_backward(dgrid: ArrayLike, *, align_corners: bool = False) -> Array:
    """Gradient by theta from the gradient by `affine_grid`'s result.

    Parameters
    ----------
    dgrid : array_like of shape (height, width, 2) or (n, height, width, 2)
        Gradient by the grid.
    align_corners : bool, default False
        Corner rule given to `affine_grid`.

    Returns
    -------
    ndarray of shape (2, 3) or (n, 2, 3)
        Gradient by theta, of dgrid's float dtype.

    Raises
    ------
    InvalidInputError
        If `dgrid` has another shape.

    Notes
    -----
    Convention: theta output to source, (x, y) in [-1, 1]; the transpose of `affine_grid`.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import affine_grid_backward
    >>> affine_grid_backward(np.ones((1, 2, 2)))
    array([[0., 0., 2.],
           [0., 0., 2.]])
    """
    dgrid = np.ascontiguousarray(as_array("dgrid", dgrid))  # sums go by memory layout
    if dgrid.dtype.kind not in "fiu" or dgrid.ndim not in (3, 4) or dgrid.shape[-1] != 2:
        raise InvalidInputError(
            f"dgrid has shape {dgrid.shape} and dtype {dgrid.dtype}; wanted real numbers of "
            "shape (height, width, 2) or (n, height, width, 2)."
        )
    steps, offsets = axes(normalized_from_pixel, dgrid.shape[-3:-1], align_corners)
    height, width = dgrid.shape[-3:-1]
    x = offsets[0] + steps[0] * np.arange(width)
    y = offsets[1] + steps[1] * np.arange(height)
    by_x = np.einsum("...hwk,w->...k", dgrid, x)
    by_y = np.einsum("...hwk,h->...k", dgrid, y)
    dtheta = np.stack([by_x, by_y, dgrid.sum(axis=(-3, -2), dtype=np.float64)], axis=-1)
    return dtheta.astype(float_dtype(dgrid))


def grid_sample(
    images: ArrayLike,
    grid: ArrayLike,
    *,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
    fill_value: float | ArrayLike = 0.0,
    n_jobs: int | None = None,
) -> Array:
    """Sample images at the source coordinates of a grid.

    Parameters
    ----------
    images : array_like of shape (h, w[, c]) or (n, h, w[, c])
        float32, float64, uint8 or uint16.
    grid : array_like of shape (height, width, 2), (n, height, width, 2) or (1, height, width, 2)
        (x, y) in the source, normalized, for each image. One without n is for one image, or for
        all in four axes; (1, height, width, 2) for all.
    mode : {"bilinear", "nearest", "bicubic"}, default "bilinear"
        Interpolation; nearest rounds halves to even, bicubic is cubic convolution with
        a = -0.75 as in PyTorch and OpenCV, which can pass the range of its neighbours.
    padding_mode : {"zeros", "border", "reflection"}, default "zeros"
        What lies outside: `fill_value`, the edge pixels, or the image mirrored.
    align_corners : bool, default False
        Corner rule, see the module.
    fill_value : float or array_like of shape (c,), default 0.0
        What stands outside under ``padding_mode="zeros"``; of floats it may be NaN, as in
        `warp_affine`.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores. The result does not depend on it.

    Returns
    -------
    ndarray of shape (height, width[, c]) or (n, height, width[, c])
        Of the images' dtype; integers are computed in float32, bicubic in float64, and rounded
        half to even.

    Raises
    ------
    InvalidInputError
        If shapes do not fit or a name is unknown; `NonFiniteError` if the grid holds NaN or
        infinity.
    InvalidTypeError
        If the images have another dtype.

    Notes
    -----
    Convention: output to source, (x, y) in [-1, 1], as ``torch.nn.functional.grid_sample``.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import grid_sample
    >>> grid_sample(np.array([[0.0, 1.0]]), np.zeros((1, 1, 2)))
    array([[0.5]])
    """
    where = check_grid(grid)
    call = SamplingArguments.of(
        images, where, where.ndim == 4, mode, padding_mode, align_corners, fill_value
    )
    gains, offsets = call.pixel_axes()
    shape = call.where.shape[1:3]
    out = call.empty_output(shape)

    def run(piece: slice) -> int:
        part, rows = call.images_and_rows(piece)
        at = (call.where[part, rows], gains, offsets)
        return sample_into(call.images[part], at, call.rules, call.fill, out[part, rows])

    refuse_not_finite(sum(run_slices(run, call.pieces(shape, n_jobs), n_jobs)))
    write_unknown(out, call.unknown, call.images, _zero_outside(call, mode, n_jobs))
    return call.shaped_like_input(out)


def grid_sample_backward(
    dout: ArrayLike,
    images: ArrayLike,
    grid: ArrayLike,
    *,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
    fill_value: float | ArrayLike = 0.0,
    want_dimages: bool = True,
    n_jobs: int | None = None,
) -> tuple[Array | None, Array]:
    """Gradients of `grid_sample` by the images and by the grid.

    Parameters
    ----------
    dout : array_like
        Gradient by the result of `grid_sample`, of its shape.
    images, grid, mode, padding_mode, align_corners, fill_value, n_jobs
        As given to `grid_sample`; images of float32 or float64.
    want_dimages : bool, default True
        Whether to compute the gradient by the images; without it no work scales with
        their size.

    Returns
    -------
    dimages : ndarray of the images' shape and dtype, or None
        Gradient by the images.
    dgrid : ndarray of the grid's shape and float dtype
        Gradient by the grid, summed over all images where one grid came; zero for
        ``mode="nearest"``, and where the padding rule holds a coordinate at the border.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        As `grid_sample`.

    Notes
    -----
    Convention: output to source, (x, y) in [-1, 1]; on a kink, PyTorch's choice of slope.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import grid_sample_backward
    >>> image, grid = np.array([[0.0, 1.0]]), np.zeros((1, 1, 2))
    >>> dout = np.ones((1, 1))
    >>> dimage, dgrid = grid_sample_backward(dout, image, grid, padding_mode="border")
    >>> dimage
    array([[0.5, 0.5]])
    >>> dgrid
    array([[[1., 0.]]])
    """
    where = check_grid(grid)
    call = SamplingArguments.of(
        images, where, where.ndim == 4, mode, padding_mode, align_corners, fill_value
    )
    dout = call.check_dout(dout, call.where.shape[1:3])
    if mode == "nearest":  # no kernel looks at the values of such a grid and counts
        refuse_not_finite(int((~np.isfinite(call.where).all(axis=-1)).sum()))
    axes_of_pixels = call.pixel_axes()
    dout = without_unknown(dout, call.unknown, call.images, _zero_outside(call, mode, n_jobs))
    dimages = zeros(call.images.shape, call.images.dtype) if want_dimages else None
    dgrid = zeros(call.where.shape, float_dtype(call.where))

    def run(part: slice) -> int:
        given = dout[part], call.images[part], (call.where[part], *axes_of_pixels)
        own = None if dimages is None else dimages[part]
        return gradients_into(*given, call.rules, call.fill, dgrid[part], own)

    pieces = call.image_pieces(dout.shape[1:3], n_jobs)
    refuse_not_finite(sum(run_slices(run, pieces, n_jobs)))
    return (
        None if dimages is None else dimages.reshape(np.shape(images)),
        call.summed_like(dgrid, where),
    )


def _zero_outside(
    call: SamplingArguments, mode: str, n_jobs: int | None
) -> Callable[[Array], Array]:
    """The same sampling of other images, with 0 outside of them."""
    corners = call.rules.align_corners
    return lambda images: grid_sample(
        images, call.where, mode=mode, align_corners=corners, n_jobs=n_jobs
    )
