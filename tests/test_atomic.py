"""Files written whole or not at all: what an error names."""

import errno
import os
from unittest.mock import Mock

import pytest

from stn_cv.atomic import write_bytes


@pytest.mark.parametrize("step", ["fsync", "replace", "open"])
def test_an_error_names_the_file_that_was_asked_for(step, tmp_path, monkeypatch):
    target = tmp_path / "m.stn"
    target.write_bytes(b"old")
    part = str(tmp_path / ".stn_cv-0.part")
    fails = Mock(side_effect=OSError(errno.ENOSPC, "No space left on device", part))
    monkeypatch.setattr("builtins.open" if step == "open" else f"os.{step}", fails)
    with pytest.raises(OSError, match="No space left") as caught:
        write_bytes(target, b"new")
    monkeypatch.undo()
    assert caught.value.filename == str(target) and caught.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == ["m.stn"] and target.read_bytes() == b"old"
