"""The site: `python -m sphinx -W --keep-going notebooks/site build/site`, extra `docs`.

Most pages are the README of a room, copied here with links that fit, so that nothing is
written twice.
"""

import os
import re
from importlib.metadata import version as installed
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ROOMS = HERE / "rooms"

# A file of the repository, and the page that shows it.
PAGES = {
    "CHANGELOG.md": "changelog",
    "notebooks/01_quickstart.ipynb": "01_quickstart",
    "notebooks/02_distortions.ipynb": "02_distortions",
    "notebooks/03_how_it_works.ipynb": "03_how_it_works",
    "notebooks/04_pipelines.ipynb": "04_pipelines",
    "notebooks/05_folders_and_review.ipynb": "05_folders_and_review",
    "notebooks/06_clutter.ipynb": "06_clutter",
    "pipelines/README.md": "pipelines",
    "pipelines/cluster/README.md": "cluster",
    "stn_cv/estimators/README.md": "estimators",
    "stn_cv/families/README.md": "families",
    "stn_cv/folder/README.md": "folder",
    "stn_cv/joint/README.md": "joint",
    "stn_cv/kernels/README.md": "kernels",
    "stn_cv/model/README.md": "model",
    "stn_cv/nn/README.md": "nn",
    "stn_cv/onnx/README.md": "onnx",
    "stn_cv/opencv/README.md": "opencv",
    "stn_cv/review/README.md": "review",
    "stn_cv/sampling/README.md": "sampling",
    "tests/benchmarks/README.md": "benchmarks",
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")


def page(source: str) -> str:
    """A file's text, its links to files made links to pages, or words."""
    folder = os.path.dirname(source)

    def changed(match: re.Match[str]) -> str:
        bang, text, target, anchor = match.groups()
        path = os.path.normpath(os.path.join(folder, target))
        if bang:
            return f"![{text}]({os.path.relpath(ROOT / path, ROOMS)})"
        path = path if path in PAGES else f"{path}/README.md"
        if path not in PAGES:
            return text if text.strip("`") in target else f"{text} (`{target}`)"
        ending = Path(path).suffix
        return f"[{text}]({PAGES[path]}{ending}{anchor or ''})"

    return LINK.sub(changed, (ROOT / source).read_text("utf-8"))


def write_pages() -> None:
    """Bring the folder of pages up to date; a page that did not change is not built again."""
    ROOMS.mkdir(exist_ok=True)
    for source, name in PAGES.items():
        path = ROOMS / f"{name}{Path(source).suffix}"
        text = page(source)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


write_pages()

project = "stn_cv"
author = "the stn_cv developers"
version = release = installed("stn_cv")
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["gallery/*.ipynb"]  # the gallery's own notebooks, to be downloaded
sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "notebooks" / "gallery"),
    "gallery_dirs": "gallery",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("stn_cv",),
    "reference_url": {"stn_cv": None},
    "backreferences_dir": None,
    "capture_repr": (),
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_signature": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
}
templates_path = ["_templates"]
nb_execution_mode = "off"  # notebooks hold the outputs of a run that the tests compare
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
numpydoc_show_class_members = False
autodoc_typehints = "none"  # the docstrings say shapes and dtypes
autodoc_member_order = "groupwise"
autosummary_generate = True
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
html_theme = "pydata_sphinx_theme"
html_title = "stn_cv"
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
}
html_show_sourcelink = False
html_sidebars = dict.fromkeys(  # pages that no section is above have none to show
    ("index", "install", "quickstart", "coming_from", "releases", "rooms/changelog"), []
)
default_role = "code"  # a name in single backticks, in docstrings and in the gallery
