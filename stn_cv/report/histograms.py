"""Distributions as small drawings in SVG, each with its numbers in words."""

from dataclasses import dataclass
from html import escape

import numpy as np

from ..arrays import Array

__all__ = ["Histogram", "histograms"]

WIDTH, HEIGHT, FOOT = 240, 56, 14
BINS = 24
QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Histogram:
    """What is counted, from where to where, and in what unit it is said."""

    title: str
    values: Array
    low: float
    high: float
    unit: str = ""

    def svg(self) -> str:
        """A drawing, for a page in HTML."""
        known = self.values[np.isfinite(self.values)]
        counts = np.histogram(np.clip(known, self.low, self.high), BINS, (self.low, self.high))[0]
        step, most = WIDTH / BINS, max(int(counts.max()), 1)
        bars = "".join(
            f'<rect x="{i * step + 0.5:.1f}" y="{HEIGHT * (1 - n / most):.1f}" '
            f'width="{step - 1:.1f}" height="{HEIGHT * n / most:.1f}"/>'
            for i, n in enumerate(counts.tolist())
        )
        words = escape(self.in_words())
        ends = self._number(self.low), self._number(self.high)
        labels = (
            f'<text x="0" y="{HEIGHT + FOOT - 2}">{escape(ends[0])}</text>'
            f'<text x="{WIDTH}" y="{HEIGHT + FOOT - 2}" text-anchor="end">{escape(ends[1])}</text>'
        )
        return (
            f'<figure><svg role="img" aria-label="{words}" viewBox="0 0 {WIDTH} {HEIGHT + FOOT}">'
            f"<title>{words}</title>{bars}{labels}</svg>"
            f"<figcaption>{words}</figcaption></figure>"
        )

    def in_words(self) -> str:
        """The median, the middle nine tenths, and how many say nothing."""
        known = self.values[np.isfinite(self.values)]
        absent = len(self.values) - len(known)
        if not len(known):
            return f"{self.title}: not known of any photo"
        low, middle, high = (self._number(value) for value in np.quantile(known, QUANTILES))
        rest = f"; not known of {absent:,}" if absent else ""
        return f"{self.title}: median {middle}, nine tenths from {low} to {high}{rest}"

    def _number(self, value: float) -> str:
        return f"{value:.3g}{self.unit}".replace("-", "\N{MINUS SIGN}")


def histograms(angle: Array, scale: Array, confidence: Array) -> str:
    """Those of turn, scale and confidence (n,), NaN where not known."""
    known = scale[np.isfinite(scale)]
    low, high = np.quantile(known, (0.01, 0.99)) if len(known) else (0.5, 2.0)
    return "".join(
        histogram.svg()
        for histogram in (
            Histogram("Turn", angle, -180, 180, "°"),
            Histogram("Scale", scale, min(float(low), 0.99), max(float(high), 1.01), "×"),
            Histogram("Confidence", confidence, 0, 1),
        )
    )
