"""Which samples a head is fitted on when it is to give the others' losses."""

import hashlib
from collections.abc import Iterable

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ..arrays import Array
from ..errors import InvalidInputError
from ..nn.samples import Samples
from .fit_warnings import without_fit_warnings

__all__ = ["folds_of"]

NO_FOLD = -1
TOO_FEW = (
    "no class has groups in two folds, so that a head could be fitted on some and tried on the "
    "others; give more groups (without groups, more images), or n_folds=1."
)


def folds_of(samples: Samples, groups: Array | None, n_folds: int, seed: int) -> Array:
    """The fold of each sample, (n,): stratified, and no group is split.

    Without `groups` equal images are one group. Where all samples of a class lie in one fold,
    the head for that fold would be fitted without the class. So they are put into no fold
    (-1): every head is fitted on them, and none is tried on them. With ``n_folds=1`` all
    samples are in fold 0, and the head is tried on those it was fitted on.

    Raises
    ------
    InvalidInputError
        If there are too few groups.
    """
    if n_folds == 1:
        return np.zeros(len(samples), np.intp)
    y, of_images = samples.y, groups is None
    _, first, group = np.unique(
        _digests(samples.images) if groups is None else groups,
        return_index=True,
        return_inverse=True,
    )
    # A group of equal images counts for the class of the first.
    members = y[first] if of_images else np.unique(np.stack([y, group]), axis=1)[0]
    n_folds = min(n_folds, np.bincount(members).max())
    if n_folds < 2:
        raise InvalidInputError(TOO_FEW)
    with without_fit_warnings():  # of classes with fewer members than folds
        if of_images:  # whatever their order, and however many are equal
            splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
            folds = _numbered(splitter.split(first, y[first]), len(first))[group]
        else:
            splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
            folds = _numbered(splitter.split(y, y, group), len(y))
    for label in np.unique(y):
        its_folds = folds[y == label]
        if (its_folds == its_folds[0]).all():
            folds[np.isin(group, group[y == label])] = NO_FOLD
    if (folds == NO_FOLD).all():
        raise InvalidInputError(TOO_FEW)
    return folds


def _digests(images: Array) -> list[bytes]:
    """A hash of each image, the same for equal images."""
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]


def _numbered(splits: Iterable[tuple[Array, Array]], n: int) -> Array:
    """The number of the split that leaves each of n out."""
    folds = np.zeros(n, np.intp)
    for number, (_, left_out) in enumerate(splits):
        folds[left_out] = number
    return folds
