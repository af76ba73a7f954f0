"""READMEs and the site's pages: their Python, on less data, in fewer steps; links; the front."""

import re
from pathlib import Path

import numpy as np
import pytest
from support.folder_cases import fixed_model
from support.paths import ROOT
from support.pose_cases import few_canvases, few_judges

from stn_cv import save
from stn_cv.datasets import load_distorted_digits
from stn_cv.estimators import automatic
from stn_cv.opencv import write_image

FRONT = ROOT / "README.md"
FOLDERS = ("stn_cv", "pipelines", "tests/benchmarks")
READMES = [
    FRONT,
    *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("README.md")),
]
MOST_WORDS = 1_300  # of the front page, code and tables included
MOST_BYTES = 300_000  # of a picture


def python_blocks(readme):
    return re.findall(r"```python\n(.*?)```", readme.read_text("utf-8"), re.DOTALL)


def name_of(readme):
    return readme.relative_to(ROOT).as_posix()


PAGES = sorted((ROOT / "notebooks" / "site").glob("*.md"))
WITH_PYTHON = [readme for readme in [*READMES, *PAGES] if python_blocks(readme)]


@pytest.mark.parametrize("readme", WITH_PYTHON, ids=name_of)
def test_its_blocks_run_one_after_another(readme, tmp_path, monkeypatch):
    few = tuple(part[:200] for part in load_distorted_digits())
    monkeypatch.setattr("stn_cv.datasets.load_distorted_digits", lambda **options: few)
    for name in ("LINEAR", "LAYERS"):
        few_steps = getattr(automatic, name)._replace(steps=60)
        monkeypatch.setattr(automatic, name, few_steps)
    monkeypatch.chdir(tmp_path)
    save(fixed_model(), "model.stn")
    Path("photos/new").mkdir(parents=True)
    write_image(Path("photos/new/1.png"), np.zeros((40, 60, 3), np.uint8))
    names: dict = {}
    with few_judges(), few_canvases():
        for block in python_blocks(readme):
            exec(compile(block, name_of(readme), "exec"), names)  # noqa: S102


def test_enough_blocks_are_found():
    assert FRONT in WITH_PYTHON and sum(len(python_blocks(readme)) for readme in READMES) > 9


@pytest.mark.parametrize("readme", READMES, ids=name_of)
def test_its_links_lead_somewhere(readme):
    assert not list(dead_links(readme))


def dead_links(readme):
    """Links to files that are not there, and to headings that they do not have."""
    text = re.sub(r"```.*?```", "", readme.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = readme.parent / file if file else readme
        if not path.exists() or (anchor and anchor not in anchors(path)):
            yield target


def anchors(path):
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_dead_link_is_found(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("# A b: c\n[a](README.md#a-b-c) [b](no.md) [c](#d) [d](https://x.org/no)\n")
    assert list(dead_links(page)) == ["no.md", "#d"]


def test_the_front_page_is_short_and_has_a_picture_first():
    text = FRONT.read_text("utf-8")
    assert len(text.split()) <= MOST_WORDS
    picture = re.search(r"!\[[^\]]+\]\(([^)]+)\)", text.partition("\n## ")[0])
    assert picture, "no picture with a description before the first heading"
    assert (ROOT / picture[1]).stat().st_size < MOST_BYTES
