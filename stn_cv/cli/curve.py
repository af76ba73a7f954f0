"""A picture of a training: loss and validation accuracy, epoch by epoch."""

from collections.abc import Sequence

import numpy as np

from ..arrays import Array
from ..opencv import Colour, draw_line, put_text, text_width
from ..pictures import FAINT, FRAME, HAIRLINE, INK, PAPER

__all__ = ["training_curve"]

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 72, 48, 44  # around the plot
ACCURACY = (40, 110, 200)
LINES = 4  # of the grid


def training_curve(losses: Sequence[float], scores: Sequence[float] | None) -> Array:
    """Draw the training loss (left scale) and the validation accuracy (right scale).

    Parameters
    ----------
    losses : sequence of float
        One an epoch.
    scores : sequence of float or None
        Accuracies from 0 to 1, one an epoch.

    Returns
    -------
    ndarray of shape (360, 720, 3), uint8
        RGB.
    """
    sheet = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
    top = max(max(losses), 1e-9)
    for share in np.linspace(0, 1, LINES + 1):
        y = _y(share)
        draw_line(sheet, np.array([[LEFT, y], [WIDTH - RIGHT, y]]), HAIRLINE)
        put_text(sheet, f"{share * top:.2f}", (LEFT - 44, int(y) + 5), FAINT)
        if scores:
            put_text(sheet, f"{share:.0%}", (WIDTH - RIGHT + 10, int(y) + 5), FAINT)
    _curve(sheet, [loss / top for loss in losses], FRAME)
    put_text(sheet, "training loss", (LEFT, 28), FRAME, weight=600)
    if scores:
        _curve(sheet, scores, ACCURACY)
        title = "validation accuracy"
        put_text(sheet, title, (WIDTH - RIGHT - text_width(title), 28), ACCURACY, weight=600)
    last = f"epoch {len(losses)}"
    put_text(sheet, "1", (LEFT - 3, HEIGHT - 18), INK)
    put_text(sheet, last, (WIDTH - RIGHT - text_width(last), HEIGHT - 18), INK)
    return sheet


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)


def _curve(sheet: Array, shares: Sequence[float], colour: Colour) -> None:
    x = np.linspace(LEFT, WIDTH - RIGHT, max(len(shares), 2))
    shares = list(shares) if len(shares) > 1 else [shares[0]] * 2
    draw_line(sheet, np.column_stack([x, [_y(share) for share in shares]]), colour, 2)
