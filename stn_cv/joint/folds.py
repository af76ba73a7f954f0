"""Which samples a head is fitted on when it is to judge the others."""

import hashlib
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ..errors import InvalidInputError
from ..nn.samples import Samples

__all__ = ["folds_of"]

Array = NDArray[Any]
NO_FOLD = -1


def folds_of(samples: Samples, groups: Array | None, n_folds: int, seed: int) -> Array:
    """The fold of each sample, (n,): stratified, and no group is split.

    Without `groups` equal images are one group. A class that is in one fold only could not
    be learned for it: its groups are put into no fold (-1), so that every head is fitted on
    them and none judges them. One fold alone is no cross-fitting.

    Raises
    ------
    InvalidInputError
        If there are too few groups.
    """
    if n_folds == 1:
        return np.zeros(len(samples), np.intp)
    try:
        with warnings.catch_warnings():  # about classes with fewer members than folds
            warnings.simplefilter("ignore", UserWarning)
            if groups is None:
                groups, folds = _of_images(samples, n_folds, seed)
            else:
                splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
                folds = _numbered(splitter.split(samples.y, samples.y, groups), len(samples))
        for label in np.unique(samples.y):
            its_folds = folds[samples.y == label]
            if (its_folds == its_folds[0]).all():
                folds[np.isin(groups, groups[samples.y == label])] = NO_FOLD
        if (folds != NO_FOLD).any():
            return folds
        reason = "no class is in two of them"
    except ValueError as error:
        reason = str(error).rstrip(".")
    raise InvalidInputError(
        f"the samples cannot be cut into {n_folds} folds to fit the head on the others ({reason}); "
        "give more samples (or groups) of each class, or a smaller n_folds."
    )


def _of_images(samples: Samples, n_folds: int, seed: int) -> tuple[Array, Array]:
    """Groups of equal images, and folds whatever their order and however many are equal."""
    marks = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in samples.images]
    _, first, groups = np.unique(marks, return_index=True, return_inverse=True)
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    folds = _numbered(splitter.split(first, samples.y[first]), len(first))
    return groups, folds[groups]


def _numbered(splits: Iterable[tuple[Array, Array]], n: int) -> Array:
    """The number of the split that leaves each of n out."""
    folds = np.zeros(n, np.intp)
    for number, (_, left_out) in enumerate(splits):
        folds[left_out] = number
    return folds
