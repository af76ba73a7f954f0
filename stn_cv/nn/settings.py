"""How to train, whatever the objective."""

import math
from dataclasses import dataclass

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """How to train; names and meanings as in the estimators."""

    solver: str
    learning_rate_init: float
    learning_rate: str
    localization_learning_rate_ratio: float
    batch_size: int
    max_iter: int
    tol: float
    n_iter_no_change: int
    alpha: float
    max_norm: float
    seed: int
    n_jobs: int | None
    max_seconds: float = math.inf
    localization_pull: float = 0.0  # decay of a localization towards where it began, not to zero

    def message_of_no_gain(self, epochs: int) -> str:
        """Of a training that ended worse than it began."""
        return (
            f"none of {epochs} epochs had a lower loss than an untrained network; train for more "
            f"epochs, or use a smaller learning_rate_init than {self.learning_rate_init:g}."
        )

    def message_of_divergence(self, what: str) -> str:
        """Of a training in which `what` happened to a number."""
        return (
            f"{what}; use a smaller learning_rate_init than {self.learning_rate_init:g}, or "
            "bring the images to a range such as [0, 1]."
        )
