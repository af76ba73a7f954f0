"""A run that is reviewed, copied for each test that changes something."""

import pytest
from support.review_cases import reviewed_run, serving


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """The folder of a run, which nobody changes, and its model."""
    folder = tmp_path_factory.mktemp("reviewed")
    return folder, reviewed_run(folder)


@pytest.fixture
def served(run, tmp_path):
    """A server, whose corrections are the test's own."""
    with serving(run[0] / "m.jsonl", tmp_path / "corrections.csv") as server:
        yield server
