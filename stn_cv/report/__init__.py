"""Pages about many photos: counts, distributions, and cards with the frame that was found."""

from .histograms import Histogram, histograms
from .page import Card, report_page, review_page, static_file

__all__ = ["Card", "Histogram", "histograms", "report_page", "review_page", "static_file"]
