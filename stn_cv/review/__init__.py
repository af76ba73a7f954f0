"""Photos looked at and corrected in a browser: what `stn-cv review` serves."""

from .server import ReviewServer
from .session import ReviewSession

__all__ = ["ReviewServer", "ReviewSession"]
