"""The parameters both estimators have, and what each may be."""

from numbers import Integral, Real
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
)

from ..errors import nearest
from ..families import FAMILIES
from ..model.rectifier import Rectifier
from ..nn.optimizer import SOLVERS
from ..nn.schedule import SCHEDULES
from ..nn.spatial import LARGEST_STEPS
from ..sampling import PADDING_MODES

AUTO = StrOptions({"auto"})


class Parameters(BaseEstimator):
    """Stores what it is given; documented in `SpatialTransformer`, checked in fit."""

    _parameter_constraints: dict[str, list[Any]] = {
        "family": [StrOptions(FAMILIES.keys())],  # keys() is a view: it knows those added later
        "output_shape": [tuple, list, None],
        "localization": [str, list, tuple, Rectifier, HasMethods(["predict_confidence"])],
        "start": [StrOptions({"auto", "identity", "alignment"})],
        "head": [str, list, tuple, HasMethods(["fit"])],
        "padding_mode": [StrOptions(PADDING_MODES.keys())],
        "fill_value": [Interval(Real, None, None, closed="neither")],
        "antialias": ["boolean"],
        "n_steps": [AUTO, Interval(Integral, 1, LARGEST_STEPS, closed="both")],
        "image_shape": [tuple, list, None],
        "solver": [StrOptions(SOLVERS.keys())],
        "learning_rate": [StrOptions(SCHEDULES.keys())],
        "learning_rate_init": [AUTO, Interval(Real, 0, None, closed="neither")],
        "localization_learning_rate_ratio": [Interval(Real, 0, None, closed="left")],
        "batch_size": [AUTO, Interval(Integral, 1, None, closed="left")],
        "max_iter": [AUTO, Interval(Integral, 1, None, closed="left")],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "alpha": [AUTO, Interval(Real, 0, None, closed="left")],
        "max_norm": [Interval(Real, 0, None, closed="neither")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean", AUTO],
        "turn_off": ["boolean"],
        "n_folds": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [AUTO, Interval(Real, 0, 1, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "augment": [callable, None],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        family: str = "similarity",
        *,
        output_shape: tuple[int, int] | None = None,
        localization: Any = "cnn",
        start: str = "auto",
        head: Any = "auto",
        padding_mode: str = "zeros",
        fill_value: float = 0.0,
        antialias: bool = False,
        n_steps: int | str = "auto",
        image_shape: tuple[int, ...] | None = None,
        solver: str = "adam",
        learning_rate: str = "one_cycle",
        learning_rate_init: float | str = "auto",
        localization_learning_rate_ratio: float = 0.2,
        batch_size: int | str = "auto",
        max_iter: int | str = "auto",
        max_seconds: float | None = None,
        alpha: float | str = "auto",
        max_norm: float = 5.0,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        n_folds: int = 3,
        early_stopping: bool | str = "auto",
        validation_fraction: float | str = "auto",
        turn_off: bool = True,
        class_weight: Any = None,
        augment: Any = None,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.family = family
        self.output_shape = output_shape
        self.localization = localization
        self.start = start
        self.head = head
        self.padding_mode = padding_mode
        self.fill_value = fill_value
        self.antialias = antialias
        self.n_steps = n_steps
        self.image_shape = image_shape
        self.solver = solver
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.localization_learning_rate_ratio = localization_learning_rate_ratio
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.max_seconds = max_seconds
        self.alpha = alpha
        self.max_norm = max_norm
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.n_folds = n_folds
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.turn_off = turn_off
        self.class_weight = class_weight
        self.augment = augment
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _validate_params(self) -> None:
        """As scikit-learn, whose error of an unknown name is given the nearest one."""
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            for name, allowed in self._parameter_constraints.items():
                words = [w for option in allowed for w in getattr(option, "options", ())]
                near, value = nearest(getattr(self, name), map(str, words)), getattr(self, name)
                if near and near != value and not any(option is str for option in allowed):
                    raise type(error)(f"{error} Did you mean {near!r}?") from None
            raise

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
