"""Photos turned upright."""

import numpy as np

from ..arrays import Array
from .door import load_cv2

__all__ = ["upright"]


def upright(image: Array, orientation: int) -> Array:
    """Turn and mirror an image as its EXIF orientation, 1 to 8, says."""
    cv2 = load_cv2()
    if orientation in (5, 6, 7, 8):
        image = cv2.transpose(image)
    code = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return image if code is None else np.asarray(cv2.flip(image, code))
