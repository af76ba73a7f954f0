"""What not every model can: classify, and say how sure it is of a pose."""

from ..arrays import Array
from ..errors import InvalidInputError
from ..nn.spatial import Transform
from ..pose.transform import PoseTransform

__all__ = ["check_head", "pose_transform"]


def check_head(classes: Array | None) -> None:
    """Refuse a model that holds no head."""
    if classes is None:
        raise InvalidInputError(
            "this model holds no head: it was trained with a scikit-learn classifier, which is "
            "not saved with it. Use rectify() and that classifier."
        )


def pose_transform(transform: Transform) -> PoseTransform:
    """The transform, if it is one that was fitted to poses."""
    if not isinstance(transform, PoseTransform):
        raise InvalidInputError(
            "this model was fitted to classes and knows no confidence of a pose; wanted one "
            "that a PoseTransformer fitted."
        )
    return transform
