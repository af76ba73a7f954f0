"""Transform families: parameters to warp, zero parameters the identity.

A family is any object with the members of `Family`; put a new one into `FAMILIES` under
its name and the estimators and layers can use it. Whoever reads a model file needs it there as
well. Affine ones come from `AFFINE_FAMILIES` in affine.py.
"""

from collections.abc import Callable
from typing import Protocol

from ..arrays import Array
from ..sampling import WarpRules
from .affine import AFFINE_FAMILIES
from .projective import ProjectiveFamily
from .tps import SplineFamily

__all__ = ["FAMILIES", "Family"]


class Family(Protocol):
    """What the network asks of a family; arrays as in `stn_cv.families.affine`."""

    @property
    def name(self) -> str:
        """Its key in `FAMILIES`."""

    @property
    def n_parameters(self) -> int:
        """How many numbers the localization must give for an image."""

    def composed(self, n_steps: int) -> "Family":
        """The family of so many of its warps one after another, the last nearest the output.

        Its parameters are those of all steps; its theta is of this family. `InvalidInputError`
        if warps one after another are no warp of this family.
        """

    def theta(
        self, parameters: Array, input_shape: tuple[int, ...]
    ) -> tuple[Array, Callable[[Array], Array]]:
        """What `predict_theta` shows, and its backward.

        (n, 2, 3), (n, 3, 3) or (n, k * k, 2), read as `stn_cv.geometry.check_any_theta` does.
        """

    def warp(
        self,
        images: Array,
        parameters: Array,
        output_shape: tuple[int, int],
        rules: WarpRules = ...,
    ) -> tuple[Array, Callable[..., tuple[Array | None, Array]]]:
        """Warp images; also ``backward(dY, want_dimages) -> (dimages, dparameters)``."""

    def apply(
        self,
        images: Array,
        theta: Array,
        output_shape: tuple[int, int],
        rules: WarpRules = ...,
        n_jobs: int | None = None,
    ) -> Array:
        """Warp images of any resolution and dtype by what `theta` gave, of one, each, or all."""

    def coordinates_in_rows(
        self,
        theta: Array,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, int],
        rows: slice,
    ) -> Array:
        """Where thetas look in some rows of the output, (n, rows, width, 2), pixels (x, y)."""

    def sample_counts(
        self, theta: Array, input_shape: tuple[int, ...], output_shape: tuple[int, int]
    ) -> Array:
        """How many samples, (n, 2), down and across, an antialiased pixel takes of each."""


FAMILIES: dict[str, Family] = {
    **AFFINE_FAMILIES,
    "projective": ProjectiveFamily(),
    "tps": SplineFamily(),
    "tps3": SplineFamily("tps3", 3),
    "tps6": SplineFamily("tps6", 6),
}
