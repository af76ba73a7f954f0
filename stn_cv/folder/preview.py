"""Before and after, as pictures: previews of one photo, contact sheets of many."""

import heapq
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, white_of
from ..geometry import scaled
from ..opencv import draw_frame, encode, put_text, resize_area
from ..pictures import FRAME, INK, MARGIN, PAPER, contact_sheet, frame_outline
from ..storage import write_file

__all__ = ["Sheet", "Thumbnails", "preview_of", "sheet_section", "thumbnails_of"]

PREVIEW_SIDE, GAP = 480, 16  # pixels of a preview's pictures and between them
CELL, COLUMNS = 96, 5
FIRST, LEAST_CONFIDENT = 200, 40  # photos on a sheet
TITLE = 40  # height of a section's title
QUALITY = 90


def shown(pixels: Array, side: int) -> Array:
    """Any photo as uint8 RGB of at most so many pixels a side, transparency as paper."""
    scale = min(side / max(pixels.shape[:2]), 1.0)
    small = resize_area(pixels[None], tuple(max(round(n * scale), 1) for n in pixels.shape[:2]))[0]
    if small.dtype != np.uint8:
        small = np.rint(np.clip(small / np.float32(white_of(small.dtype)), 0, 1) * 255).astype(
            np.uint8
        )
    if small.ndim == 3 and small.shape[2] == 4:
        alpha = small[..., 3:] / np.float32(255)
        small = np.rint(small[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return np.repeat(small[..., None], 3, axis=2) if small.ndim == 2 else small


def preview_of(pixels: Array, theta: Array, output: Array) -> bytes:
    """A JPEG: the photo with the frame found in it, and beside it the output."""
    left, right = shown(pixels, PREVIEW_SIDE).copy(), shown(output, PREVIEW_SIDE)
    draw_frame(left, frame_outline(theta, left.shape), FRAME, 2, top=5)
    height = max(len(left), len(right))
    sheet = np.full((height, left.shape[1] + GAP + right.shape[1], 3), PAPER, np.uint8)
    sheet[: len(left), : left.shape[1]] = left
    sheet[: len(right), left.shape[1] + GAP :] = right
    return encode(sheet, ".jpg", QUALITY)


@dataclass(frozen=True)
class Thumbnails:
    """A photo and its output as small squares, and the theta of the frame in the first."""

    before: Array
    after: Array
    theta: Array


def thumbnails_of(pixels: Array, theta: Array, output: Array) -> Thumbnails:
    """What a contact sheet shows of one photo."""
    before, shares = _square(pixels)
    return Thumbnails(before, _square(output)[0], scaled(theta, shares))


def _square(pixels: Array) -> tuple[Array, Array]:
    """A photo in the middle of a square, and what share of its (width, height) it takes."""
    small = shown(pixels, CELL)
    height, width = small.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.full((side, side, 3), PAPER, np.uint8)
    square[top : top + height, left : left + width] = small
    if side != CELL:
        square = resize_area(square[None], (CELL, CELL))[0]
    return square, np.array([width, height]) / side


class Sheet:
    """The first photos of a run and the least confident ones, before and after."""

    def __init__(self) -> None:
        self.first: list[tuple[str, Thumbnails]] = []
        self.least: list[tuple[float, int, str, Thumbnails]] = []
        self.count = 0

    def add(self, thumbnails: Thumbnails, label: Any, confidence: float | None) -> None:
        """Keep a photo, if it is among the first or among the least confident so far."""
        self.count += 1
        name = "" if label is None else f"{label} "  # a model of poses tells no class
        caption = "" if confidence is None else f"{name}{confidence:.0%}"
        if len(self.first) < FIRST:
            self.first.append((caption, thumbnails))
        if confidence is not None:
            put = heapq.heappush if len(self.least) < LEAST_CONFIDENT else heapq.heappushpop
            put(self.least, (-confidence, self.count, caption, thumbnails))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Draw the sheet into a PNG file; nothing where nothing was rectified."""
        if not self.first:
            return
        least = [
            (caption, thumbnails) for _, _, caption, thumbnails in sorted(self.least, reverse=True)
        ]
        sections = [(f"the first {len(self.first)} of {self.count}", self.first)]
        if least:
            sections.append((f"the {len(least)} least confident", least))
        sheet = np.concatenate([sheet_section(*section) for section in sections])
        write_file(os.fspath(path), encode(sheet, ".png"))


def sheet_section(title: str, entries: list[tuple[str, Thumbnails]]) -> Array:
    """A title, and below it pairs with their captions."""
    pairs = [thumbnails for _, thumbnails in entries]
    body = contact_sheet(
        np.stack([pair.before for pair in pairs]),
        np.stack([pair.theta for pair in pairs]),
        np.stack([pair.after for pair in pairs]),
        predicted=[caption for caption, _ in entries],
        n_pairs=len(entries),
        columns=COLUMNS,
        cell=CELL,
    )
    head = np.full((TITLE, body.shape[1], 3), PAPER, np.uint8)
    put_text(head, title, (MARGIN, TITLE - 6), INK, 15, 600)
    return np.concatenate([head, body])
