"""From a pose transformer's parameters and data to what is trained, and back to a Rectifier."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ..arrays import Array
from ..errors import InterruptedWarning, InvalidInputError, PoseWarning, warn_caller
from ..model.rectifier import Rectifier
from ..nn.network import Network
from ..nn.random_keys import keyed
from ..nn.settings import Settings
from ..nn.standardize import StandardizeEach
from ..nn.training import Epoch, History
from ..pose.budget import affordable
from ..pose.calibration import Half, halves_confidence, held_out_confidence, with_confidence
from ..pose.canvases import Canvases, Examples
from ..pose.looks import correcting_look, first_look
from ..pose.objective import CANVAS
from ..pose.ranges import USUAL, PoseRange, Spans, shared_stretch, spans_of
from ..pose.training import (
    LookListener,
    TrainingPlan,
    look_network,
    pose_network,
    train_looks,
)
from ..pose.transform import PoseTransform
from .fitted_attributes import Learned
from .pose_examples import PoseData, bins_of, candidates_of

__all__ = ["PoseFit"]

FEW = 200  # examples: so few that how askew each lies could be learned by heart
FEWEST_JUDGES = 20  # examples held out: fewer do not speak for others
LENGTH_OF_HALF = 0.5  # canvases of a network that is trained on half of the examples, relative
CANVASES_AN_EXAMPLE, FEWEST_CANVASES, MOST_CANVASES = 250, 100_000, 250_000
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
        self.settings = _settings(estimator)
        self.poses = PoseRange(
            estimator.family, data.shape, float(estimator.angle), *_spans(estimator, data)
        )
        n = len(data.examples)
        self.order = keyed(self.settings.seed, CANVAS, HELD_OUT).permutation(n)
        self.n_held_out = round(estimator.validation_fraction * n)
        if not FEWEST_JUDGES <= self.n_held_out < n:
            self.n_held_out = 0
        kept = data.examples.take(np.sort(self.order[self.n_held_out :]))
        self.n_canvases = _n_canvases(estimator, n)
        self.plan = self._plan(kept, self.n_canvases)
        if estimator.max_seconds is not None:
            trainings = 1 if self.n_held_out else 1 + 2 * LENGTH_OF_HALF
            fit_in = affordable(self.plan, self.settings, estimator.max_seconds / trainings)
            self.n_canvases = min(fit_in, self.n_canvases)
            self.plan = self._plan(kept, self.n_canvases)

    def _canvases(self, examples: Examples, blended: bool) -> Canvases:
        symmetry = int(self.estimator.symmetry)
        return Canvases(examples, self.data.background, self.poses, symmetry, blended)

    def _plan(self, examples: Examples, n_canvases: int) -> TrainingPlan:
        estimator, few = self.estimator, len(self.data.examples) < FEW
        mirrored = estimator.mirrored
        if mirrored == "auto":  # among all turns, a mirrored letter may be another one turned
            mirrored = few and (estimator.symmetry > 1 or not bins_of(estimator))
        canvases = self._canvases(
            examples.with_mirrored() if mirrored else examples, few and self.data.upright
        )
        an_epoch = min(AN_EPOCH, n_canvases)
        first = max(round(n_canvases / an_epoch), 1)
        correcting = max(round(CORRECTING_SHARE * first), 1)
        return TrainingPlan(self._transform(), canvases, first, correcting, an_epoch)

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
            candidates_of(estimator),
            halving=True,
        )

    def train(self, listener: LookListener) -> tuple[list[Network], History]:
        """The looks, trained."""
        networks, history = train_looks(self.plan, self.settings, listener)
        self.interrupted = history.interrupted
        return networks, history

    def learned(self, networks: list[Network], calibrated: bool = True) -> Learned:
        """What goes with trained looks."""
        channels = self.data.spec.channels
        network = pose_network(self.plan.transform, networks, (channels, *self.data.shape))
        deployed = self._deployed(network)
        if calibrated:
            deployed = self._calibrated(deployed, network)
        return Learned(Rectifier(deployed, self.data.spec, None, self.settings.n_jobs))

    def untrained(self) -> Rectifier:
        """What is learned, before it is."""
        stages = enumerate(self.plan.stages(self.settings, []))
        looks = [look_network(self.plan, n, encoding, own) for n, (encoding, _, own) in stages]
        return self.learned(looks, calibrated=False).rectifier

    def recalibrated(self, deployed: Network) -> Network:
        """A network whose first layer was trained on since, with a confidence."""
        network = Network([self.plan.transform], (self.data.spec.channels, *self.data.shape))
        network.bind(deployed.vector[: network.n_parameters].astype(np.float32))
        return self._calibrated(deployed, network)

    def _calibrated(self, deployed: Network, network: Network) -> Network:
        """With the confidence of the same looks at canvases; without, if Ctrl-C comes meanwhile."""
        try:
            return with_confidence(deployed, self._confidence(network))
        except KeyboardInterrupt:
            warn_caller("interrupted: the confidence was not calibrated", InterruptedWarning)
            return deployed

    def _confidence(self, network: Network) -> list[float]:
        """By examples held out, or, where those would be too few, by halves of all."""
        if self.n_held_out:
            return held_out_confidence(
                network, self._judges(self.order[: self.n_held_out]), self.settings
            )
        if self.interrupted:  # no more trainings are wanted
            raise KeyboardInterrupt
        parts = np.array_split(self.order, 2)
        length = max(round(LENGTH_OF_HALF * self.n_canvases), 1)
        halves = [
            Half(
                self._plan(self.data.examples.take(np.sort(own)), length),
                self._judges(own),
                self._judges(other),
            )
            for own, other in (parts, parts[::-1])
        ]
        own = self._judges(self.order)
        return halves_confidence(network, own, halves, self.settings, self._listen_to_halves)

    @property
    def unseen(self) -> Canvases:
        """Canvases of the examples held out; of all of them where none are."""
        return self._judges(self.order[: self.n_held_out or None])

    def _judges(self, index: Array) -> Canvases:
        """Canvases by which a network is judged, of some of the examples."""
        return self._canvases(self.data.examples.take(np.sort(index)), blended=False)

    def _listen_to_halves(self, epoch: Epoch, networks: list[Network]) -> None:
        if self.estimator.verbose:
            print(f"Calibration: epoch {epoch.number} of {epoch.of}, loss = {epoch.loss:.6f}")

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


def _n_canvases(estimator: Any, n_examples: int) -> int:
    """As asked for, or as many as so many examples are worth."""
    if estimator.n_canvases != "auto":
        return int(estimator.n_canvases)
    return min(max(CANVASES_AN_EXAMPLE * n_examples, FEWEST_CANVASES), MOST_CANVASES)


def _spans(estimator: Any, data: PoseData) -> Spans:
    """As asked for, or as the examples' poses have it."""
    theta, found = data.examples.theta, USUAL
    if not data.upright and theta.shape[-1] != 2:
        found = spans_of(theta, data.shape)
        _warn_of_stretch(estimator, shared_stretch(theta, data.shape))
    low, high = found.scale if isinstance(estimator.scale, str) else estimator.scale
    shift = found.shift if isinstance(estimator.shift, str) else estimator.shift
    bent = found.perspective if isinstance(estimator.perspective, str) else estimator.perspective
    return Spans((float(low), float(high)), float(shift), float(bent))


def _warn_of_stretch(estimator: Any, ratio: float) -> None:
    """Say that frames of other proportions than the photos make a family learn worse."""
    if ratio == 1 or estimator.family not in ("affine", "projective"):
        return
    wide = f"{ratio:.1f} times as wide for their height"
    high = f"{1 / ratio:.1f} times as high for their width"
    warn_caller(
        f"the known frames are {wide if ratio > 1 else high} as the photos, a stretch that all "
        f"share; {estimator.family!r} learns it in each pose anew, and finds poses less well. Mark "
        "frames of the photos' proportions, with room around the thing, or give "
        "family='similarity', which keeps proportions.",
        PoseWarning,
    )


def _settings(estimator: Any) -> Settings:
    """How looks are trained."""
    seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    return Settings(
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
