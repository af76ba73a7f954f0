"""The parameters of a pose transformer, and what each may be."""

from numbers import Integral, Real
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from ..families import FAMILIES
from ..nn.spatial import LARGEST_STEPS
from ..sampling import PADDING_MODES

__all__ = ["PoseParameters"]


class PoseParameters(BaseEstimator):
    """Stores what it is given; documented in `PoseTransformer`, checked in fit."""

    _parameter_constraints: dict[str, list[Any]] = {
        "family": [StrOptions(FAMILIES.keys())],
        "angle": [Interval(Real, 0, 180, closed="both")],
        "scale": [tuple, list, StrOptions({"auto"})],
        "shift": [Interval(Real, 0, 0.5, closed="both"), StrOptions({"auto"})],
        "perspective": [Interval(Real, 0, 0.3, closed="both"), StrOptions({"auto"})],
        "symmetry": [Interval(Integral, 1, 12, closed="both")],
        "mirrored": ["boolean", StrOptions({"auto"})],
        "bins": [StrOptions({"auto"}), Interval(Integral, 0, 360, closed="both")],
        "candidates": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "n_steps": [Interval(Integral, 1, LARGEST_STEPS, closed="both")],
        "filters": [Interval(Integral, 1, None, closed="left")],
        "background": ["array-like", None],
        "output_shape": [tuple, list, None],
        "padding_mode": [StrOptions(set(PADDING_MODES))],
        "fill_value": [Interval(Real, None, None, closed="neither")],
        "antialias": ["boolean"],
        "image_shape": [tuple, list, None],
        "n_canvases": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        family: str = "similarity",
        *,
        angle: float = 180.0,
        scale: tuple[float, float] | str = "auto",
        shift: float | str = "auto",
        perspective: float | str = "auto",
        symmetry: int = 1,
        mirrored: bool | str = "auto",
        bins: int | str = "auto",
        candidates: int | str = "auto",
        n_steps: int = 4,
        filters: int = 16,
        background: Any = None,
        output_shape: tuple[int, int] | None = None,
        padding_mode: str = "zeros",
        fill_value: float = 0.0,
        antialias: bool = False,
        image_shape: tuple[int, ...] | None = None,
        n_canvases: int | str = "auto",
        max_seconds: float | None = None,
        batch_size: int = 128,
        learning_rate_init: float = 0.006,
        alpha: float = 0.01,
        validation_fraction: float = 0.1,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.family = family
        self.angle = angle
        self.scale = scale
        self.shift = shift
        self.perspective = perspective
        self.symmetry = symmetry
        self.mirrored = mirrored
        self.bins = bins
        self.candidates = candidates
        self.n_steps = n_steps
        self.filters = filters
        self.background = background
        self.output_shape = output_shape
        self.padding_mode = padding_mode
        self.fill_value = fill_value
        self.antialias = antialias
        self.image_shape = image_shape
        self.n_canvases = n_canvases
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.validation_fraction = validation_fraction
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
