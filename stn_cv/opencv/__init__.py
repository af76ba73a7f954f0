"""The only door to cv2: decode, encode, resize, draw.

Colours are RGB and shapes (height, width) on this side of the door. cv2 is imported at the
first call, so importing this package costs nothing.
"""

from .codec import (
    LARGEST_PICTURE,
    Photo,
    check_pixels,
    decode,
    decode_photo,
    header_of,
    read_image,
    write_image,
)
from .door import load_cv2, quiet_and_serial
from .drawing import Colour, draw_frame, draw_line, put_text, text_width
from .encoder import encode, format_to_write
from .exif import descriptive_exif
from .formats import (
    FORMATS,
    START,
    SUFFIXES,
    WRITTEN_SUFFIXES,
    format_named,
    format_names,
    format_of,
)
from .mask import Mask, encode_mask, read_mask
from .resize import grey, resize_area
from .tiff_pages import count_pages, page_alone

__all__ = [
    "FORMATS",
    "LARGEST_PICTURE",
    "Mask",
    "Photo",
    "START",
    "SUFFIXES",
    "WRITTEN_SUFFIXES",
    "Colour",
    "check_pixels",
    "count_pages",
    "decode",
    "decode_photo",
    "descriptive_exif",
    "draw_frame",
    "draw_line",
    "encode",
    "encode_mask",
    "format_named",
    "format_names",
    "format_of",
    "format_to_write",
    "grey",
    "header_of",
    "load_cv2",
    "page_alone",
    "put_text",
    "quiet_and_serial",
    "read_image",
    "read_mask",
    "resize_area",
    "text_width",
    "write_image",
]
