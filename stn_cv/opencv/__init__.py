"""The only door to cv2: decode, encode, resize, draw.

Colours are RGB and shapes (height, width) on this side of the door. cv2 is imported at the
first call, so importing this package costs nothing.
"""

from .codec import (
    ALIASES,
    FORMATS,
    LARGEST_PICTURE,
    decode,
    decode_photo,
    encode,
    header_of,
    may_be_image,
    read_image,
    write_image,
)
from .door import load_cv2, quiet_and_serial
from .drawing import Colour, draw_frame, draw_line, put_text, text_width
from .resize import grey, resize_area

__all__ = [
    "ALIASES",
    "FORMATS",
    "LARGEST_PICTURE",
    "Colour",
    "decode",
    "decode_photo",
    "draw_frame",
    "draw_line",
    "encode",
    "grey",
    "header_of",
    "load_cv2",
    "may_be_image",
    "put_text",
    "quiet_and_serial",
    "read_image",
    "resize_area",
    "text_width",
    "write_image",
]
