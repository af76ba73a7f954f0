"""Which samples a head is fitted on when it is to judge the others."""

import hashlib
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ..errors import InvalidInputError
from ..nn.samples import Samples

__all__ = ["folds_of"]

Array = NDArray[Any]


def folds_of(samples: Samples, groups: Array | None, n_folds: int, seed: int) -> Array:
    """The fold of each sample, (n,): stratified, and no group is split.

    Without `groups` equal images are one group. One fold alone is no cross-fitting.

    Raises
    ------
    InvalidInputError
        If a class would be missing where a head is fitted.
    """
    folds = np.zeros(len(samples), np.intp)
    if n_folds == 1:
        return folds
    try:
        with warnings.catch_warnings():  # about classes with fewer members than folds
            warnings.simplefilter("ignore", UserWarning)
            if groups is None:
                folds = _of_images(samples, n_folds, seed)
            else:
                splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
                for number, (_, left_out) in enumerate(
                    splitter.split(samples.y, samples.y, groups)
                ):
                    folds[left_out] = number
        classes = set(samples.y)
        if all(set(samples.y[folds != fold]) == classes for fold in range(n_folds)):
            return folds
        reason = "a class would be missing where the head is fitted"
    except ValueError as error:
        reason = str(error).rstrip(".")
    raise InvalidInputError(
        f"the samples cannot be cut into {n_folds} folds to fit the head on the others ({reason}); "
        "give more samples (or groups) of each class, or a smaller n_folds."
    )


def _of_images(samples: Samples, n_folds: int, seed: int) -> Array:
    """Folds of distinct images, whatever their order and however often each is there."""
    marks = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in samples.images]
    _, first, which = np.unique(marks, return_index=True, return_inverse=True)
    folds = np.zeros(len(first), np.intp)
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for number, (_, left_out) in enumerate(splitter.split(first, samples.y[first])):
        folds[left_out] = number
    return folds[which]
