"""Loaded by workers of tests: a photo that ends with LETHAL kills the process that decodes it.

A model with a class "unreadable" is refused.
"""

import os
import signal

from stn_cv.errors import ModelFileError
from stn_cv.folder import dask_worker, item
from stn_cv.model.file import load as read
from stn_cv.opencv import decode_photo as decode


def decode_photo(data, *arguments):
    if data.endswith(b"LETHAL"):
        with open(os.environ["DEATHS"], "a") as file:
            file.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(data, *arguments)


def load(path):
    rectifier = read(path)
    if "unreadable" in rectifier.classes:
        raise ModelFileError("this worker cannot read it.")
    return rectifier


item.decode_photo = decode_photo
dask_worker.load = load
