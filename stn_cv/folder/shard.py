"""What is to be done with one photo, and with a shard of them."""

from collections import Counter
from typing import Literal, NamedTuple

from ..storage import Presence
from .corner_files import KnownCorners
from .manifest import Row

__all__ = ["Item", "Shard", "already", "as_it_is", "each_once", "limited"]

Work = Literal["rectify", "tell", "skip", "fail"]


class Item(NamedTuple):
    """One photo: where from, where to, where its preview and mask go, and it itself if doubtful.

    Attributes
    ----------
    source, target, preview, aside, mask : str
        Paths.
    work : {"rectify", "tell", "skip", "fail"}
        Tell: the output is there without a row in the manifest that tells all, since a run was
        killed between the two; the photo is looked at again. Skip: all is there. Fail: it is no
        photo but a folder that cannot be listed.
    is_there : bool
        Whether the output was there beforehand.
    row : dict or None
        What a part of the manifest tells of what is skipped.
    reason : str or None
        Why it fails.
    correction : KnownCorners or None
        What is known of the photo's frame.
    tar : str or None
        The archive that the output goes into, if it is no file of its own.
    """

    source: str
    target: str
    preview: str | None = None
    aside: str | None = None
    work: Work = "rectify"
    is_there: bool = False
    row: Row | None = None
    reason: str | None = None
    mask: str | None = None
    correction: KnownCorners | None = None
    tar: str | None = None

    @property
    def written(self) -> list[str]:
        """All files that may be written."""
        paths = (self.tar or self.target, self.preview, self.aside, self.mask)
        return [path for path in paths if path]


class Shard(NamedTuple):
    """The unit of work and of resuming: photos done by one process, whose rows are one part.

    Shards are cut where so many photos were found, whatever is done of them already; so the
    same tree gives the same shards. What was passed over among its photos is counted by kind;
    `has_part` says whether an earlier run left its part of the manifest.
    """

    number: int
    items: list[Item]
    passed_over: Counter[str]
    has_part: bool = False


def limited(items: list[Item], left: int) -> tuple[list[Item], int]:
    """What is to be rectified, up to a limit, and all else; what is left of the limit."""
    kept = []
    for item in items:
        if item.work == "rectify":
            if left == 0:
                continue
            left -= 1
        kept.append(item)
    return kept, left


def already(item: Item, presence: Presence) -> str | None:
    """The output that is there, if one is."""
    for path in (item.target, item.aside):
        if path and presence.has(path):
            return path
    return None


def as_it_is(item: Item, path: str, is_told: bool, row: Row | None) -> Item:
    """What is left to do where the output is there."""
    if row is not None and row["output"] != path:
        row = None
    work: Work = "skip" if is_told or row is not None else "tell"
    return item._replace(target=path, is_there=True, work=work, row=None if is_told else row)


def each_once(items: list[Item]) -> list[Item]:
    """The same items, but of those with one output only the first is to be done."""
    owners: dict[str, str] = {}
    kept = []
    for item in items:
        owner = owners.setdefault(item.target, item.source) if item.target else item.source
        if owner != item.source:
            reason = f"{owner!r} has the same output, {item.target!r}; keep their formats."
            item = Item(item.source, "", work="fail", reason=reason)
        kept.append(item)
    return kept
