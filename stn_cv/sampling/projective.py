"""Where a homography looks in the source, and the gradient of that."""

import numpy as np

from ..arrays import Array
from ..geometry import homography_gradient_to_theta, homography_output_to_source, horizon
from ..kernels import loaded
from .arguments import read_only

__all__ = ["projective_places", "projective_places_backward"]


def projective_places(
    theta: Array,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, int],
    rows: slice = slice(None),
) -> Array:
    """Pixels of the source that homographies show in pixels of the output.

    Parameters
    ----------
    theta : ndarray of shape (n, 3, 3), float64
        Output to source, normalized: (x, y, 1) goes to (u w, v w, w). Any scale other than
        0 does, as long as w is positive where the source is seen.
    input_shape, output_shape : tuple
        (height, width) of the source and of the output.
    rows : slice, default all
        Which of the output's rows are wanted.

    Returns
    -------
    ndarray of shape (n, rows, width, 2), float64
        (x, y) in pixels, centres at integers; exact for the identity, flips, right angles
        and integer shifts. A pixel behind the camera, whose w is no more than a thousandth
        of ``abs(theta[2]).sum()``, the largest in the frame, is given a place 1e9 pixels
        away, outside every source (that "reflection" folds back to where rounding says). Of a
        theta that is not finite, NaN.

    Notes
    -----
    Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``. Source:
    Jaderberg et al. 2015, section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv.sampling.projective import projective_places
    >>> tilted = np.array([[[1, 0, 0], [0, 1, 0], [0.5, 0, 1]]])
    >>> projective_places(tilted, (1, 4), (1, 4))[0, 0, :, 0]
    array([-0.9       ,  0.92857143,  1.94444444,  2.59090909])
    """
    kernels = loaded("sampling.homography")
    first, end, _ = rows.indices(output_shape[0])
    matrices = homography_output_to_source(theta, input_shape, output_shape)
    out = np.empty((len(theta), end - first, output_shape[1], 2))
    kernels.place(matrices, horizon(theta), first, out)
    return out


def projective_places_backward(dplaces: Array, theta: Array, input_shape: tuple[int, ...]) -> Array:
    """Gradient by theta from the gradient by `projective_places`'s result.

    Parameters
    ----------
    dplaces : ndarray of shape (n, height, width, 2)
        Gradient by all places; what came of a pixel behind the camera counts for nothing.
    theta : ndarray of shape (n, 3, 3), float64
        As given to `projective_places`.
    input_shape : tuple
        (height, width) of the source.

    Returns
    -------
    ndarray of shape (n, 3, 3), float64
        Gradient by theta.

    Notes
    -----
    Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv.sampling.projective import projective_places_backward
    >>> dplaces = np.ones((1, 1, 2, 2))  # a pixel is half the height, a fourth of the width
    >>> projective_places_backward(dplaces, np.eye(3)[None], (1, 2))[0]
    array([[ 0. ,  0. ,  2. ],
           [ 0. ,  0. ,  1. ],
           [-0.5,  0. ,  0. ]])
    """
    kernels = loaded("sampling.homography")
    output_shape = dplaces.shape[1:3]
    matrices = homography_output_to_source(theta, input_shape, output_shape)
    dmatrices = np.empty(theta.shape)
    kernels.gradient(matrices, horizon(theta), read_only(dplaces), dmatrices)
    return homography_gradient_to_theta(dmatrices, theta, input_shape, output_shape)
