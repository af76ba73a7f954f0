"""A family that warps by the source coordinates it finds for each output pixel."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Array, read_only
from ..buffers import empty
from ..geometry import check_shape
from ..sampling import WarpRules
from ..sampling.antialias import (
    ONE,
    Counts,
    averaged,
    in_parts,
    means,
    parts_of,
    plain_parts,
    samples_of,
)
from ..sampling.arguments import SamplingArguments
from ..sampling.at_coordinates import (
    PIXELS,
    blocks_of,
    differentiable_sample,
    sample_into,
)
from ..sampling.fill import write_unknown
from ..sampling.rules import PLAIN
from ..threads import pinned_blas, run_slices

__all__ = ["Backward", "CoordinateFamily"]

Backward = Callable[[Array], Array]
LATTICE = 64  # lines each way, at most, on which the sides of output pixels are found
FAR = 1e8  # pixels; no side is as long, save to a point behind the camera


class CoordinateFamily(ABC):
    """A family that says what its theta is and where it looks; the rest is here.

    Coordinates are pixels (x, y) of the source, centres at integers, so that an identity, whose
    coordinates are integers, is exact. ``align_corners=False``.
    """

    @abstractmethod
    def theta(self, parameters: Array, input_shape: tuple[int, ...]) -> tuple[Array, Backward]:
        """Theta, float64, for sources of `input_shape`, and its backward."""

    @abstractmethod
    def coordinates_in_rows(
        self,
        theta: Array,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, int],
        rows: slice,
    ) -> Array:
        """Where each theta looks in some rows of the output: (n, rows, width, 2), float64."""

    def coordinates(
        self, theta: Array, input_shape: tuple[int, ...], output_shape: tuple[int, int]
    ) -> Array:
        """Where each theta looks, for networks: (n, height, width, 2), float64."""
        return self.coordinates_in_rows(theta, input_shape, output_shape, slice(None))

    @abstractmethod
    def coordinates_backward(
        self, dcoordinates: Array, theta: Array, input_shape: tuple[int, ...]
    ) -> Array:
        """Gradient by theta from that by all coordinates."""

    @abstractmethod
    def check(self, theta: Array) -> Array:
        """Theta of one image or of a batch, float64, or an error that says what is wrong."""

    def warp(
        self,
        images: Array,
        parameters: Array,
        output_shape: tuple[int, int],
        rules: WarpRules = PLAIN,
    ) -> tuple[Array, Callable[..., tuple[Array | None, Array]]]:
        """Warp images (n, h, w, c), with ``backward(dY, want_dimages)``.

        The backward gives (dimages or None, dparameters).
        """
        input_shape = images.shape[1:3]
        theta, theta_backward = self.theta(parameters, input_shape)

        def warp(index: Any, counts: Counts, cuts: list[slice]) -> tuple[Array, Any]:
            shape = output_shape[0] * counts[0], output_shape[1] * counts[1]
            coordinates = self.coordinates(theta[index], input_shape, shape)
            sampled = differentiable_sample(images[index], coordinates, rules)
            Y, sample_backward = sampled if counts == ONE else averaged(*sampled, counts)

            def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
                dimages, dcoordinates = sample_backward(dY, want_dimages)
                return dimages, self.coordinates_backward(dcoordinates, theta[index], input_shape)

            return Y, backward

        parts = plain_parts(output_shape)
        if rules.antialias:
            parts = parts_of(self.sample_counts(theta, input_shape, output_shape), output_shape)
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
        rules: WarpRules = PLAIN,
        n_jobs: int | None = None,
    ) -> Array:
        """Warp images of any resolution and dtype by theta: of one image, of each, or of all.

        Coordinates are found for some rows at a time, the same for any `n_jobs`.
        """
        theta = self.check(theta)
        call = SamplingArguments.of(
            images, theta, theta.ndim == 3, rules.mode, rules.padding_mode, False, rules.fill_value
        )
        input_shape, shape = call.images.shape[1:3], check_shape("output_shape", output_shape)
        out = call.empty_output(shape)

        def run(piece: tuple[Any, Counts, slice]) -> None:
            index, counts, rows = piece
            down, across = counts
            of_samples = shape[0] * down, shape[1] * across
            looked_at = slice(rows.start * down, rows.stop * down)
            at = self.coordinates_in_rows(call.where[index], input_shape, of_samples, looked_at)
            into = out[index, rows]  # a view, where a slice is the index
            samples = into
            if counts != ONE:
                samples = empty((*at.shape[:3], out.shape[3]), type(call.fill[0]))
            images = read_only(call.images[index])
            sample_into(images, (read_only(at), *PIXELS), call.rules, call.fill, samples)
            if counts != ONE:
                means(samples, counts, into)
            if not isinstance(index, slice):
                out[index, rows] = into

        if rules.antialias:
            parts = parts_of(self.sample_counts(call.where, input_shape, shape), shape)
            pieces = [(index, counts, rows) for index, counts, cuts in parts for rows in cuts]
        else:
            pieces = [(part, ONE, rows) for part, rows in blocks_of(len(call.images), *shape)]
        with pinned_blas():
            run_slices(run, pieces, n_jobs)
        rules = rules._replace(fill_value=0.0)
        write_unknown(
            out,
            call.unknown,
            call.images,
            lambda whole: self.apply(whole, call.where, shape, rules, n_jobs),
        )
        return call.shaped_like_input(out)

    def sample_counts(
        self, theta: Array, input_shape: tuple[int, ...], output_shape: tuple[int, int]
    ) -> Array:
        """How many samples, (n, 2), down and across, antialiased pixels take: see `sample_counts`.

        The longest sides count, among pixels that reach the source, of cells of a lattice.
        """
        height, width = (min(max(side, 2), LATTICE) for side in output_shape)
        at = self.coordinates_in_rows(theta, input_shape, (height, width), slice(None))
        corners = [[at[:, :-1, :-1], at[:, :-1, 1:]], [at[:, 1:, :-1], at[:, 1:, 1:]]]
        four = np.stack(corners[0] + corners[1])
        low, high = four.min(axis=0), four.max(axis=0)
        wide = high - low
        reaches = (high + wide / 2 > -1) & (low - wide / 2 < input_shape[1::-1]) & (wide < FAR)
        sides = []
        for (one, other), size, lines in zip(
            (corners, zip(*corners, strict=True)), output_shape, (height, width), strict=True
        ):
            pairs = zip(one, other, strict=True)
            lengths = [np.hypot(*np.moveaxis(b - a, -1, 0)) for a, b in pairs]
            longest = np.where(reaches.all(axis=-1), np.maximum(*lengths), 0).max(axis=(1, 2))
            sides.append(longest * lines / size)
        return samples_of(np.stack(sides, axis=1))
