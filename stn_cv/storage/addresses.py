"""Addresses of object stores: s3://bucket/key, gs://bucket/key, az://container/key."""

import os

from ..errors import InvalidInputError

__all__ = ["SCHEMES", "is_address", "joined", "parts_of", "unfit"]

SCHEMES = ("s3://", "gs://", "az://")


def is_address(path: str | os.PathLike[str]) -> bool:
    """Whether a path is one of an object store."""
    return isinstance(path, str) and path.startswith(SCHEMES)


def parts_of(address: str) -> tuple[str, str, str]:
    """Scheme, bucket and key; the key of a bucket itself is empty.

    Raises
    ------
    InvalidInputError
        If there is no bucket, or the key has segments that no file system takes.
    """
    scheme, _, rest = address.partition("://")
    bucket, _, key = rest.partition("/")
    key = key.removesuffix("/")
    if not bucket:
        raise InvalidInputError(f"{address!r} names no bucket; wanted {scheme}://bucket/key.")
    reason = unfit(key)
    if reason:
        raise InvalidInputError(f"{address!r} {reason}; give another address.")
    return scheme, bucket, key


def unfit(key: str) -> str:
    """Why no file system takes a key, if so."""
    segments = key.split("/")
    if key and "" in segments:
        return "has an empty segment between slashes"
    if "." in segments or ".." in segments:
        return "has a segment of dots"
    return "has a backslash" if "\\" in key else ""


def joined(folder: str, relative: str) -> str:
    """The path of what is in a folder, on a disk or in a store."""
    if not relative:
        return folder
    if not is_address(folder):
        return os.path.join(folder, relative)
    return folder.rstrip("/") + "/" + relative.replace(os.sep, "/")
