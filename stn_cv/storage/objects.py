"""Objects in a store; the only door to obstore.

An object is whole or absent: it is written by one request, never in parts. What fails for a
while, such as a store that asks to slow down, is tried again by obstore, later each time.
"""

import configparser
import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any, BinaryIO, TypeVar

from ..errors import MissingLibraryError
from .addresses import parts_of

__all__ = ["delete", "fetch", "get", "holds_any", "listed", "put", "size_of", "tag_of"]

T = TypeVar("T")

QUICK, PATIENT = 5, 1000  # times that a store is asked again: whether it is there, and in a run
LONGEST = timedelta(minutes=3)  # that one request may take with all its repetitions
PAUSES = tuple(0.1 * 2**n for n in range(8))  # seconds; a store that starts anew takes some
# A pause is drawn between the first one and so many times the last; by 2, obstore's own, pauses
# mostly stay at the first one, and 30 of them ended after 7 to 50 seconds.
BACKOFF = {
    "init_backoff": timedelta(milliseconds=100),
    "max_backoff": timedelta(seconds=10),
    "base": 3,
}
REASONS = {
    "NoSuchBucket": (errno.ENOENT, "no such bucket"),
    "ContainerNotFound": (errno.ENOENT, "no such bucket"),
    "InvalidBucketName": (errno.EINVAL, "no bucket can have this name"),
    "NoSuchKey": (errno.ENOENT, "no such object"),
    "AccessDenied": (errno.EACCES, "access denied"),
    "InvalidAccessKeyId": (errno.EACCES, "access denied: unknown access key"),
    "SignatureDoesNotMatch": (errno.EACCES, "access denied: wrong secret key"),
    "403 Forbidden": (errno.EACCES, "access denied"),
    "401 Unauthorized": (errno.EACCES, "access denied"),
    "404 Not Found": (errno.ENOENT, "no such object"),
    "error sending request": (errno.EHOSTUNREACH, "the store does not answer"),
    "response body": (errno.EHOSTUNREACH, "the store does not answer"),
    "SlowDown": (errno.EAGAIN, "the store is overloaded"),
    "429 Too Many": (errno.EAGAIN, "the store is overloaded"),
    "503 Service": (errno.EAGAIN, "the store is overloaded"),
    "empty path segment": (errno.EINVAL, "a key has an empty segment, which no file system takes"),
    "illegal character": (errno.EINVAL, "a key has segments that no file system takes"),
}


def get(address: str, most: int = -1) -> bytes:
    """The bytes of an object, so many at most if that is no negative number.

    Raises
    ------
    OSError
        If there is none, or it cannot be read.
    """
    store, key = _place(address)

    def ask() -> bytes:
        found = _obstore().get(store, key)
        if not 0 <= most < found.meta["size"]:
            return bytes(found.bytes())
        return bytes(_obstore().get_range(store, key, start=0, end=most)) if most else b""

    return _answer(ask, address)


def fetch(address: str, file: BinaryIO) -> None:
    """Copy an object to a file by one request, without having all of it in memory.

    Raises
    ------
    OSError
        If there is none, or it cannot be read.
    """
    store, key = _place(address)

    def ask() -> None:
        file.seek(0)
        file.truncate()
        for chunk in _obstore().get(store, key).stream():
            file.write(chunk)

    _answer(ask, address)


def size_of(address: str) -> int | None:
    """The length of an object; None if there is none."""
    found = _head(address)
    return None if found is None else int(found["size"])


def tag_of(address: str) -> str | None:
    """What changes if an object does; None if there is none."""
    found = _head(address)
    return None if found is None else str((found["e_tag"], found["last_modified"], found["size"]))


def _head(address: str) -> dict[str, Any] | None:
    store, key = _place(address, QUICK)
    try:
        with _reasons(address):
            return dict(_obstore().head(store, key)) if key else None
    except FileNotFoundError:
        return None


def put(address: str, data: bytes, may_replace: bool = True) -> None:
    """Write an object by one request.

    Raises
    ------
    FileExistsError
        If there is one that may not be replaced.
    OSError
        If it cannot be written.
    """
    store, key = _place(address)
    mode = "overwrite" if may_replace else "create"
    _answer(lambda: _obstore().put(store, key, data, mode=mode, use_multipart=False), address)


