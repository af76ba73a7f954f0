"""Random numbers by key, never from a shared stream: the same for any number of threads."""

import numpy as np

__all__ = ["AUGMENT", "DROPOUT", "ORDER", "PROBE", "PROBE_EPOCH", "keyed"]

ORDER, DROPOUT, AUGMENT, PROBE = range(4)  # what a key of random numbers is for
PROBE_EPOCH = 2**32 - 1  # stands for the epoch in the key of the probe's augmentation


def keyed(seed: int, *key: int) -> np.random.Generator:
    """The random numbers of one purpose and sample."""
    return np.random.default_rng([seed, *key])
