"""A model fitted on a folder of labelled photos."""

import os
from typing import Any

from ..errors import warn_caller
from ..folder.examples import Examples, load_folder
from .classifier import SpatialTransformerClassifier

__all__ = ["fit_folder"]

NAMED = 3  # photos that could not be read


def fit_folder(
    data: str | os.PathLike[str],
    shape: tuple[int, int] = (64, 64),
    *,
    grey: bool = False,
    groups: str | None = None,
    n_jobs: int | None = None,
    **parameters: Any,
) -> SpatialTransformerClassifier:
    """Fit a model on labelled photos, as ``stn-cv fit`` does with the same defaults.

    Parameters
    ----------
    data : path-like
        A folder with a subfolder for each class, or a CSV file of path,label.
    shape : tuple, default (64, 64)
        (height, width) of the small copies that the model looks at.
    grey : bool, default False
        Whether to look at shades only.
    groups : str or None, default None
        What keeps photos of one thing on one side of the split, as in `load_folder`.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores.
    parameters : object
        Any of `SpatialTransformerClassifier`, such as ``family="attention"``.

    Returns
    -------
    SpatialTransformerClassifier
        Fitted; `save` writes it, `rectify_folder` and `predict_folder` take it as it is.

    Raises
    ------
    InvalidInputError
        If the photos, groups or parameters cannot be used.
    TrainingDiverged
        If the training came to nothing.

    Notes
    -----
    Photos that cannot be read are left out, with a warning that names some of them; `load_folder`
    has all with their reasons.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> from stn_cv.opencv import write_image
    >>> from pathlib import Path
    >>> for label, shade in (("dark", 30), ("light", 220)):
    ...     Path("photos", label).mkdir(parents=True)
    ...     for i in range(4):
    ...         write_image(f"photos/{label}/{i}.png", np.full((30, 40, 3), shade + i, np.uint8))
    >>> model = stn_cv.fit_folder("photos", (16, 16), max_iter=2, random_state=0)
    >>> model.classes_.tolist()
    ['dark', 'light']
    """
    examples = load_folder(data, shape, grey=grey, groups=groups, n_jobs=n_jobs)
    if examples.failures:
        warn_caller(_left_out(examples), UserWarning)
    model = SpatialTransformerClassifier(n_jobs=n_jobs, **parameters)
    return model.fit(examples.images, examples.labels, groups=examples.groups)


def _left_out(examples: Examples) -> str:
    """Which photos could not be read."""
    failures = examples.failures
    named = "; ".join(f"{path}: {reason}" for path, reason in failures[:NAMED])
    more = ", ..." if len(failures) > NAMED else ""
    return f"{len(failures)} photos could not be read and are left out: {named}{more}"
