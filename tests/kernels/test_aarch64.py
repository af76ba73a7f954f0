"""Kernels for a processor of another kind than this machine's: lowered, though not run."""

import os
import subprocess
import sys

import llvmlite.binding as llvm
import pytest
from support.numba_cache import INTERPRETED

TRIPLE = "aarch64-unknown-linux-gnu"
# Kernels as they were written (NUMBA_OPT=0), for LLVM's passes for this processor put in
# instructions of its own; without a cache, for code from there cannot be looked at; without
# checked indices, which leave no loop to vectorize.
FLAGS = {"NUMBA_OPT": "0", "NUMBA_BOUNDSCHECK": "0"}
LOWER = f"""
import llvmlite.binding as llvm
import numpy as np
from stn_cv.families import FAMILIES
from stn_cv.kernels import loaded
from stn_cv.nn import Conv2D, Dense, Flatten
from stn_cv.nn.network import Network

X = np.zeros((1, 12, 12, 1), np.float32)
for layers in ([Conv2D(4, 3)], [Flatten(), Dense(9)]):
    Y = X
    for layer in Network(layers, (1, 12, 12), np.random.default_rng(0)).layers:
        Y, _ = layer.forward(Y)
FAMILIES["affine"].warp(X, np.zeros((1, 6), np.float32), (12, 12))

llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()
machine = llvm.Target.from_triple("{TRIPLE}").create_target_machine(opt=2)
kernels = ("nn.conv", "correlate"), ("nn.dense", "product"), ("sampling.affine_warp", "warp")
for module, name in kernels:
    kernel = getattr(loaded(module), name)
    text = kernel.inspect_llvm(kernel.signatures[0])
    code = llvm.parse_assembly(text)
    code.triple, code.data_layout = "{TRIPLE}", str(machine.target_data)
    code.verify()
    print(name, "llvm.x86" in text, "fmla\\tv" in machine.emit_assembly(code))
"""


@pytest.mark.compiled
@pytest.mark.skipif(INTERPRETED, reason="there is no compiler")
def test_kernels_are_lowered_to_the_vectors_of_aarch64(tmp_path):
    llvm.initialize_all_targets()
    try:
        llvm.Target.from_triple(TRIPLE)
    except RuntimeError:
        pytest.skip("this llvmlite knows no aarch64")
    alone = {**os.environ, **FLAGS, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", LOWER], env=alone, capture_output=True, text=True, check=False
    )
    said = "correlate False True\nproduct False True\nwarp False True\n"
    assert (done.stdout, done.returncode) == (said, 0), done.stderr
