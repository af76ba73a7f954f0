"""Ctrl-C in the middle of a run over photos."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["orderly_interrupt"]


@contextmanager
def orderly_interrupt() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C only be remembered, however often: what is under way is finished and told.

    Nothing changes off the main thread, and where Ctrl-C has a meaning of the caller's own.
    """
    asked = False  # an Event has a lock, on which a second signal would wait for the first for ever
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def remember(number: int, stack: Any) -> None:
        nonlocal asked
        asked = True

    signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
