"""From a pose transformer's parameters and data to what is trained, and back to a Rectifier."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ..arrays import Array
from ..errors import InterruptedWarning, InvalidInputError, warn_caller
from ..model.rectifier import Rectifier
from ..nn.network import Network
from ..nn.random_keys import keyed
from ..nn.settings import Settings
from ..nn.standardize import StandardizeEach
from ..nn.training import History
from ..pose.canvases import Canvases, Examples
from ..pose.looks import correcting_look, first_look
from ..pose.objective import CANVAS
from ..pose.ranges import PoseRange
from ..pose.training import (
    LookListener,
    TrainingPlan,
    calibrate,
    held_out,
    pose_network,
    train_looks,
)
from ..pose.transform import PoseTransform
from .fitted_attributes import Learned
from .pose_examples import PoseData, bins_of

__all__ = ["PoseFit"]

FEW = 200  # examples: so few that how askew each lies could be learned by heart
AN_EPOCH = 4096  # canvases, at most
HELD_OUT = 2**32 - 3  # stands for the epoch in the key by which examples are held out
CORRECTING_SHARE = 0.5  # canvases of the correcting look, relative to the first


class PoseFit:
    """One fit: what is trained, and what becomes of it.

    Parameters
    ----------
    estimator : PoseTransformer
        Whose parameters are asked.
    data : PoseData
        What fit was given.
    """

    def __init__(self, estimator: Any, data: PoseData) -> None:
        self.estimator, self.data = estimator, data
        seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
        self.settings = Settings(
            solver="adam",
            learning_rate_init=estimator.learning_rate_init,
            learning_rate="one_cycle",
            localization_learning_rate_ratio=1.0,
            batch_size=estimator.batch_size,
            max_iter=1,  # each look has its own
            tol=0.0,
            n_iter_no_change=1,
            alpha=estimator.alpha,
            max_norm=5.0,
            seed=seed,
            n_jobs=estimator.n_jobs,
        )
        self.poses = PoseRange(
            estimator.family,
            data.shape,
            float(estimator.angle),
            (float(estimator.scale[0]), float(estimator.scale[1])),
            float(estimator.shift),
            float(estimator.perspective),
        )
        kept, left_out = self._split(seed)
        self.plan = self._plan(data.examples.take(kept))
        self.judges = self._canvases(data.examples.take(left_out), blended=False)

    def _split(self, seed: int) -> tuple[Array, Array]:
        """Numbers of the examples to train on, and of those held out."""
        n = len(self.data.examples)
        count = min(max(round(self.estimator.validation_fraction * n), 1), n - 1)
        order = keyed(seed, CANVAS, HELD_OUT).permutation(n)
        return np.sort(order[count:]), np.sort(order[:count])

    def _canvases(self, examples: Examples, blended: bool) -> Canvases:
        symmetry = int(self.estimator.symmetry)
        return Canvases(examples, self.data.background, self.poses, symmetry, blended)

    def _plan(self, examples: Examples) -> TrainingPlan:
        estimator, few = self.estimator, len(examples) < FEW
        mirrored = estimator.mirrored
        if mirrored == "auto":  # among all turns, a mirrored letter may be another one turned
            mirrored = few and (estimator.symmetry > 1 or not bins_of(estimator))
        canvases = self._canvases(
            examples.with_mirrored() if mirrored else examples, few and self.data.upright
        )
        n_canvases = min(AN_EPOCH, estimator.n_canvases)
        first = max(round(estimator.n_canvases / n_canvases), 1)
        correcting = max(round(CORRECTING_SHARE * first), 1)
        return TrainingPlan(self._transform(), canvases, first, correcting, n_canvases)

    def _transform(self) -> PoseTransform:
        """The layer that is trained, on pictures of the size of canvases."""
        estimator, data, bins = self.estimator, self.data, bins_of(self.estimator)
        n_steps = int(estimator.n_steps)
        if estimator.family.startswith("tps"):
            n_steps = 1  # a spline of a spline is none
        looks = [first_look(data.shape, estimator.filters)]
        if n_steps > 1:
            looks.append(correcting_look(data.shape, estimator.filters))
        fill = float(estimator.fill_value) / data.spec.maximum
        if not 0 <= fill <= 1 and data.spec.range != "float":
            raise InvalidInputError(
                f"fill_value is {estimator.fill_value}; wanted 0 to {data.spec.maximum:g} for "
                f"{data.spec.range}."
            )
        shape = estimator.output_shape or (data.spec.height, data.spec.width)
        return PoseTransform(
            looks,
            estimator.family,
            tuple(shape),
            estimator.padding_mode,
            fill,
            bool(estimator.antialias),
            n_steps,
            bins,
            int(estimator.symmetry),
            int(estimator.candidates) if bins and n_steps > 1 else 1,
        )

    def train(self, listener: LookListener) -> tuple[list[Network], History]:
        """The looks, trained."""
        return train_looks(self.plan, self.settings, listener)

    def learned(self, networks: list[Network], calibrated: bool = True) -> Learned:
        """What goes with trained looks."""
        channels = self.data.spec.channels
        network = pose_network(self.plan.transform, networks, (channels, *self.data.shape))
        if calibrated:
            network = self._calibrated(network)
        return Learned(
            Rectifier(self._deployed(network), self.data.spec, None, self.settings.n_jobs)
        )

    def _calibrated(self, network: Network) -> Network:
        """With a confidence; as it is, and a warning, if Ctrl-C comes meanwhile."""
        symmetry, n_jobs = int(self.estimator.symmetry), self.settings.n_jobs
        try:
            return calibrate(network, held_out(self.judges, self.settings), symmetry, n_jobs)
        except KeyboardInterrupt:
            warn_caller("interrupted: the confidence was not calibrated", InterruptedWarning)
            return network

    def _deployed(self, network: Network) -> Network:
        """The network for pictures of the size and the range of X, in X's precision."""
        data, layer = self.data, network.layers[0]
        assert isinstance(layer, PoseTransform)
        looks = [
            [replace(first, epsilon=first.epsilon * data.span), *rest]
            for first, *rest in layer.looks
            if isinstance(first, StandardizeEach)
        ]
        transform = replace(layer, looks=looks, look_shape=data.shape)
        spec = data.spec
        deployed = Network([transform], (spec.channels, spec.height, spec.width))
        deployed.bind(network.vector.astype(data.dtype))
        return deployed
