"""``stn-cv demo``: what a transformer is worth to a linear classifier, and where moments fail."""

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from .alignment import theta_from_moments
from .arrays import Array
from .atomic import check_file_name, write_bytes
from .datasets import (
    DistortedDigits,
    load_cluttered_digits,
    load_distorted_digits,
    load_upright_digits,
)
from .datasets.digits import CANVAS as SIDE
from .datasets.digits import ENLARGED
from .errors import InterruptedWarning, PoseWarning
from .folder.files import check_writable
from .sampling import warp_affine
from .threads import pinned_blas

__all__ = ["run"]

ALONE = "LogisticRegression"
BEHIND = "LogisticRegression behind a SpatialTransformer"
WHOLE = "SpatialTransformerClassifier with a CNN head"
MOMENTS = "LogisticRegression behind image moments"
POSED = "LogisticRegression behind a PoseTransformer"
COLUMNS = (
    TextColumn("{task.description:46}"),
    BarColumn(24),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)
# Chosen on parts of the training digits, kept apart for it.
COMMON: dict[str, Any] = {
    "family": "similarity",
    "batch_size": 256,
    "early_stopping": False,
    "image_shape": (SIDE, SIDE),
}
LINEAR: dict[str, Any] = {
    "output_shape": (16, 16),
    "learning_rate_init": 0.03,
    "alpha": 0.2,
    "n_steps": 2,
    "max_iter": 16,
}
POSE: dict[str, Any] = {
    "angle": 60.0,
    "scale": (0.7, 1.3),
    "shift": 0.1,
    "n_canvases": 30_000,
}
CLUTTERED_COPIES = 2  # of each digit among others
CNN: dict[str, Any] = {
    "output_shape": (20, 20),
    "learning_rate_init": 0.01,
    "alpha": 1e-4,
    "n_steps": 1,
    "max_iter": 21,
}


@dataclass(frozen=True)
class Score:
    """One line of the table."""

    model: str
    accuracy: float
    seconds: float


def run(seed: int, jobs: int, out: Path) -> None:
    """Train, compare, and leave a model and a contact sheet in `out`."""
    from .model.file import save
    from .opencv import encode

    check_writable(str(out))
    sheet, model = out / "contact_sheet.png", out / "model.safetensors"
    for path in (sheet, model):
        check_file_name(path)
    console = Console()
    with _kernel_notice(console), Progress(*COLUMNS, console=console) as progress:
        digits = _flat(load_distorted_digits(random_state=seed))
        models = _models(seed, jobs)
        scores = [_score(name, model, digits, progress) for name, model in models.items()]
        among = _flat(load_cluttered_digits(n_copies=CLUTTERED_COPIES, random_state=seed))
        others = _models_in_clutter(seed, jobs)
        beside = [_score(name, model, among, progress) for name, model in others.items()]
    console.print(_table("Distorted handwritten digits", scores, digits, seed))
    console.print(_table("Distorted digits, each among three others", beside, among, seed))
    save(models[BEHIND][0], model)
    write_bytes(sheet, encode(_contact_sheet(models[BEHIND], digits), ".png"))
    wrote = f"Wrote {sheet} and {model}, the transformer of the first table's second line."
    console.print(
        wrote, markup=False, emoji=False, highlight=False, soft_wrap=True
    )  # a path stays whole


def _flat(digits: DistortedDigits) -> DistortedDigits:
    """Images as flat rows, what scikit-learn's classifiers take."""
    rows = {name: getattr(digits, name).reshape(-1, SIDE * SIDE) for name in ("X_train", "X_test")}
    return digits._replace(**rows)


def _models(seed: int, jobs: int) -> dict[str, Any]:
    """The three models of the table; each part that learns is told how by its parameters."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from .estimators import SpatialTransformer, SpatialTransformerClassifier

    common = {**COMMON, "n_jobs": jobs, "random_state": seed}
    linear = SpatialTransformer(head="linear", **LINEAR, **common)
    return {
        ALONE: LogisticRegression(),
        BEHIND: make_pipeline(linear, LogisticRegression()),
        WHOLE: SpatialTransformerClassifier(head="cnn", **CNN, **common),
    }


def _models_in_clutter(seed: int, jobs: int) -> dict[str, Any]:
    """Those of the second table, where moments are those of all digits in the picture."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    from .estimators import PoseTransformer

    models = _models(seed, jobs)
    poser = PoseTransformer(**POSE, n_jobs=jobs, random_state=seed)
    return {
        ALONE: models[ALONE],
        MOMENTS: make_pipeline(FunctionTransformer(_by_moments), LogisticRegression()),
        BEHIND: models[BEHIND],
        POSED: BehindUpright(poser, load_upright_digits(random_state=seed)),
    }


