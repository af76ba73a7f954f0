"""A transformer that is not worth it, turned off: the head is trained on images as they are."""

import copy
from dataclasses import replace
from typing import Any

from ..errors import TrainingDiverged
from ..joint.heads import HeadSpec
from ..nn.flatten import Flatten
from ..nn.network import Network
from ..nn.settings import Settings
from ..nn.training import History, Listener
from .network import build_network
from .pose_report import PoseReport
from .training import knows_pose, train_network
from .training_data import TrainingData

__all__ = ["trained_without", "wants_off"]


def wants_off(estimator: Any, report: PoseReport | None) -> bool:
    """Whether the head does no better with the transformer, on images new to both.

    A pose that was known before the labels is wanted for itself.
    """
    if report is None or knows_pose(estimator):
        return False
    return bool(estimator.turn_off and report.unseen and report.pays is False)


def trained_without(
    estimator: Any,
    data: TrainingData,
    settings: Settings,
    spec: HeadSpec | None,
    listener: Listener,
) -> tuple[Network, History] | None:
    """A network whose transform is the identity, and its head's training; None if that failed.

    A scikit-learn classifier (`spec`) needs none: it is fitted when the network is there.
    """
    plain = copy.copy(estimator)
    plain.localization, plain.n_steps, plain.warm_start = [Flatten()], 1, False
    data = replace(data, start=None)
    if spec is not None:
        return build_network(plain, data, settings.seed), History()
    try:
        still = replace(settings, localization_learning_rate_ratio=0.0)
        return train_network(plain, data, still, None, listener)
    except TrainingDiverged:
        return None
