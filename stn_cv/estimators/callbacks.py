"""scikit-learn's callbacks, an experimental API of version 1.9; without it, nothing."""

from collections.abc import Callable
from typing import Any

from ..nn.network import Network
from ..nn.training import Epoch
from .fitted_attributes import Learned

__all__ = ["CallbackSupportMixin", "FitCallbacks", "with_callbacks"]

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Any) -> Any:
        """Leave the method as it is."""
        return method


class FitCallbacks:
    """Tells an estimator's callbacks of its fit and, as a listener, of each epoch.

    `learned` gives what goes with a network.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, learned: Callable[[Network], Learned], n_epochs: int
    ) -> None:
        self.told = {"estimator": estimator, "X": X, "y": y}
        self.learned = learned
        self.epochs = 0
        self.losses: list[float] = []
        self.scores: list[float] | None = None
        self.context: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self.context = estimator._init_callback_context(max_subtasks=n_epochs)
            self.context.call_on_fit_task_begin(**self.told)

    def __call__(self, epoch: Epoch) -> bool:
        """Whether a callback wants the training to stop after this epoch.

        A training that collapsed and was begun anew runs on without them past `n_epochs`
        in all, since scikit-learn wants their number beforehand.
        """
        self.epochs += 1
        self.losses.append(epoch.loss)
        if epoch.score is not None:
            self.scores = [*(self.scores or []), epoch.score]
        if self.context is None or self.epochs > self.context.max_subtasks:
            return False
        task = self.context.subcontext(task_name="epoch").call_on_fit_task_begin(**self.told)
        return self._end(task, lambda: self.learned(epoch.network.copy()))

    def finish(self, learned: Learned) -> None:
        """The fit is over."""
        if self.context is not None:
            self._end(self.context, lambda: learned)

    def _end(self, task: Any, learned: Callable[[], Learned]) -> bool:
        attributes = {"reconstruction_attributes": lambda: self._so_far(learned())}
        return bool(task.call_on_fit_task_end(**self.told, **attributes))

    def _so_far(self, learned: Learned) -> dict[str, Any]:
        """Fitted attributes as if the training had ended here."""
        curves = {"loss_curve_": [*self.losses], "validation_scores_": self.scores}
        return {**learned.attributes(), **curves, "n_iter_": len(self.losses)}
