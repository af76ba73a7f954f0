"""Images (n, h, w, c) and activations (c, h, w, n), what layers work on, as views."""

from ..arrays import Array

__all__ = ["activations_of", "images_of"]


def activations_of(images: Array) -> Array:
    """Images as activations."""
    return images.transpose(3, 1, 2, 0)


def images_of(activations: Array) -> Array:
    """Activations as images."""
    return activations.transpose(3, 1, 2, 0)
