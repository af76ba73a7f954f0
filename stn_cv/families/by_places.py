"""A family that warps by the places it finds: what it shares with others of its kind."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from ..arrays import Array
from ..sampling.antialias import ONE, Counts, averaged, in_parts, parts_of, plain_parts
from ..sampling.places import differentiable_sample, place_counts, warp_by_places

__all__ = ["Backward", "PlacingFamily"]

Backward = Callable[[Array], Array]


class PlacingFamily(ABC):
    """A family that says what its theta is and what it shows; the rest is here."""

    @abstractmethod
    def theta(self, parameters: Array, input_shape: tuple[int, ...]) -> tuple[Array, Backward]:
        """Theta, float64, for sources of `input_shape`, and its backward."""

    @abstractmethod
    def places(
        self, theta: Array, input_shape: tuple[int, ...], output_shape: tuple[int, int]
    ) -> Array:
        """Pixels (x, y) of the source that each theta shows: (n, height, width, 2), float64."""

    @abstractmethod
    def places_in_rows(
        self,
        theta: Array,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, int],
        rows: slice,
    ) -> Array:
        """Some rows of `places`, for photos: (n, rows, width, 2)."""

    @abstractmethod
    def places_backward(self, dplaces: Array, theta: Array, input_shape: tuple[int, ...]) -> Array:
        """Gradient by theta from that by all places."""

    @abstractmethod
    def check(self, theta: Array) -> Array:
        """Theta of one image or of a batch, float64, or an error that says what is wrong."""

    def warp(
        self,
        images: Array,
        parameters: Array,
        output_shape: tuple[int, int],
        padding_mode: str = "zeros",
        fill_value: float = 0.0,
        antialias: bool = False,
    ) -> tuple[Array, Callable[..., tuple[Array | None, Array]]]:
        """Warp images (n, h, w, c), with ``backward(dY, want_dimages)``.

        The backward gives (dimages or None, dparameters).
        """
        input_shape = images.shape[1:3]
        theta, theta_backward = self.theta(parameters, input_shape)

        def warp(index: Any, counts: Counts, cuts: list[slice]) -> tuple[Array, Any]:
            shape = output_shape[0] * counts[0], output_shape[1] * counts[1]
            places = self.places(theta[index], input_shape, shape)
            sampled = differentiable_sample(images[index], places, padding_mode, fill_value)
            Y, sample_backward = sampled if counts == ONE else averaged(*sampled, counts)

            def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
                dimages, dplaces = sample_backward(dY, want_dimages)
                return dimages, self.places_backward(dplaces, theta[index], input_shape)

            return Y, backward

        parts = plain_parts(output_shape)
        if antialias:
            counts = place_counts(theta, self.places_in_rows, input_shape, output_shape)
            parts = parts_of(counts, output_shape)
        Y, warp_backward = in_parts(parts, warp)

        def backward(dY: Array, want_dimages: bool = True) -> tuple[Array | None, Array]:
            dimages, dtheta = warp_backward(dY, want_dimages)
            return dimages, theta_backward(dtheta)

        return Y, backward

    def apply(
        self,
        images: Array,
        theta: Array,
        output_shape: tuple[int, int],
        padding_mode: str = "zeros",
        fill_value: float = 0.0,
        antialias: bool = False,
        n_jobs: int | None = None,
    ) -> Array:
        """Warp images of any resolution and dtype by theta; one image by one theta."""
        theta, rules = self.check(theta), (padding_mode, fill_value, antialias, n_jobs)
        return warp_by_places(images, theta, self.places_in_rows, output_shape, *rules)
