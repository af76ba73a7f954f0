"""What an exported file says of itself, and the hash by which a changed one is told.

One entry, "stn_cv", holds a JSON description. The file's last 76 bytes are a second entry,
"sha256": the hash of all bytes before it. Entries of a protocol buffer may stand anywhere, so
the file is an ordinary ONNX file, and can be checked by whoever knows its last bytes.
"""

import hashlib
import json
from typing import Any

from .. import __version__
from ..model.description import describe
from ..model.rectifier import Rectifier

__all__ = ["FORMAT", "KEY", "described", "sealed"]

FORMAT = (1, 0)  # of the description; a reader refuses a higher first number
KEY, HASH = "stn_cv", "sha256"
METADATA_TAG, KEY_TAG, VALUE_TAG = (
    b"\x72",
    b"\x0a",
    b"\x12",
)  # field 14 of a model; 1, 2 of an entry


def described(rectifier: Rectifier, model_sha256: str) -> dict[str, str]:
    """Everything a program needs to feed the graph and to read what it gives."""
    transform, model = rectifier.transform, describe(rectifier)
    description: dict[str, Any] = {
        "format": list(FORMAT),
        "library": f"stn_cv {__version__}",
        "model_sha256": model_sha256,
        "image_spec": model["image_spec"],
        "classes": model["classes"],
        "family": transform.family,
        "n_steps": int(transform.n_steps),
        "output_shape": list(rectifier.output_shape),
        "padding_mode": transform.padding_mode,
        "fill_value": float(transform.fill_value),
    }
    return {KEY: json.dumps(description, sort_keys=True, allow_nan=False)}


def sealed(data: bytes) -> bytes:
    """A file's bytes with the hash of them as a last entry of metadata."""
    text = hashlib.sha256(data).hexdigest().encode("ascii")
    entry = _field(KEY_TAG, HASH.encode("ascii")) + _field(VALUE_TAG, text)
    return data + _field(METADATA_TAG, entry)


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + bytes([len(content)]) + content
