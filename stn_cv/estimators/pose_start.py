"""A pose learned from upright images, with which a training on labels begins."""

from dataclasses import replace
from typing import Any

from sklearn.base import clone

from ..errors import InvalidInputError
from ..model.image_spec import ImageSpec
from ..model.rectifier import Rectifier
from ..nn.network import Network
from ..nn.settings import Settings
from ..nn.training import Epoch
from .network import build_network, is_layers, is_off
from .pose_examples import check_ranges, read_pose_data
from .pose_training import PoseFit
from .training_data import TrainingData

__all__ = ["PoseStart", "with_pose"]

WARP = ("output_shape", "padding_mode", "fill_value", "antialias", "image_shape")


def with_pose(
    estimator: Any, data: TrainingData, upright: Any, settings: Settings
) -> tuple[TrainingData, "PoseStart | None"]:
    """The data with what the training begins with, where that is learned from upright images.

    Raises
    ------
    InvalidInputError
        If `upright` cannot be used, or what is to be trained on labels afterwards.
    KeyboardInterrupt
        If Ctrl-C came before the training on labels.
    """
    if upright is None:
        return data, None
    if is_layers(estimator.localization) or isinstance(estimator.localization, Rectifier):
        raise InvalidInputError(
            f"upright images came, but localization is {estimator.localization!r}, which learns "
            "nothing from them; give localization=PoseTransformer(...)."
        )
    pose = PoseStart(estimator, data.spec, upright, settings)
    if estimator.warm_start and hasattr(estimator, "rectifier_") and not is_off(estimator):
        return data, pose
    data = replace(data, start=pose.fit.untrained())
    build_network(estimator, data, settings.seed)  # what cannot be built is told before a training
    return replace(data, start=pose.learned()), pose


class PoseStart:
    """The pose transformer given as the localization, and the fit of a clone of it.

    Parameters
    ----------
    estimator : SpatialTransformer
        Whose `localization` is a `PoseTransformer`; how images are warped is its to say.
    spec : ImageSpec
        What images it is fitted on.
    upright : array_like
        Images in the wanted pose.
    settings : Settings
        Whose seed and threads are taken where the pose transformer has none.
    """

    def __init__(self, estimator: Any, spec: ImageSpec, upright: Any, settings: Settings) -> None:
        poser = clone(estimator.localization)
        poser.set_params(**{name: getattr(estimator, name) for name in WARP})
        for name, value in (("random_state", settings.seed), ("n_jobs", settings.n_jobs)):
            if getattr(poser, name) is None:
                poser.set_params(**{name: value})
        poser._validate_params()
        check_ranges(poser)
        data = read_pose_data(poser, upright, None)
        if data.spec != spec:
            raise InvalidInputError(f"upright images have {data.spec}; those of X have {spec}.")
        self.fit = PoseFit(poser, data)

    def learned(self) -> Rectifier:
        """The pose, learned from the upright images; its confidence is for the end."""
        networks, history = self.fit.train(self._listen)
        if history.interrupted:
            raise KeyboardInterrupt
        return self.fit.learned(networks, calibrated=False).rectifier

    def _listen(self, epoch: Epoch, networks: list[Network]) -> None:
        if self.fit.estimator.verbose:
            print(f"Pose: epoch {epoch.number} of {epoch.of}, loss = {epoch.loss:.6f}")
