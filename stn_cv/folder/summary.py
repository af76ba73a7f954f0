"""What a run over photos did, in numbers."""

from dataclasses import dataclass, field

from .item import Result

__all__ = ["Summary"]


@dataclass
class Summary:
    """What a run did.

    Attributes
    ----------
    done, skipped : int
        Photos that were rectified, and whose output was there already.
    doubtful : int
        Photos that were left in their own pose, of a confidence below `min_confidence`.
    failures : list of (path, reason)
        Photos, and folders, that could not be read, warped or written.
    passed_over : dict of str to int
        How many files beside the photos were no photos by their names, by suffix.
    left : int
        Photos that were not tried, since there was no room for them.
    seconds : float
        Time of the whole run.
    """

    done: int = 0
    skipped: int = 0
    doubtful: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    passed_over: dict[str, int] = field(default_factory=dict)
    left: int = 0
    seconds: float = 0.0

    def add(self, result: Result) -> None:
        """Count one result."""
        if result.status == "done":
            self.done += 1
        elif result.status == "skipped":
            self.skipped += 1
        elif result.status == "doubtful":
            self.doubtful += 1
        else:
            self.failures.append((result.input, result.error or ""))
