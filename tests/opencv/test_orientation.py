"""Where files say how a photo is turned: EXIF blocks of every kind, texts, XMP packets."""

import io
import struct
import zlib

import numpy as np
import pytest
from support.photo_cases import photo_case
from support.picture_files import CORNERS, UPRIGHT, Image, png_chunk, saved, turned

from stn_cv.opencv import decode

XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description {}</x:xmpmeta>'
ATTRIBUTE = XMP.format('tiff:Orientation="6"/>').encode()
ELEMENT = XMP.format("><tiff:Orientation>6</tiff:Orientation></rdf:Description>").encode()


def exif_block(value=6, kind=3, order="<"):
    layout = {1: "B3x", 3: "H2x", 4: "I"}[kind]
    start = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHI" + layout, 274, kind, 1, value)
    return start + struct.pack(order + "IH", 8, 1) + entry + bytes(4)


def jpeg_with(*payloads):
    data = saved(CORNERS, ".jpg", subsampling=0)
    segments = [struct.pack(">HH", 0xFFE1, 2 + len(payload)) + payload for payload in payloads]
    return data[:2] + b"".join(segments) + data[2:]


def png_with(kind, content):
    data = saved(CORNERS, ".png")
    return data[:33] + png_chunk(kind, content) + data[33:]


def raw(block):
    return b"\nexif\n%8d\n" % len(block) + block.hex().encode() + b"\n"


EXIF = b"Exif\0\0" + exif_block()
PACKET = b"http://ns.adobe.com/xap/1.0/\0"
NAMES = b"Raw profile type exif\0", b"Raw profile type APP1\0"
FILES = {
    "a second, empty EXIF": jpeg_with(EXIF, b"Exif\0\0" + bytes(60)),
    "an empty EXIF before it": jpeg_with(b"Exif\0\0" + bytes(60), EXIF),
    "XMP in a JPEG": jpeg_with(PACKET + ATTRIBUTE),
    "an element of XMP": jpeg_with(PACKET + ELEMENT),
    "EXIF before XMP": jpeg_with(PACKET + ATTRIBUTE.replace(b'"6"', b'"3"'), EXIF),
    "eXIf": png_with(b"eXIf", exif_block()),
    "a text": png_with(b"tEXt", NAMES[0] + raw(exif_block())),
    "a packed text": png_with(b"zTXt", NAMES[1] + b"\0" + zlib.compress(raw(EXIF))),
    "XMP in a PNG": png_with(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + ATTRIBUTE),
    "packed XMP": png_with(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(ELEMENT)),
    "XMP in a WebP": None,
}
for _kind in (1, 3, 4):
    for _order in "<>":
        FILES[f"kind {_kind} {_order}"] = jpeg_with(b"Exif\0\0" + exif_block(6, _kind, _order))


def webp_with_xmp():
    buffer = io.BytesIO()
    Image.fromarray(CORNERS).save(buffer, "WEBP", lossless=True, xmp=ATTRIBUTE)
    return buffer.getvalue()


@pytest.mark.parametrize("name", FILES)
def test_a_photo_is_upright_wherever_it_says_how_it_is_turned(name):
    pixels = decode(FILES[name] or webp_with_xmp())
    assert pixels.shape == UPRIGHT[6].shape
    assert np.abs(pixels[5::50, 5::30].astype(int) - UPRIGHT[6][5::50, 5::30]).max() < 20


@pytest.mark.parametrize("value", [0, 9, 60_000])
def test_what_makes_no_sense_turns_nothing(value):
    assert decode(jpeg_with(b"Exif\0\0" + exif_block(value))).shape == CORNERS.shape
    assert decode(png_with(b"tEXt", NAMES[0] + b"no digits")).shape == CORNERS.shape
    assert decode(png_with(b"zTXt", NAMES[0] + b"\0no deflate")).shape == CORNERS.shape


@pytest.mark.parametrize("kind", [1, 3, 4])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_tiff_says_it_by_any_kind_of_integer(kind, orientation):
    data = bytearray(turned(".tiff", orientation))
    place = data.index(struct.pack("<HHI", 274, 3, 1))
    struct.pack_into("<HHII", data, place, 274, kind, 1, orientation)
    assert np.array_equal(decode(bytes(data)), UPRIGHT[orientation])


@pytest.mark.parametrize("name", ["jpeg_exif_two_segments.jpg", "png_raw_profile_exif.png"])
def test_photos_that_came_on_their_side(name):
    assert decode(photo_case(name)).shape[:2] == (60, 40)