def _by_moments(rows: Array) -> Array:
    """Flat digits brought to one place, size and axis, as small as a digit."""
    images = rows.reshape(-1, SIDE, SIDE)
    crops = warp_affine(images, theta_from_moments(images), (ENLARGED, ENLARGED))
    return crops.reshape(len(crops), -1)


class BehindUpright:
    """A logistic regression behind a pose transformer that learns from upright digits alone."""

    def __init__(self, poser: Any, upright: Array) -> None:
        from sklearn.linear_model import LogisticRegression

        self.poser, self.upright = poser, upright
        self.classifier = LogisticRegression()
        self.steps = [("pose", poser), ("classifier", self.classifier)]

    def fit(self, X: Array, y: Array) -> None:
        """The pose from the upright digits, then the classifier from X and y."""
        self.poser.fit(self.upright)
        self.classifier.fit(self._rows(X), y)

    def score(self, X: Array, y: Array) -> float:
        """Share of right answers."""
        return float(self.classifier.score(self._rows(X), y))

    def _rows(self, X: Array) -> Array:
        """The middle of each picture, where an upright digit lies."""
        images, rim = self.poser.transform(X.reshape(-1, SIDE, SIDE)), (SIDE - ENLARGED) // 2
        return np.asarray(images[:, rim:-rim, rim:-rim].reshape(len(X), -1))


def _score(name: str, model: Any, digits: DistortedDigits, progress: Progress) -> Score:
    """Fit one model under a progress bar and score it once on the test digits."""
    from .estimators.rectification import Rectification

    steps = model.steps if hasattr(model, "steps") else [("", model)]
    bar = EpochBar(progress, progress.add_task(name, total=None))
    for _, step in steps:
        if isinstance(step, Rectification) and hasattr(step, "set_callbacks"):
            step.set_callbacks(bar)
    start = time.perf_counter()
    # One BLAS thread: more make the logistic regressions four times slower here.
    with pinned_blas(), warnings.catch_warnings():
        warnings.simplefilter("error", InterruptedWarning)
        warnings.filterwarnings("ignore", message="lbfgs failed to converge")
        warnings.simplefilter("ignore", PoseWarning)  # the table says it
        model.fit(digits.X_train, digits.y_train)
    seconds = time.perf_counter() - start
    bar.finish()
    return Score(name, model.score(digits.X_test, digits.y_test), seconds)


class EpochBar:
    """A callback of scikit-learn's that moves a progress bar by an epoch at a time."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self.progress = progress
        self.task = task

    def setup(self, estimator: Any, context: Any) -> None:
        """Learn how many epochs there will be."""
        self.progress.update(self.task, total=context.max_subtasks)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing is done yet."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """One epoch more; the fit as a whole has no parent."""
        if context.task_name == "epoch":
            self.progress.advance(self.task)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing was opened."""

    def finish(self) -> None:
        """Fill the bar, whatever was counted."""
        total = self.progress.tasks[self.task].total or 1
        self.progress.update(self.task, total=total, completed=total)


@contextmanager
def _kernel_notice(console: Console) -> Iterator[None]:
    """Say when kernels are compiled: it makes a first run some seconds longer."""
    logger = logging.getLogger("stn_cv")
    handler = RichHandler(console=console, show_time=False, show_level=False, show_path=False)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def _table(title: str, scores: list[Score], digits: DistortedDigits, seed: int) -> Table:
    table = Table(
        title=title,
        caption=f"{len(digits.y_train):,} training images, {len(digits.y_test):,} test images of "
        f"other digits, 10 classes; seed {seed}",
    )
    table.add_column("model")
    table.add_column("test accuracy", justify="right")
    table.add_column("training", justify="right")
    for score in scores:
        table.add_row(score.model, f"{score.accuracy:.1%}", f"{score.seconds:.1f} s")
    return table


def _contact_sheet(model: Any, digits: DistortedDigits) -> Any:
    """Test digits before and after, with the frame found in them."""
    from .pictures import contact_sheet

    transformer, classifier = model[0], model[-1]
    images = digits.X_test.reshape(-1, SIDE, SIDE)
    rows = transformer.transform(digits.X_test)
    return contact_sheet(
        images,
        transformer.predict_theta(images),
        rows.reshape(len(rows), *transformer.rectifier_.output_shape),
        digits.y_test,
        classifier.predict(rows),
    )
