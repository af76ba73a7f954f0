"""How a warp is sampled, in the words of those who ask for it."""

from typing import NamedTuple

from ..kernels.sampling.rules import MODES, PADDING_MODES, KernelRules

__all__ = ["PLAIN", "WarpRules"]


class WarpRules(NamedTuple):
    """What every warp of an image is told: what lies outside, and whether to average.

    Parameters
    ----------
    padding_mode : {"zeros", "border", "reflection"}, default "zeros"
        What lies outside: `fill_value`, the edge pixels, or the image mirrored.
    fill_value : float, default 0.0
        What stands outside under ``padding_mode="zeros"``.
    antialias : bool, default False
        Whether an output pixel is the mean over its area where the warp shrinks; see
        `stn_cv.warp_affine`.
    mode : {"bilinear", "nearest", "bicubic"}, default "bilinear"
        Interpolation; networks know the first only.

    Examples
    --------
    >>> from stn_cv.sampling import WarpRules
    >>> WarpRules("border")
    WarpRules(padding_mode='border', fill_value=0.0, antialias=False, mode='bilinear')
    """

    padding_mode: str = "zeros"
    fill_value: float = 0.0
    antialias: bool = False
    mode: str = "bilinear"

    def for_kernels(self) -> KernelRules:
        """Of names that have been checked, ``align_corners=False``."""
        return KernelRules(MODES[self.mode], PADDING_MODES[self.padding_mode], False)


PLAIN = WarpRules()
