"""The fused affine warp and its gradients: `affine_grid` and `grid_sample` without the grid."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..buffers import empty, zeros
from ..geometry import (
    as_array,
    check_shape,
    check_theta,
    matrix_gradient_to_theta,
    matrix_output_to_source,
)
from ..slices import run_slices
from .arguments import (
    MODES,
    PADDING_MODES,
    Fill,
    SamplingArguments,
    as_fill,
    float_dtype,
    framed,
    read_only,
    unframed,
)

__all__ = ["differentiable_warp", "warp_affine", "warp_affine_backward"]

Array = NDArray[Any]


def warp_affine(
    images: ArrayLike,
    theta: ArrayLike,
    output_shape: tuple[int, ...] | None = None,
    *,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
    fill_value: float | ArrayLike = 0.0,
    n_jobs: int | None = None,
) -> Array:
    """Warp images by affine thetas, without building a grid.

    Parameters
    ----------
    images : array_like of shape (h, w[, c]) or (n, h, w[, c])
        float32, float64, uint8 or uint16. One image where `theta` has shape (2, 3).
    theta : array_like of shape (2, 3) or (n, 2, 3)
        Output to source, normalized.
    output_shape : tuple or None, default None
        (height, width) of the result; None is the images' own.
    mode : {"bilinear", "nearest"}, default "bilinear"
        Interpolation; nearest rounds halves to even.
    padding_mode : {"zeros", "border", "reflection"}, default "zeros"
        What lies outside: `fill_value`, the edge pixels, or the image mirrored.
    align_corners : bool, default False
        Corner rule, see the module.
    fill_value : float or array_like of shape (c,), default 0.0
        What stands outside under ``padding_mode="zeros"``.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores. The result does not depend on it.

    Returns
    -------
    ndarray of shape (height, width[, c]) or (n, height, width[, c])
        Of the images' dtype; integers are computed in float32 and rounded half to even.

    Raises
    ------
    InvalidInputError
        If shapes do not fit or a name is unknown; `NonFiniteError` if theta holds NaN or
        infinity.
    InvalidTypeError
        If the images have another dtype.

    Notes
    -----
    Convention: output to source, (x, y) in [-1, 1]. Identity, flips, right angles and
    integer shifts are exact. Source: Jaderberg et al. 2015, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import warp_affine
    >>> warp_affine(np.array([[1.0, 2.0, 3.0]]), [[-1, 0, 0], [0, 1, 0]])  # flip
    array([[3., 2., 1.]])
    """
    from ..kernels import warp as kernels

    theta = check_theta(theta)
    call = SamplingArguments.of(
        images, theta, theta.ndim == 3, mode, padding_mode, align_corners, fill_value
    )
    input_shape = call.images.shape[1:3]
    shape = input_shape if output_shape is None else check_shape("output_shape", output_shape)
    matrices = matrix_output_to_source(call.where, input_shape, shape, align_corners)
    out = call.empty_output(shape)
    source = call.sources(shape)

    def run(piece: slice) -> None:
        part, rows = call.place(piece)
        rules = (matrices[part], rows.start or 0, *call.rules[1:], call.fill, out[part, rows])
        if mode == "nearest":
            kernels.warp_nearest(call.images[part], *rules)
        else:
            kernels.warp(*source(part), *rules)

    run_slices(run, call.pieces(shape), call.threads(shape, n_jobs))
    return call.shaped_like_input(out)


def warp_affine_backward(
    dout: ArrayLike,
    images: ArrayLike,
    theta: ArrayLike,
    *,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
    fill_value: float | ArrayLike = 0.0,
    want_dimages: bool = True,
    n_jobs: int | None = None,
) -> tuple[Array | None, Array]:
    """Gradients of `warp_affine` by the images and by theta.

    Parameters
    ----------
    dout : array_like
        Gradient by the result of `warp_affine`, of its shape.
    images, theta, mode, padding_mode, align_corners, fill_value, n_jobs
        As given to `warp_affine`; images of float32 or float64.
    want_dimages : bool, default True
        Whether to compute the gradient by the images; without it no work scales with
        their size.

    Returns
    -------
    dimages : ndarray of the images' shape and dtype, or None
        Gradient by the images.
    dtheta : ndarray of theta's shape and float dtype
        Gradient by theta; zero for ``mode="nearest"``.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        As `warp_affine`.

    Notes
    -----
    Convention: output to source, (x, y) in [-1, 1]; on a kink, PyTorch's choice of slope.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import warp_affine_backward
    >>> image, identity = np.array([[1.0, 2.0, 4.0]]), [[1.0, 0, 0], [0, 1.0, 0]]
    >>> dimage, dtheta = warp_affine_backward(np.ones((1, 3)), image, identity)
    >>> dimage
    array([[1., 1., 1.]])
    >>> dtheta[0, 2]  # by the shift to the right: 1.5 pixels times the slopes 1 + 2 - 4
    np.float64(-1.5)
    """
    where = check_theta(theta)
    call = SamplingArguments.of(
        images, where, where.ndim == 3, mode, padding_mode, align_corners, fill_value
    )
    dout = as_array("dout", dout)
    dout = call.check_dout(dout, dout.shape[call.batched : call.batched + 2])
    dimages = empty(call.images.shape, call.images.dtype) if want_dimages else None
    dtheta = np.zeros(call.where.shape, float_dtype(where))

    def run(part: slice) -> None:
        given = (call.images[part], call.where[part], dout.shape[1:3], call.rules, call.fill)
        if mode == "nearest":
            dimages_part = _nearest_dimages(dout[part], *given) if want_dimages else None
        else:
            _, backward = _bilinear(*given)
            dimages_part, dtheta[part] = backward(dout[part], want_dimages)
        if dimages is not None:
            dimages[part] = dimages_part

    run_slices(run, call.image_pieces(dout.shape[1:3]), n_jobs)
    return (
        None if dimages is None else dimages.reshape(np.shape(images)),
        dtheta.reshape(where.shape),
    )


Backward = Callable[[Array, bool], tuple[Array | None, Array]]


def differentiable_warp(
    images: Array,
    theta: Array,
    output_shape: tuple[int, int],
    padding_mode: str = "zeros",
    fill_value: float = 0.0,
) -> tuple[Array, Backward]:
    """Warp (n, h, w, c) images serially, keeping what the gradients need.

    For networks: unchecked, on the calling thread, ``align_corners=False``. Returns the
    warped images and ``backward(dY, want_dimages) -> (dimages or None, dtheta)``.
    """
    fill = as_fill(np.full(images.shape[3], fill_value, images.dtype))
    rules = (MODES["bilinear"], PADDING_MODES[padding_mode], False)
    images = read_only(np.ascontiguousarray(images))
    forward, backward = _bilinear(images, theta, output_shape, rules, fill)
    return forward(), backward


Forward = Callable[[], Array]


def _bilinear(
    images: Array,
    theta: Array,
    output_shape: tuple[int, ...],
    rules: tuple[int, int, bool],
    fill: Fill,
) -> tuple[Forward, Backward]:
    """The warp and its backward, over images that are framed once for both."""
    from ..kernels import warp as kernels

    padding, shapes = rules[1:], (images.shape[1:3], output_shape, rules[2])
    matrices = matrix_output_to_source(theta, *shapes)
    source, margin = framed(images, fill, math.prod(output_shape))

    def forward() -> Array:
        Y = empty((len(images), *output_shape, images.shape[3]), images.dtype)
        kernels.warp(source, margin, matrices, 0, *padding, fill, Y)
        return Y

    def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
        dY = read_only(np.ascontiguousarray(dY))
        dmatrices = np.empty((len(dY), 2, 3))
        kernels.warp_gradient(dY, source, margin, matrices, *padding, fill, dmatrices)
        dtheta = matrix_gradient_to_theta(dmatrices, *shapes)
        if not want_dimages:
            return None, dtheta
        dimages = zeros(source.shape, source.dtype)
        kernels.warp_scatter(dY, matrices, *padding, fill, margin, dimages)
        return unframed(dimages, margin), dtheta

    return forward, backward


def _nearest_dimages(
    dout: Array,
    images: Array,
    theta: Array,
    output_shape: tuple[int, ...],
    rules: tuple[int, int, bool],
    fill: Fill,
) -> Array:
    """Gradient by the images where neighbours are copied; theta has none."""
    from ..kernels import warp as kernels

    matrices = matrix_output_to_source(theta, images.shape[1:3], output_shape, rules[2])
    dimages = zeros(images.shape, images.dtype)
    kernels.warp_nearest_scatter(dout, matrices, *rules[1:], fill, dimages)
    return dimages
