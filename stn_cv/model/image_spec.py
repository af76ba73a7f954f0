"""What images a model was fitted on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import INTEGER_MAXIMA, Array
from ..errors import InvalidInputError, InvalidTypeError

__all__ = ["ImageSpec"]

NAMES = {np.dtype(name): name for name in INTEGER_MAXIMA}  # to ask a dtype for it takes 4 us


@dataclass(frozen=True)
class ImageSpec:
    """What images a model was fitted on.

    Parameters
    ----------
    height, width, channels : int
        Shape of an image.
    range : {"uint8", "uint16", "float"}
        How values are to be read: integers are divided by their dtype's maximum, floats
        are taken as they are.

    Examples
    --------
    >>> from stn_cv import ImageSpec
    >>> str(ImageSpec(28, 28, 1, "uint8"))
    '28x28 pixels, 1 channel, uint8'
    """

    height: int
    width: int
    channels: int
    range: str

    def __str__(self) -> str:
        plural = "" if self.channels == 1 else "s"
        return f"{self.height}x{self.width} pixels, {self.channels} channel{plural}, {self.range}"

    @classmethod
    def of(cls, images: Array) -> "ImageSpec":
        """The spec that images (n, h, w, c) fulfil."""
        _, height, width, channels = images.shape
        name = "float" if images.dtype.kind == "f" else images.dtype.name
        if name != "float" and name not in INTEGER_MAXIMA:
            known = ", ".join(INTEGER_MAXIMA)
            raise InvalidTypeError(f"images are {name}; wanted {known} or floats, as fitted.")
        return cls(height, width, channels, name)

    def fits(self, images: Array) -> bool:
        """Whether images fulfil the spec as they are.

        Parameters
        ----------
        images : ndarray of shape (n, h, w, c)
            Images of any dtype and size.

        Returns
        -------
        bool
            Whether size, channels and range are the fitted ones.
        """
        dtype = images.dtype
        name = "float" if dtype.kind == "f" else NAMES.get(dtype.newbyteorder("="))
        return name == self.range and images.shape[1:] == (self.height, self.width, self.channels)

    @property
    def maximum(self) -> float:
        """The value that stands for 1 in the network."""
        return INTEGER_MAXIMA.get(self.range, 1.0)

    def network_input(self, images: Array, dtype: Any) -> Array:
        """Scale images of this spec to what the network takes.

        Parameters
        ----------
        images : ndarray of shape (n, h, w, c)
            Images that fulfil the spec.
        dtype : dtype
            float32 or float64.

        Returns
        -------
        ndarray of shape (n, h, w, c)
            Of `dtype`, integers divided by their maximum.
        """
        images = images.astype(dtype, copy=False)
        return images if self.maximum == 1 else images / np.dtype(dtype).type(self.maximum)

    def resized(self, batch: Array) -> Array:
        """Bring images of these proportions to this size, by area.

        Parameters
        ----------
        batch : ndarray of shape (n, h, w, c)
            Of the spec's channels and range.

        Returns
        -------
        ndarray of shape (n, height, width, c)
            Of the dtype that came.

        Raises
        ------
        InvalidInputError
            If the images have other channels, range or proportions.
        """
        from ..opencv import resize_area

        came = ImageSpec.of(batch)
        if came.channels != self.channels or came.range != self.range:
            raise InvalidInputError(f"the model was fitted on {self}; these images have {came}.")
        height = came.width * self.height / self.width
        width = came.height * self.width / self.height
        if min(abs(came.height - height), abs(came.width - width)) > 0.5:  # more than rounding
            advice = "Crop or pad them first."
            if self.channels == 1 and came.width in (3, 4):
                advice = "If the last axis holds colours, turn the image grey to find its theta."
            raise InvalidInputError(
                f"the model was fitted on {self}; these images have {came}: other proportions. "
                f"{advice}"
            )
        return resize_area(batch, (self.height, self.width))
