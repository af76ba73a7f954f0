"""What a run over photos did, in numbers."""

import os
from dataclasses import dataclass, field
from html import escape

from .result import Result

__all__ = ["Summary"]

LARGEST_SHOWN = 5_000_000  # bytes of a report that a notebook keeps in its own file


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
    report : path-like or None
        The page about the run, if one was written; a notebook shows it.
    """

    done: int = 0
    skipped: int = 0
    doubtful: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    passed_over: dict[str, int] = field(default_factory=dict)
    left: int = 0
    seconds: float = 0.0
    report: str | os.PathLike[str] | None = None

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

    def _repr_html_(self) -> str:
        """The report, as a notebook shows it; of a large one where it is."""
        if self.report is None or not os.path.isfile(self.report):
            return f"<pre>{escape(repr(self))}</pre>"
        name = escape(os.path.abspath(self.report).encode("utf-8", "backslashreplace").decode())
        size = os.path.getsize(self.report)
        if size > LARGEST_SHOWN:
            return f"<p>The report has {size / 1e6:.0f} MB; open <code>{name}</code>.</p>"
        with open(self.report, encoding="utf-8") as file:
            page = escape(file.read())
        sandbox = "allow-scripts"  # it reaches nothing of the notebook
        return (
            f'<iframe title="Report" sandbox="{sandbox}" srcdoc="{page}" '
            'style="width: 100%; height: 40rem; border: 0"></iframe>'
        )
