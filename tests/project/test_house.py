"""The plan of the house: which file may import what, and how large it may grow."""

import ast
import re
import sys

import pytest
from support.paths import ROOT

PACKAGE = ROOT / "stn_cv"

README = ROOT / "README.md"
OUTSIDE = ("pipelines/", "notebooks/")  # recipes stand beside the package, on public names only
HEADING = "| room | what lives there |"


def rooms_of(readme):
    """The README's plan, from the top down: [(place, ...), ...], a tuple for each row.

    A room imports only from rooms below it or from inside itself. A place that ends in "/" is
    a folder with all it holds, less the files named on their own.
    """
    if readme.count(HEADING) != 1:
        raise ValueError(f"the README has {readme.count(HEADING)} tables of rooms; wanted one")
    rooms = []
    for row in readme.partition(HEADING)[2].strip().splitlines()[1:]:
        if not row.startswith("|"):
            break
        cell = row.split("|")[1].strip()
        places = re.findall(r"`([^`]+)`", cell)
        if ", ".join(f"`{place}`" for place in places) != cell or not places:
            raise ValueError(f"a room is {cell!r}; wanted names in backticks, commas between")
        rooms.append(tuple(place for place in places if place not in OUTSIDE))
    rooms = [places for places in rooms if places]
    all_places = [place for places in rooms for place in places]
    if len(set(all_places)) < max(len(all_places), 1):
        raise ValueError(f"the README's plan names nothing, or a place twice: {all_places}")
    return rooms


ROOMS = rooms_of(README.read_text("utf-8"))
INIT = "__init__.py"  # the package's own: lazy public names, above every room
LAZY = (INIT, "kernels/__init__.py")  # the second reaches its own room only

# Each library's door. "in functions" means: never while the module itself is imported.
ANYWHERE, IN_FUNCTIONS = "anywhere", "in functions"
DOORS = {
    "numpy": {"": ANYWHERE},
    "numba": {"kernels/": ANYWHERE},
    "cv2": {"opencv/": ANYWHERE},
    "PIL": {"opencv/": IN_FUNCTIONS},
    "simplejpeg": {"opencv/": IN_FUNCTIONS},
    "pillow_heif": {"opencv/heic.py": IN_FUNCTIONS},
    "sklearn": {
        "estimators/": ANYWHERE,
        "joint/": ANYWHERE,
        "datasets/": IN_FUNCTIONS,
        "demo.py": IN_FUNCTIONS,
    },
    "safetensors": {"model/": ANYWHERE},
    "threadpoolctl": {"threads.py": ANYWHERE},
    "onnx": {"onnx/door.py": IN_FUNCTIONS},
    "obstore": {"storage/objects.py": IN_FUNCTIONS},
    "distributed": {"folder/dask_worker.py": IN_FUNCTIONS},
    "onnxruntime": {"onnx/door.py": IN_FUNCTIONS},
    "click": {"cli/": ANYWHERE},
    "matplotlib": {"displays/": IN_FUNCTIONS},
    "rich": {"cli/": ANYWHERE, "demo.py": ANYWHERE},
}
MAX_FILE_LINES = 300
MAX_BODY_LINES = 40
LONG_BODIES = ("kernels/",)


def python_files(package):
    return sorted(path.relative_to(package).as_posix() for path in package.rglob("*.py"))


def stands_in(file, place):
    return file == place or (place.endswith("/") and file.startswith(place)) or place == ""


def room_of(file):
    """Index of the room, 0 at the top; None for a file the plan does not know."""
    for exact in (True, False):
        for index, places in enumerate(ROOMS):
            if any((file == place) if exact else stands_in(file, place) for place in places):
                return index
    return None


def file_of(name, package):
    """The file that an imported dotted name comes from, there already or only planned."""
    parts = name.split(".")[1:]
    stems = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    files = [file for stem in stems for file in (f"{stem}.py", f"{stem}/{INIT}")]
    found = [file for file in files if (package / file).is_file()]
    planned = [file for file in files if room_of(file) is not None]
    return (found + planned + [INIT])[0]


def imports(file, package):
    """Yield (line, dotted name, is it inside a function, is it only for types)."""

    def visit(node, in_function, for_types):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name, in_function, for_types) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = ["stn_cv", *file.split("/")[:-1]]
                base = ".".join(here[: len(here) + 1 - node.level] + ([base] if base else []))
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}", in_function, for_types
        inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.body:
                yield from visit(child, inside, True)
            children = node.orelse
        else:
            children = ast.iter_child_nodes(node)
        for child in children:
            yield from visit(child, inside, for_types)

    yield from visit(ast.parse((package / file).read_text("utf-8")), False, False)


def room_faults(package):
    for file in python_files(package):
        if file != INIT and room_of(file) is None:
            yield (
                f"{file}: in no room. Move it into one, or add it to the README's table of rooms, "
                "saying in the commit why the plan changes"
            )
        for line, name, _, for_types in imports(file, package):
            if name.split(".")[0] == "stn_cv":
                yield from one_room_fault(file, line, name, for_types, package)


