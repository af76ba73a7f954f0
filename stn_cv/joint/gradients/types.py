"""What an input gradient looks like."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays import Array

Differentiated = tuple[Array, Callable[[Array], Array]]  # Y and backward(dY) -> dX
Forward = Callable[[Any, Array], Differentiated]  # (estimator, X) -> Y and its backward


def dense(values: Any) -> Array:
    """What may be sparse as an array."""
    return values.toarray() if hasattr(values, "toarray") else np.asarray(values)