def delete(address: str) -> None:
    """Remove an object."""
    store, key = _place(address)
    with _reasons(address):
        _obstore().delete(store, key)


def listed(address: str) -> Iterator[tuple[str, bool]]:
    """Names directly below an address, and whether each stands for more below it."""
    store, key = _place(address)
    found = _answer(lambda: _obstore().list_with_delimiter(store, key or None), address)
    start = len(key) + 1 if key else 0
    for folder in found["common_prefixes"]:
        yield folder[start:].rstrip("/"), True
    for entry in found["objects"]:
        if len(entry["path"]) > start:  # not the mark that some tools leave for a folder
            yield entry["path"][start:], False


def holds_any(address: str) -> bool:
    """Whether there is anything below an address."""
    from obstore.exceptions import InvalidPathError

    store, key = _place(address, QUICK)
    with _reasons(address):
        try:
            return any(len(chunk) for chunk in _obstore().list(store, key or None, chunk_size=1))
        except InvalidPathError:  # a key that no file system takes; its folder fails, by name
            return True


def _answer(ask: Callable[[], T], address: str) -> T:
    """What a store answers; asked again, later each time, where it was lost during a request.

    obstore itself asks again where there was no connection yet, or where it was refused. A file
    that was written all the same is found to be there, with the very bytes.
    """
    pauses, end = iter(PAUSES), time.monotonic() + LONGEST.total_seconds()
    while True:
        try:
            with _reasons(address):
                return ask()
        except OSError as error:
            pause = next(pauses, None)
            if error.errno != errno.EHOSTUNREACH or pause is None or time.monotonic() > end:
                raise
            time.sleep(pause)


@contextmanager
def _reasons(address: str) -> Iterator[None]:
    """Say what failed as of a file, in a line."""
    from obstore.exceptions import AlreadyExistsError, BaseError

    try:
        yield
    except AlreadyExistsError as error:
        raise FileExistsError(errno.EEXIST, "File exists", address) from error
    except (BaseError, OSError, ValueError) as error:
        said = str(error)
        known = [reason for word, reason in REASONS.items() if word in said]
        number, reason = known[0] if known else (errno.EIO, said.splitlines()[0][:200])
        raise OSError(number, reason, address) from error


def _place(address: str, retries: int = PATIENT) -> tuple[Any, str]:
    """The store of an address, and the key in it."""
    scheme, bucket, key = parts_of(address)
    return _store(f"{scheme}://{bucket}", retries), key


@lru_cache(maxsize=32)
def _store(bucket: str, retries: int) -> Any:
    with _reasons(bucket):
        settings = _aws_profile() if bucket.startswith("s3://") else {}
        again = {"max_retries": retries, "retry_timeout": LONGEST, "backoff": BACKOFF}
        return _obstore().store.from_url(bucket, retry_config=again, **settings)


def _aws_profile() -> dict[str, str]:
    """What the files of the AWS command line say, where the environment says nothing.

    obstore itself looks into the environment and asks the machine that it runs on.
    """
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return {}
    home = os.path.join(os.path.expanduser("~"), ".aws")
    name = os.environ.get("AWS_PROFILE", "default")
    files = configparser.ConfigParser(interpolation=None)
    files.read(os.environ.get("AWS_SHARED_CREDENTIALS_FILE", os.path.join(home, "credentials")))
    found = dict(files[name]) if files.has_section(name) else {}
    config = configparser.ConfigParser(interpolation=None)
    config.read(os.environ.get("AWS_CONFIG_FILE", os.path.join(home, "config")))
    for section in (name, f"profile {name}"):
        found = {**(dict(config[section]) if config.has_section(section) else {}), **found}
    names = {
        "aws_access_key_id": "access_key_id",
        "aws_secret_access_key": "secret_access_key",
        "aws_session_token": "session_token",
        "region": "region",
        "endpoint_url": "endpoint",
    }
    return {names[key]: value for key, value in found.items() if key in names}


def _obstore() -> Any:
    try:
        import obstore
        import obstore.store
    except ImportError as error:
        raise MissingLibraryError(
            "object stores need obstore; install it with `pip install stn_cv[cloud]`."
        ) from error
    return obstore
