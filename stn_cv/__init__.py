"""Learned rectification for classical vision: spatial transformers for scikit-learn, on a CPU.

Public names are imported when they are first used, so that ``import stn_cv`` is quick and
loads neither scikit-learn nor OpenCV.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets as datasets
    from . import joint as joint
    from . import nn as nn
    from .alignment import (
        theta_from_moments,
    )
    from .displays import (
        ClassMeanDisplay,
        LossCurveDisplay,
        RectificationDisplay,
        ThetaDisplay,
    )
    from .errors import (
        AlignmentWarning,
        ClusterError,
        CollapseWarning,
        InterruptedWarning,
        InvalidInputError,
        InvalidTypeError,
        MissingLibraryError,
        ModelFileError,
        NonFiniteError,
        PoseWarning,
        StnError,
        TrainingDiverged,
    )
    from .estimators import (
        HOG,
        JointAlignment,
        PoseReport,
        PoseTransformer,
        SpatialTransformer,
        SpatialTransformerClassifier,
        cross_validate_pose,
    )
    from .estimators.fit_folder import (
        fit_folder,
    )
    from .folder import (
        DaskExecutor,
        iter_rectified,
        rectify_folder,
    )
    from .folder.examples import (
        load_folder,
    )
    from .folder.predict import (
        predict_folder,
    )
    from .folder.read_manifest import (
        read_manifest,
    )
    from .geometry import (
        angle_error,
        corner_error,
        corners_from_theta,
        theta_from_corners,
        theta_from_cv2,
        theta_to_cv2,
    )
    from .model.file import (
        load,
        save,
    )
    from .model.image_spec import (
        ImageSpec,
    )
    from .model.rectifier import (
        Rectifier,
    )
    from .onnx.export import (
        export,
    )
    from .pictures import (
        contact_sheet,
    )
    from .sampling import (
        affine_grid,
        affine_grid_backward,
        grid_sample,
        grid_sample_backward,
        warp_affine,
        warp_affine_backward,
    )

__version__ = "0.1.0"

_HOMES = {
    "SpatialTransformer": "estimators",
    "SpatialTransformerClassifier": "estimators",
    "PoseTransformer": "estimators",
    "HOG": "estimators",
    "PoseReport": "estimators",
    "cross_validate_pose": "estimators",
    "JointAlignment": "estimators",
    "RectificationDisplay": "displays",
    "ClassMeanDisplay": "displays",
    "ThetaDisplay": "displays",
    "LossCurveDisplay": "displays",
    "Rectifier": "model.rectifier",
    "ImageSpec": "model.image_spec",
    "save": "model.file",
    "load": "model.file",
    "export": "onnx.export",
    "affine_grid": "sampling",
    "affine_grid_backward": "sampling",
    "grid_sample": "sampling",
    "grid_sample_backward": "sampling",
    "warp_affine": "sampling",
    "warp_affine_backward": "sampling",
    "theta_to_cv2": "geometry",
    "theta_from_cv2": "geometry",
    "theta_from_corners": "geometry",
    "corners_from_theta": "geometry",
    "warp_points": "geometry",
    "warp_boxes": "geometry",
    "corner_error": "geometry",
    "theta_from_moments": "alignment",
    "angle_error": "geometry",
    "contact_sheet": "pictures",
    "iter_rectified": "folder",
    "rectify_folder": "folder",
    "DaskExecutor": "folder",
    "load_folder": "folder.examples",
    "predict_folder": "folder.predict",
    "read_manifest": "folder.read_manifest",
    "fit_folder": "estimators.fit_folder",
    "StnError": "errors",
    "InvalidInputError": "errors",
    "InvalidTypeError": "errors",
    "NonFiniteError": "errors",
    "TrainingDiverged": "errors",
    "InterruptedWarning": "errors",
    "ModelFileError": "errors",
    "MissingLibraryError": "errors",
    "ClusterError": "errors",
    "CollapseWarning": "errors",
    "PoseWarning": "errors",
    "AlignmentWarning": "errors",
}

__all__ = [
    "AlignmentWarning",
    "ClassMeanDisplay",
    "ClusterError",
    "CollapseWarning",
    "DaskExecutor",
    "HOG",
    "ImageSpec",
    "InterruptedWarning",
    "InvalidInputError",
    "InvalidTypeError",
    "JointAlignment",
    "LossCurveDisplay",
    "MissingLibraryError",
    "ModelFileError",
    "NonFiniteError",
    "PoseReport",
    "PoseTransformer",
    "PoseWarning",
    "RectificationDisplay",
    "Rectifier",
    "SpatialTransformer",
    "SpatialTransformerClassifier",
    "StnError",
    "ThetaDisplay",
    "TrainingDiverged",
    "affine_grid",
    "affine_grid_backward",
    "angle_error",
    "contact_sheet",
    "corner_error",
    "corners_from_theta",
    "cross_validate_pose",
    "export",
    "fit_folder",
    "grid_sample",
    "grid_sample_backward",
    "iter_rectified",
    "load",
    "load_folder",
    "predict_folder",
    "read_manifest",
    "rectify_folder",
    "save",
    "theta_from_corners",
    "theta_from_cv2",
    "theta_from_moments",
    "theta_to_cv2",
    "warp_affine",
    "warp_affine_backward",
    "warp_boxes",
    "warp_points",
]


_ROOMS = ("datasets", "joint", "nn")


if not TYPE_CHECKING:  # or a type checker would believe that any name is there

    def __getattr__(name: str) -> Any:
        if name in _ROOMS:
            return import_module(f".{name}", __name__)
        if name not in _HOMES:
            raise AttributeError(f"module 'stn_cv' has no attribute {name!r}")
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*__all__, *_ROOMS, "__version__"]
