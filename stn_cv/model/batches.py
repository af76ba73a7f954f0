"""Images that came as batches of the fitted spec, and a network run on slices of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import InvalidInputError, NonFiniteError
from ..geometry import as_array
from ..nn.layout import activations_of
from ..nn.network import Network
from ..threads import pinned_blas, run_slices
from .image_spec import ImageSpec

__all__ = ["as_batch", "finite", "in_slices"]


def as_batch(images: ArrayLike, spec: ImageSpec) -> tuple[Array, bool]:
    """Images as (n, h, w, c) of the fitted size, and whether a single one came."""
    images = as_array("images", images)
    has_channels = images.ndim == 4 or (
        images.ndim == 3
        and images.shape[-1] == spec.channels
        and (spec.channels > 1 or spec.width > 1)
    )
    single = images.ndim == (3 if has_channels else 2)
    batch = images[None] if single else images
    batch = batch if has_channels else batch[..., None]
    if batch.ndim != 4 or 0 in batch.shape[1:]:
        raise InvalidInputError(
            f"images have shape {images.shape}; wanted (h, w[, c]) or (n, h, w[, c])."
        )
    if not spec.fits(batch):
        batch = spec.resized(batch)
    if batch.dtype.kind == "f" and np.count_nonzero(np.isfinite(batch)) < batch.size:
        raise NonFiniteError("images hold NaN or infinity; give finite values.")
    return batch, single


def finite(results: Array) -> Array:
    """What a network gave, if it is finite.

    Raises
    ------
    NonFiniteError
        If it is not.
    """
    if not np.isfinite(results).all():
        raise NonFiniteError(
            "the model gives NaN or infinity for this image: its weights are too large to compute "
            "with; train it again."
        )
    return results


def in_slices(
    function: Callable[[Array], tuple[Array, ...]],
    batch: Array,
    network: Network,
    spec: ImageSpec,
    n_jobs: int | None,
) -> tuple[Array, ...]:
    """Apply `function` to slices of activations; an empty batch gives empty results."""
    dtype = network.vector.dtype

    def run(part: slice) -> tuple[Array, ...]:
        X = activations_of(spec.network_input(batch[part], dtype))
        with np.errstate(over="ignore", invalid="ignore"):  # it is seen in the results
            return function(X)

    if len(batch) < 2:
        return run(slice(0, len(batch)))
    with pinned_blas():
        results = run_slices(run, network.slices(len(batch)), n_jobs)
    return tuple(np.concatenate(column) for column in zip(*results, strict=True))
