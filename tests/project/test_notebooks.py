"""Every notebook runs from a clean kernel, and what it shows in the repository is current."""

import base64
import os
import re

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from support.paths import ROOT

from stn_cv.opencv import decode

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FOLDERS = "home root work opt mnt tmp usr var private Users".split()
MACHINE = re.compile(rf"(?<![\w.])/(?:{'|'.join(FOLDERS)})/|[A-Z]:\\+\w")
LARGEST = 1_000_000  # bytes of a notebook

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.name for path in NOTEBOOKS])


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def kinds(cell):
    """What a cell shows, without the values; parts of one stream count once."""
    shown = []
    for output in cell.outputs:
        kind = output.get("name") or sorted(output.get("data", {})) or output.output_type
        if shown[-1:] != [kind]:
            shown.append(kind)
    return shown


def said_on_stderr(cell):
    return "".join(out.text for out in cell.outputs if out.get("name") == "stderr")


def test_there_are_notebooks():
    assert "01_quickstart.ipynb" in [path.name for path in NOTEBOOKS]


@each
def test_the_repository_holds_outputs_of_one_clean_run(path):
    notebook = read(path)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert "stderr" not in [kind for cell in cells for kind in kinds(cell)]
    assert not [out for cell in cells for out in cell.outputs if out.output_type == "error"]
    assert any(cell.outputs for cell in cells) and path.stat().st_size < LARGEST


@each
def test_its_pictures_show_something(path):
    outputs = [output for cell in code_cells(read(path)) for output in cell.outputs]
    pictures = [out.data["image/png"] for out in outputs if "image/png" in out.get("data", {})]
    assert pictures
    for picture in pictures:
        assert np.asarray(decode(base64.b64decode(picture))).std() > 5


@each
def test_it_names_no_path_of_a_machine(path):
    for cell in read(path).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts = [str(data[kind]) for kind in data if kind != "image/png"]
            for text in [output.get("text", ""), *texts]:
                assert not MACHINE.search(text), text
        assert set(cell.metadata) <= {"tags"}, "times and settings of an editor"


@each
@pytest.mark.compiled
def test_it_runs_from_a_clean_kernel(path, tmp_path):
    committed = read(path)
    notebook = read(path)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    client.execute(env=environment)  # raises what a cell raises
    assert not list(tmp_path.iterdir()), "it leaves files behind"
    for ran, shown in zip(code_cells(notebook), code_cells(committed), strict=True):
        assert "Warning" not in said_on_stderr(ran)
        ran_kinds = [kind for kind in kinds(ran) if kind != "stderr"]  # matplotlib's first words
        assert ran_kinds == kinds(shown), f"not what the repository shows:\n{ran.source}"
