"""The fused affine warp and its gradients: `affine_grid` and `grid_sample` without the grid."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..buffers import empty
from ..errors import InvalidInputError
from ..geometry import (
    as_array,
    check_shape,
    check_theta,
    matrix_gradient_to_theta,
    matrix_output_to_source,
)
from ..kernels.sampling.rules import BICUBIC, BILINEAR, NEAREST
from ..threads import run_slices
from .affine_warp import AffineWarp
from .antialias import ONE, Counts, Part, parts_of, sample_counts, shrinks
from .arguments import SamplingArguments, float_dtype, no_kernel_for
from .fill import without_unknown, write_unknown
from .pointwise_warp import BicubicWarp, NearestWarp

__all__ = ["warp_affine", "warp_affine_backward"]

WARPS: dict[int, Any] = {BILINEAR: AffineWarp, NEAREST: NearestWarp, BICUBIC: BicubicWarp}


def warp_affine(
    images: ArrayLike,
    theta: ArrayLike,
    output_shape: tuple[int, ...] | None = None,
    *,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
    fill_value: float | ArrayLike = 0.0,
    antialias: bool = False,
    n_jobs: int | None = None,
) -> Array:
    """Warp images by affine thetas, without building a grid.

    Parameters
    ----------
    images : array_like of shape (h, w[, c]) or (n, h, w[, c])
        float32, float64, uint8 or uint16.
    theta : array_like of shape (2, 3), (n, 2, 3) or (1, 2, 3)
        Output to source, normalized, of each image. (2, 3) is of one image, or of all in four
        axes; (1, 2, 3) of all.
    output_shape : tuple or None, default None
        (height, width) of the result; None is the images' own.
    mode : {"bilinear", "nearest", "bicubic"}, default "bilinear"
        Interpolation; nearest rounds halves to even, bicubic is cubic convolution with
        a = -0.75 as in PyTorch and OpenCV, which can pass the range of its neighbours.
    padding_mode : {"zeros", "border", "reflection"}, default "zeros"
        What lies outside: `fill_value`, the edge pixels, or the image mirrored.
    align_corners : bool, default False
        Corner rule, see the module.
    fill_value : float or array_like of shape (c,), default 0.0
        What stands outside under ``padding_mode="zeros"``. Of floats it may be NaN: so become
        the pixels in which anything outside has a part of more than a millionth.
    antialias : bool, default False
        Whether an output pixel is the mean of several samples, spread evenly over its area,
        where the warp shrinks: along each side as few as lie at most one source pixel apart,
        and at most 16. For each image as its own theta asks.
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
        If shapes do not fit, a name is unknown, or neighbours are to be both copied and
        averaged; `NonFiniteError` if theta holds NaN or infinity.
    InvalidTypeError
        If the images have another dtype.

    Notes
    -----
    Convention: output to source, (x, y) in [-1, 1]. Identity, flips, right angles and
    integer shifts are exact, given as float64. Source: Jaderberg et al. 2015, section 3; Keys
    1981, eq. 15.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import warp_affine
    >>> warp_affine(np.array([[1.0, 2.0, 3.0]]), [[-1, 0, 0], [0, 1, 0]])  # flip
    array([[3., 2., 1.]])
    """
    theta = check_theta(theta)
    call = SamplingArguments.of(
        images, theta, theta.ndim == 3, mode, padding_mode, align_corners, fill_value
    )
    make = _warp_by(call.rules.mode)
    input_shape = call.images.shape[1:3]
    shape = input_shape if output_shape is None else check_shape("output_shape", output_shape)
    matrices = matrix_output_to_source(call.where, input_shape, shape, align_corners)
    out = call.empty_output(shape)
    parts = _shrunk_parts(call, matrices, shape, antialias)
    pieces = [(index, counts, rows) for index, counts, cuts in parts for rows in cuts]
    if not parts:
        pairs = map(call.images_and_rows, call.pieces(shape, n_jobs))
        pieces = [(part, ONE, slice(*rows.indices(shape[0]))) for part, rows in pairs]

    def run(piece: tuple[Any, Counts, slice]) -> None:
        index, counts, rows = piece
        into = out[index, rows]  # a view, where a slice is the index
        given = (call.images[index], matrices[index], shape, call.rules, call.fill, counts)
        make(*given).write(rows, into)
        if not isinstance(index, slice):
            out[index, rows] = into

    run_slices(run, pieces, n_jobs)
    write_unknown(
        out, call.unknown, call.images, _zero_outside(call, shape, mode, antialias, n_jobs)
    )
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
    antialias: bool = False,
    want_dimages: bool = True,
    n_jobs: int | None = None,
) -> tuple[Array | None, Array]:
    """Gradients of `warp_affine` by the images and by theta.

    Parameters
    ----------
    dout : array_like
        Gradient by the result of `warp_affine`, of its shape.
    images, theta, mode, padding_mode, align_corners, fill_value, antialias, n_jobs
        As given to `warp_affine`; images of float32 or float64.
    want_dimages : bool, default True
        Whether to compute the gradient by the images; without it no work scales with
        their size.

    Returns
    -------
    dimages : ndarray of the images' shape and dtype, or None
        Gradient by the images.
    dtheta : ndarray of theta's shape and float dtype
        Gradient by theta, summed over all images where one theta came; zero for
        ``mode="nearest"``.

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
    shape = dout.shape[call.batched : call.batched + 2]
    dout = call.check_dout(dout, shape)
    if 0 in shape:
        raise InvalidInputError(f"dout has shape {dout.shape}: it holds the gradient of no pixel.")
    shapes = call.images.shape[1:3], shape, align_corners
    matrices = matrix_output_to_source(call.where, *shapes)
    make = _warp_by(call.rules.mode)
    dout = without_unknown(
        dout, call.unknown, call.images, _zero_outside(call, shape, mode, antialias, n_jobs)
    )
    dimages = empty(call.images.shape, call.images.dtype) if want_dimages else None
    dmatrices = np.zeros(matrices.shape)
    parts = _shrunk_parts(call, matrices, shape, antialias)
    alone = len(call.images) == 1
    whole = [slice(0, shape[0])]
    if alone and not parts:
        parts = [(slice(0, 1), ONE, call.pieces(shape, n_jobs))]
    parts = parts or [(part, ONE, whole) for part in call.image_pieces(shape, n_jobs)]

    def run(part: Part) -> None:
        index, counts, cuts = part
        own = None
        if dimages is not None:
            own = dimages[index]  # a view, where a slice is the index
        warp = make(call.images[index], matrices[index], shape, call.rules, call.fill, counts)
        dmatrices[index] = warp.gradients(dout[index], cuts, own, n_jobs if alone else 1)
        if dimages is not None and not isinstance(index, slice):
            dimages[index] = own

    run_slices(run, parts, n_jobs)
    dtheta = call.summed_like(matrix_gradient_to_theta(dmatrices, *shapes), where)
    return (
        None if dimages is None else dimages.reshape(np.shape(images)),
        dtheta.astype(float_dtype(where)),
    )


def _zero_outside(
    call: SamplingArguments, shape: tuple[int, int], mode: str, antialias: bool, n_jobs: int | None
) -> Callable[[Array], Array]:
    """The same warp of other images, with 0 outside of them."""
    return lambda images: warp_affine(
        images,
        call.where,
        shape,
        mode=mode,
        align_corners=call.rules.align_corners,
        antialias=antialias,
        n_jobs=n_jobs,
    )


def _warp_by(mode: int) -> Any:
    """What warps by a mode."""
    if mode not in WARPS:
        raise no_kernel_for(mode)
    return WARPS[mode]


def _shrunk_parts(
    call: SamplingArguments, matrices: Array, output_shape: tuple[int, ...], antialias: bool
) -> list[Part]:
    """The parts of an antialiased warp; none where every image takes the plain one."""
    if not antialias:
        return []
    if call.rules.mode == NEAREST:
        raise InvalidInputError(
            "antialias=True takes means, which mode='nearest' is there to avoid; choose one."
        )
    return parts_of(sample_counts(matrices), output_shape) if shrinks(matrices) else []
