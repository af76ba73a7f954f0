"""The pages, made of the files in `static`; names of photos reach them as data only."""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from shlex import quote
from string import Template
from typing import Any

__all__ = ["Card", "report_page", "review_page", "static_file"]


@dataclass(frozen=True)
class Card:
    """What a page shows of one photo.

    Attributes
    ----------
    name : str
        Its path.
    status : str
        As in the manifest.
    facts : dict
        label, confidence, angle, scale, note and error of the manifest's row.
    outline : list of [x, y]
        Of the frame in the photo, normalized to [-1, 1]; empty where there is none.
    before, after : str
        Addresses of pictures of the photo and of the output; empty where there is none.
    why : str
        For what it was chosen, if not all are shown.
    """

    name: str
    status: str
    facts: dict[str, Any]
    outline: list[list[float]] = field(default_factory=list)
    before: str = ""
    after: str = ""
    why: str = ""

    def row(self) -> dict[str, Any]:
        """As the script reads it."""
        shown = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "facts"}
        return {**shown, **self.facts}


def static_file(name: str) -> str:
    """A file of the pages, as text."""
    return (files(__package__) / "static" / name).read_text("utf-8")


def report_page(
    title: str, counts: str, drawings: str, labels: Sequence[str], cards: Iterable[Card]
) -> bytes:
    """A page that needs no other file, with the cards of some photos, the worst first.

    Parameters
    ----------
    title : str
        Of the page.
    counts : str
        How many photos became what, and what was left out.
    drawings : str
        HTML of the distributions, as `histograms` gives it.
    labels : sequence of str
        All labels.
    cards : iterable of Card
        With pictures as data.
    """
    script = "\n".join(static_file(name) for name in ("gallery.js", "report.js"))
    data = _for_a_script([card.row() for card in cards])
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{_sha256(script)}'; base-uri 'none'; form-action 'none'"
    )
    page = Template(static_file("report.html")).substitute(
        policy=escape(policy),
        title=escape(_readable(title)),
        counts=escape(_readable(counts)),
        drawings=drawings,
        filters=_filters(labels),
        style=static_file("page.css"),
        script=script,
        data=data,
    )
    return page.encode("utf-8")


def review_page(
    title: str, counts: str, corrections: str, drawings: str, labels: Sequence[str]
) -> bytes:
    """The page of a review, whose styles and scripts are fetched beside it.

    `corrections` is the path of their file, the others are as of a report.
    """
    marks = Template(static_file("marks.html")).substitute()
    page = Template(static_file("review.html")).substitute(
        title=escape(_readable(title)),
        counts=escape(_readable(counts)),
        corrections=escape(_readable(corrections)),
        file=escape(_readable(quote(corrections))),
        drawings=drawings,
        filters=_filters(labels, marks),
    )
    return page.encode("utf-8")


def _filters(labels: Sequence[str], more: str = "") -> str:
    options = "".join(
        f'<option value="{number}">{escape(_readable(label))}</option>'
        for number, label in enumerate(labels)
    )
    classes = "" if labels else " hidden"
    template = Template(static_file("filters.html"))
    return template.substitute(classes=classes, labels=options, more=more)


def _readable(text: str) -> str:
    """Text whose bytes that are no Unicode are shown as such."""
    return text.encode("utf-8", "backslashreplace").decode()


def _for_a_script(value: Any) -> str:
    """JSON that ends no element and begins none, whatever is in it."""
    text = json.dumps(value, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
