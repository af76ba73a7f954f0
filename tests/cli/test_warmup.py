"""`stn-cv warmup`: after it no process compiles."""

import pytest
from support.commands import stn_cv, stn_cv_process
from support.export_cases import made_up, made_up_pose
from support.numba_cache import INTERPRETED

import stn_cv as library

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(INTERPRETED, reason="there is no compiler, so no cache"),
]

# What is asked of a model, and then which functions no cache had.
USE = """
import sys
import numpy as np
import stn_cv

rectifier = stn_cv.load(sys.argv[1])
spec = rectifier.image_spec
for n in (1, 3, 70):
    rectifier.rectify(np.ones((n, spec.height, spec.width, spec.channels), np.float32))
for kind in ("uint8", "uint16", "float32"):
    for shape in ((30, 40), (41, 23, 3), (20, 20, 4)):
        rectifier.rectify_photo(np.ones(shape, kind), size="input")
if rectifier.classes is not None:
    rectifier.find(np.ones((spec.height, spec.width, spec.channels), np.float32))
"""
TRAIN = """
import numpy as np
from stn_cv import HOG, PoseTransformer, SpatialTransformer, SpatialTransformerClassifier

X, y = np.random.default_rng(0).random((12, 20, 20)), np.arange(12) % 2
SpatialTransformerClassifier(family="tps", head="cnn", max_iter=2).fit(X.astype("f"), y).predict(X)
SpatialTransformer(head="mlp", n_steps=2, max_iter=2).fit(X, y).transform(X)
PoseTransformer(n_canvases=32, n_steps=2, filters=4).fit(X)
HOG(image_shape=(20, 20)).fit_transform(X)
"""
MISSES = """
from numba.core.dispatcher import Dispatcher
found = {
    f"{module}.{name}": sum(value.stats.cache_misses.values())
    for module in list(sys.modules) if module.startswith("stn_cv.kernels")
    for name, value in vars(sys.modules[module]).items() if isinstance(value, Dispatcher)
}
assert found
print([name for name, misses in found.items() if misses])
"""


@pytest.mark.parametrize("family", ["similarity", "tps", "poses"])
def test_what_a_model_needs_is_compiled(family, tmp_path):
    model = tmp_path / "model.stn"
    library.save(made_up_pose(bins=24) if family == "poses" else made_up(family), model)
    done = stn_cv("warmup", model)
    assert done.returncode == 0 and " kernels for " in done.stdout, done.stderr
    used = stn_cv_process(model, code=USE + MISSES)
    assert used.stdout == "[]\n" and not used.stderr, used.stderr
    assert "\n0 of them were compiled now" in stn_cv("warmup", model).stdout


@pytest.mark.long
def test_everything_is_compiled():
    done = stn_cv_process("warmup")
    assert done.returncode == 0, done.stderr
    used = stn_cv_process(code="import sys" + TRAIN + MISSES)
    assert used.stdout == "[]\n", used.stderr


def test_where_nothing_can_be_kept_it_fails_and_says_so(tmp_path):
    model, nowhere = tmp_path / "model.stn", tmp_path / "file"
    nowhere.touch()
    library.save(made_up(), model)
    code = f"""import os, sys
os.environ["NUMBA_CACHE_DIR"] = {str(nowhere / "below")!r}
import numpy as np
from stn_cv.cli import main, workloads
from stn_cv.kernels import loaded

sys.argv[0], row = "stn-cv", np.ones(4, np.float32)
workloads.of_model = lambda rectifier: [lambda: loaded("nn.relu").relu(row, row)]
main()
"""
    done = stn_cv_process("warmup", model, code=code)
    assert done.returncode == 1 and str(nowhere / "below") in done.stderr, done.stdout


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "model.stn").write_bytes(b"none")
    assert stn_cv("warmup", tmp_path / "model.stn").returncode == 3