def one_room_fault(file, line, name, for_types, package):
    if file == INIT:
        if not for_types:
            yield f"{file}:{line}: imports {name}; the package names its public things lazily"
        return
    if name == "stn_cv.__version__":
        return
    target = file_of(name, package)
    if target == INIT:
        yield f"{file}:{line}: imports {name} through the package; name the room it lives in"
        return
    here, there = room_of(file), room_of(target)
    if here is not None and there is not None and there < here:
        rooms = f"{' '.join(ROOMS[there])} stands above {' '.join(ROOMS[here])}"
        yield f"{file}:{line}: imports {name}, but {rooms}; move the code down or the caller up"


def door_faults(package):
    for file in python_files(package):
        for line, name, in_function, _ in imports(file, package):
            library = name.split(".")[0]
            if library in sys.stdlib_module_names or library == "stn_cv":
                continue
            doors = DOORS.get(library)
            if doors is None:
                yield f"{file}:{line}: imports {library}, which is not a dependency of the product"
                continue
            rules = [rule for place, rule in doors.items() if stands_in(file, place)]
            if not rules:
                yield f"{file}:{line}: imports {library}; its door is {' '.join(doors)}"
            elif rules[0] == IN_FUNCTIONS and not in_function:
                yield f"{file}:{line}: imports {library}; here only inside a function"


def hidden_import_faults(package):
    """Only lazy names, the package's and the kernels', may be imported as they are asked for."""
    for file in python_files(package):
        for node in ast.walk(ast.parse((package / file).read_text("utf-8"))):
            if file not in LAZY and isinstance(node, ast.Call):
                called = ast.unparse(node.func).rpartition(".")[2]
                if called in ("import_module", "__import__"):
                    yield f"{file}:{node.lineno}: {called} hides an import from this test"


def size_faults(package):
    for file in python_files(package):
        source = (package / file).read_text("utf-8")
        lines = source.splitlines()
        if len(lines) > MAX_FILE_LINES:
            yield f"{file}: {len(lines)} lines, {MAX_FILE_LINES} at most; one idea a file"
        if any(stands_in(file, place) for place in LONG_BODIES):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = body_lines(node, lines)
                if count > MAX_BODY_LINES:
                    where = f"{file}:{node.lineno}: the body of {node.name}"
                    yield f"{where} has {count} lines, {MAX_BODY_LINES} at most"


