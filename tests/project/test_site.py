"""The site has a page of every room's README, and every public name in its reference."""

import re
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from support.paths import ROOT

import stn_cv
import stn_cv.joint
import stn_cv.nn

SITE = ROOT / "notebooks" / "site"


@pytest.fixture(scope="module")
def conf():
    spec = spec_from_file_location("site_conf", SITE / "conf.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_is_in_the_reference():
    listed = set(re.findall(r"^   ([\w.]+)$", (SITE / "api.md").read_text("utf-8"), re.MULTILINE))
    joint = [name for name in stn_cv.joint.__all__ if name.islower()]
    wanted = {*stn_cv.__all__, *(f"nn.{name}" for name in stn_cv.nn.__all__)}
    assert listed == wanted | {f"joint.{name}" for name in joint}


def test_every_readme_and_notebook_has_a_page(conf):
    readmes = [*ROOT.glob("stn_cv/**/README.md"), *ROOT.glob("pipelines/**/README.md")]
    files = [*readmes, *ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("tests/*/README.md")]
    assert {path.relative_to(ROOT).as_posix() for path in files} <= set(conf.PAGES)
    linked = "".join(path.read_text("utf-8") for path in SITE.glob("*.md"))
    assert all(f"rooms/{name}" in linked for name in conf.PAGES.values())


def test_links_between_readmes_are_links_between_pages(conf):
    text = conf.page("stn_cv/model/README.md")
    assert "(estimators.md)" in text or "(onnx.md)" in text or "(folder.md)" in text
    for source in conf.PAGES:
        links = conf.LINK.finditer(conf.page(source))
        targets = [link[3] for link in links if not link[1]]
        assert {target.rpartition(".")[0] for target in targets} <= set(conf.PAGES.values())


def test_the_gallery_has_ten_examples_that_need_no_data():
    """They are run whenever the site is built; here it is read what they ask for."""
    examples = sorted((ROOT / "notebooks" / "gallery").glob("plot_*.py"))
    assert len(examples) >= 10
    for path in examples:
        text = path.read_text("utf-8")
        assert re.match(r'"""\n\S.*\n=+\n\n', text), f"{path.name} has no title"
        assert "plt.show()" in text and "shared" not in text
