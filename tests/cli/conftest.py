"""A model that the command fitted."""

import pytest
from support.bar_photos import QUICK, TRAINING, bars
from support.commands import stn_cv


@pytest.fixture(scope="session")
def fitted(tmp_path_factory):
    """The folder of a fit (data, model, curve and sheet), and what the command said."""
    root = tmp_path_factory.mktemp("fit")
    data = bars(root / "data")
    done = stn_cv("fit", data, "--out", root / "bars.stn", *TRAINING, *QUICK)
    assert done.returncode == 0, done.stderr
    return root, done
