"""Small photos of odd kinds that people sent, kept beside the project; tests skip without them."""

import pytest

from support.paths import ROOT

CASES = ROOT.parent / "shared" / "cases" / "photos"


def photo_case(name):
    path = CASES / name
    if not path.is_file():
        pytest.skip(f"{name} is not beside this checkout")
    return path.read_bytes()