def body_lines(function, lines):
    """Lines of code: no docstring, blank line or comment; inner functions count for themselves."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    inside = {n for node in body for n in range(node.lineno, node.end_lineno + 1)}
    for node in ast.walk(function):
        if node is not function and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside -= set(range(node.lineno, node.end_lineno + 1))
    return sum(bool(text) and text[0] != "#" for text in (lines[n - 1].strip() for n in inside))


def public_api_faults(root):
    """Recipes and notebooks use what a user may use: stn_cv, its joint, nn and datasets."""
    doors = re.compile(
        r"(?:from|import)\s+stn_cv\.(?!joint\b|nn\b|datasets\b)(\w+)|stn_cv(?:\.\w+)*\._"
    )
    for folder in ("pipelines", "notebooks"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".ipynb"):
                for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                    if doors.search(line):
                        where = path.relative_to(root).as_posix()
                        yield f"{where}:{number}: reaches past the public names: {line.strip()}"


PRODUCT = ("stn_cv", "tests", "pipelines", "notebooks", ".ci")
PRODUCT_FILES = tuple(
    "pyproject.toml README.md CHANGELOG.md CITATION.cff LICENSE .gitignore".split()
)
TEXT = {
    ".py",
    ".toml",
    ".md",
    ".ipynb",
    ".csv",
    ".json",
    ".txt",
    ".typed",
    ".sh",
    ".cfg",
    ".cff",
    "",
}
FOLDERS = "home root work opt mnt tmp Users".split()
MACHINE_PATH = re.compile(rf"(?<![\w.])(?:/(?:{'|'.join(FOLDERS)})/\w|[A-Z]:\\+Users\\)")


def machine_path_faults(root):
    files = [root / name for name in PRODUCT_FILES]
    files += [path for folder in PRODUCT for path in sorted((root / folder).rglob("*"))]
    for path in files:
        if not path.is_file() or path.suffix not in TEXT or "__pycache__" in path.parts:
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            found = MACHINE_PATH.search(line)
            if found:
                where = path.relative_to(root).as_posix()
                yield f"{where}:{number}: a path of one machine: {line[found.start() :][:60]}"


FAULTS = [room_faults, door_faults, hidden_import_faults, size_faults]


@pytest.mark.parametrize("faults", FAULTS)
def test_the_package_keeps_to_the_plan(faults):
    assert python_files(PACKAGE), "there is no package to look at"
    found = list(faults(PACKAGE))
    assert not found, "\n" + "\n".join(found)


def test_every_place_of_the_plan_is_there():
    assert not [place for places in ROOMS for place in places if not (PACKAGE / place).exists()]


def test_the_plan_is_read_from_the_table():
    rows = (
        "|---|---|\n| `cli/`, `demo.py` | commands |\n| `pipelines/` | recipes |\n| `nn/` | a |\n"
    )
    assert rooms_of(f"# A\n\n{HEADING}\n{rows}\n- `kernels/` |") == [("cli/", "demo.py"), ("nn/",)]


@pytest.mark.parametrize(
    ("readme", "said"),
    [
        ("# A", "0 tables of rooms"),
        (f"{HEADING}\n|---|---|\n\n{HEADING}\n|---|---|\n", "2 tables of rooms"),
        (f"{HEADING}\n|---|---|\n\ntext", "names nothing"),
        (f"{HEADING}\n|---|---|\n| nn/ | layers |", "names in backticks"),
        (f"{HEADING}\n|---|---|\n| `nn/` and `cli/` | layers |", "names in backticks"),
        (f"{HEADING}\n|---|---|\n| `nn/` | a |\n| `nn/` | b |", "a place twice"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(readme, said):
    with pytest.raises(ValueError, match=said):
        rooms_of(readme)


@pytest.mark.parametrize("faults", [public_api_faults, machine_path_faults])
def test_the_whole_product_keeps_to_the_plan(faults):
    found = list(faults(ROOT))
    assert not found, "\n" + "\n".join(found)


PLANTED = [
    (room_faults, "geometry/affine.py", "from stn_cv.sampling import f", "stands above"),
    (room_faults, "nn/dense.py", "from .training import fit", "stands above"),
    (room_faults, "nn/dense.py", "from . import architectures", "stands above"),
    (room_faults, "kernels/warp.py", "def f():\n    from .. import geometry", "stands above"),
    (room_faults, "threads.py", "import stn_cv.kernels.jit", "stands above"),
    (room_faults, "joint/training.py", "from ..folder.plan import f", "stands above"),
    (room_faults, "nn/dense.py", "from stn_cv import warp_affine", "through the package"),
    (room_faults, "utils.py", "", "in no room"),
    (room_faults, INIT, "from .errors import StnError", "lazily"),
    (door_faults, "nn/dense.py", "import sklearn.base", "its door is"),
    (
        door_faults,
        "datasets/digits.py",
        "from sklearn.datasets import load_digits",
        "inside a function",
    ),
    (door_faults, "pictures.py", "import cv2", "its door is opencv/"),
    (door_faults, "sampling/warp.py", "def f():\n    import numba", "its door is kernels/"),
    (door_faults, "estimators/hog.py", "import torch", "not a dependency"),
    (hidden_import_faults, "threads.py", "importlib.import_module('cv2')", "hides"),
    (size_faults, "errors.py", "x = 1\n" * 301, "300 at most"),
    (size_faults, "errors.py", "def f():\n" + "    x = 1\n" * 41, "40 at most"),
]


@pytest.mark.parametrize(("faults", "file", "source", "message"), PLANTED)
def test_a_planted_fault_is_found(tmp_path, faults, file, source, message):
    for name in ("nn/training.py", "nn/architectures.py", "geometry/affine.py", INIT, file):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / file).write_text(source)
    found = list(faults(tmp_path))
    assert len(found) == 1 and found[0].startswith(file) and message in found[0]


ALLOWED = [
    ("nn/training.py", "from .network import Network"),
    ("nn/network.py", "from stn_cv.nn import layer\nfrom ..threads import run_slices"),
    ("datasets/digits.py", "def f():\n    from sklearn.datasets import load_digits"),
    ("joint/training.py", "import numpy as np\nfrom sklearn.base import clone"),
    ("model/file.py", "from stn_cv import __version__\nimport safetensors.numpy"),
    ("kernels/warp.py", "def f():\n" + "    x = 1\n" * 200),
    (INIT, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .errors import E"),
]


@pytest.mark.parametrize(("file", "source"), ALLOWED)
def test_what_the_plan_allows_is_no_fault(tmp_path, file, source):
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(source)
    assert not [fault for faults in FAULTS for fault in faults(tmp_path)]


def test_faults_outside_the_package_are_found(tmp_path):
    (tmp_path / "pipelines").mkdir()
    recipe = tmp_path / "pipelines" / "digits.py"
    recipe.write_text("import stn_cv\nfrom stn_cv.nn import Dense\nURL = 'https://a.org/home/x'\n")
    assert not list(public_api_faults(tmp_path)) and not list(machine_path_faults(tmp_path))
    recipe.write_text("from stn_cv.kernels import warp\nPATH = '" + "/".join(["", "root", "x'\n"]))
    assert len(list(public_api_faults(tmp_path))) == 1
    assert len(list(machine_path_faults(tmp_path))) == 1
