"""How many training pictures fit into a time."""

from dataclasses import replace
from time import perf_counter

from ..nn.network import Network
from ..nn.settings import Settings
from ..nn.training import Trainer
from ..threads import pinned_blas
from .objective import USES, KnownPoses
from .training import TrainingPlan, look_network

__all__ = ["affordable"]

TRIAL = 512  # pictures an epoch that is timed
SPARE = 0.1  # of the time: for calibration, and for what was timed too low


def affordable(plan: TrainingPlan, settings: Settings, seconds: float) -> int:
    """Training pictures of the first look, if all looks together may take so many seconds.

    A few steps of each look, by networks that are thrown away, are timed.

    Returns
    -------
    int
        At least 1.
    """
    epochs = [plan.first, plan.correcting]
    begun = perf_counter()
    cost, networks = 0.0, list[Network]()
    for number, (encoding, draw, own) in enumerate(plan.stages(settings, networks)):
        network = look_network(plan, number, encoding, own)
        networks.append(network)
        objective = KnownPoses(draw, encoding, TRIAL)
        trainer = Trainer(network, replace(own, max_iter=2 * USES), objective)
        cost += _seconds_a_picture(trainer) * epochs[number] / plan.first
    left = seconds - (perf_counter() - begun)
    return max(int((1 - SPARE) * left / cost), 1)


def _seconds_a_picture(trainer: Trainer) -> float:
    """Of drawing it and learning from it, when everything is compiled."""
    with pinned_blas():
        for _ in range(USES):
            trainer.epoch()
        begun = perf_counter()
        for _ in range(USES):
            trainer.epoch()
    return (perf_counter() - begun) / (USES * TRIAL)
