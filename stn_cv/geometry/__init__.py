"""Theta of every family: its algebra, in NumPy only."""

from .affine import (
    as_array,
    axes,
    check_shape,
    isotropic_sides,
    matrix_gradient_to_theta,
    matrix_output_to_source,
    normalized_from_pixel,
    pixel_from_normalized,
)
from .corners import corner_faults, corners_from_theta, theta_from_corners
from .homography import (
    homography_gradient_to_theta,
    homography_output_to_source,
    horizon,
)
from .opencv_matrix import invert, theta_from_cv2, theta_to_cv2
from .points import warp_boxes, warp_points
from .pose_errors import angle_error, corner_error
from .spline import control_points, spline_at_pixels, spline_values, splines_at_crossings
from .theta import (
    area_gain,
    check_any_theta,
    check_spline,
    check_theta,
    cropped,
    local_affine,
    outline,
    points_a_side,
    scaled,
    share_outside,
    source_points,
)

__all__ = [
    "angle_error",
    "check_any_theta",
    "area_gain",
    "as_array",
    "axes",
    "check_shape",
    "check_theta",
    "check_spline",
    "control_points",
    "corner_error",
    "corner_faults",
    "corners_from_theta",
    "homography_gradient_to_theta",
    "homography_output_to_source",
    "horizon",
    "invert",
    "isotropic_sides",
    "local_affine",
    "matrix_gradient_to_theta",
    "matrix_output_to_source",
    "cropped",
    "normalized_from_pixel",
    "outline",
    "pixel_from_normalized",
    "points_a_side",
    "scaled",
    "share_outside",
    "source_points",
    "spline_at_pixels",
    "spline_values",
    "splines_at_crossings",
    "theta_from_corners",
    "theta_from_cv2",
    "theta_to_cv2",
    "warp_boxes",
    "warp_points",
]
