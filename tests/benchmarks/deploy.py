"""A fitted model deployed: this library beside onnxruntime, `cv2.dnn` and torch.

Asked for are theta, the rectified picture and probabilities, of one image and of 256, after what
each gives was compared. ``python tests/benchmarks/deploy.py`` prints one table; the extra torch
adds PyTorch, eager and compiled. ``--clients`` measures instead what a server of single images
gives one client and eight threads of clients, ``--start`` how long each takes from the start of a
process to its first result, and what is installed for it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
from harness import PAUSE, SETTLE, agree
from networks import NETWORKS, our_network, torch_network

import stn_cv
from stn_cv.nn import Dense, SpatialTransform, Standardize
from stn_cv.nn.architectures import cnn_head, cnn_localization
from stn_cv.nn.network import Network

COUNTS = (1, 256)
CALLS = {1: 400, 256: 24}  # of each contender, in rounds
ROUNDS = 8
DEFAULT = "default"  # a classifier's own network, of 28 x 28 pixels; torch has no peer of it here
CLIENTS, SECONDS = (1, 8), 0.3  # threads that ask at once, and for how long in each round
IMPORTS = {
    "stn_cv": "import stn_cv; f = stn_cv.load(model + '.stn').find",
    "onnxruntime": (
        "import onnxruntime; s = onnxruntime.InferenceSession(model + '.onnx');"
        "f = lambda X: s.run(None, {'images': X})"
    ),
    "cv2.dnn": (
        "import cv2; n = cv2.dnn.readNetFromONNX(model + '.onnx')\n"
        "def f(X):\n    n.setInput(X); return n.forward(n.getUnconnectedOutLayersNames())"
    ),
    "torch": "import torch; n = torch.jit.load(model + '.pt'); f = lambda X: n(torch.tensor(X[:, None, :, :, 0]))",  # noqa: E501
}
NEEDS = {
    "stn_cv": ["numpy", "numba", "scikit-learn", "opencv-python", "safetensors", "pillow",
               "simplejpeg", "click", "rich", "threadpoolctl"],
    "onnxruntime": ["onnxruntime"],
    "cv2.dnn": ["numpy", "opencv-python"],
    "torch": ["torch", "numpy"],
}  # fmt: skip


def model_of(name):
    """A published network, or the default one, as a Rectifier that finds a pose."""
    if name == DEFAULT:
        return default_model()
    spec = NETWORKS[name]
    image_spec = stn_cv.ImageSpec(*spec["shape"], 1, "float")
    return stn_cv.Rectifier(our_network(spec), image_spec, np.arange(10))


def default_model(channels=1):
    """The layers of a classifier whose parameters are all left alone, off the identity."""
    shape, standardize = (channels, 28, 28), Standardize([0.5] * channels, [0.3] * channels)
    look = [standardize, *cnn_localization(shape)]
    transform = SpatialTransform(look, "similarity", n_steps=2)
    head = [standardize, *cnn_head(shape), Dense(10)]
    network = Network([transform, *head], shape, np.random.default_rng(0))
    network.layers[0].network.layers[-1].parameters[1][:] = [0.1, 0.2, 0.05, -0.04]
    return stn_cv.Rectifier(network, stn_cv.ImageSpec(28, 28, channels, "float"), np.arange(10))


def onnxruntime_of(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda X: session.run(["theta", "rectified", "probabilities"], {"images": X})


def cv2_of(path, threads):
    import cv2

    cv2.setNumThreads(threads)
    net = cv2.dnn.readNetFromONNX(path)
    names = net.getUnconnectedOutLayersNames()

    def run(X):
        net.setInput(X)
        found = dict(zip(names, net.forward(names), strict=True))
        return [found["theta"], found["rectified"], found["probabilities"]]

    return run


def torch_of(spec, network, threads):
    """PyTorch's own modules, eager and compiled, which give all three as well."""
    import torch

    torch.set_num_threads(threads)
    peer = torch_network(spec, network).eval()

    def outputs(x):
        theta = peer.localization(x).view(-1, 2, 3) + torch.eye(2, 3)
        shape = [len(x), 1, *spec["output"]]
        grid = torch.nn.functional.affine_grid(theta, shape, align_corners=False)
        Y = torch.nn.functional.grid_sample(x, grid, align_corners=False)
        return theta, Y, torch.softmax(peer.head(Y), 1)

    def runs(function):
        def run(X):
            with torch.inference_mode():
                theta, Y, p = function(torch.from_numpy(X.reshape(len(X), 1, *X.shape[1:3])))
            return [theta.numpy(), Y.numpy().reshape(len(X), *spec["output"], 1), p.numpy()]

        return run

    return {"torch": runs(outputs), "torch.compile": runs(torch.compile(outputs))}


def ours_of(rectifier):
    names = "theta", "rectified", "probabilities"

    def run(X):
        outputs = rectifier.outputs(X)
        return [outputs[name] for name in names]

    return run


def contenders(name, folder, threads, with_torch):
    rectifier = model_of(name)
    rectifier.n_jobs = threads
    path = os.path.join(folder, "model.onnx")
    stn_cv.export(rectifier, path)
    found = {
        "stn_cv": ours_of(rectifier),
        "onnxruntime": onnxruntime_of(path, threads),
        "cv2.dnn": cv2_of(path, threads),
    }
    if with_torch and name != DEFAULT:
        found |= torch_of(NETWORKS[name], rectifier.network, threads)
    return rectifier, found


def latencies(found, X, calls):
    """Seconds of each call, and its thread's CPU seconds, of all contenders in turn."""
    seconds = {name: [] for name in found}
    for _ in range(ROUNDS):
        for name, run in found.items():
            time.sleep(PAUSE)
            settled = time.perf_counter() + SETTLE
            while time.perf_counter() < settled:
                run(X)
            for _ in range(calls // ROUNDS):
                start, cpu = time.perf_counter(), time.thread_time()
                run(X)
                used = time.thread_time() - cpu
                seconds[name].append((time.perf_counter() - start, used))
    return seconds


def speed(names, threads, with_torch):
    print(
        "| network, images, threads | contender | p50, us | p99, us | least, us | CPU p99 / p50 |"
    )
    print("|---|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    for name in names:
        for n in COUNTS:
            with tempfile.TemporaryDirectory() as folder:
                rectifier, found = contenders(name, folder, threads, with_torch)
                spec = rectifier.image_spec
                X = rng.random((n, spec.height, spec.width, 1), np.float32)
                compare(name, found, X)
                for peer, own in latencies(found, X, CALLS[n]).items():
                    wall, cpu = np.array(own).T
                    p50, p99, least = 1e6 * np.array([*np.percentile(wall, (50, 99)), min(wall)])
                    steady = np.percentile(cpu, 99) / np.median(cpu)
                    figures = f"{p50:.0f} | {p99:.0f} | {least:.0f} | {steady:.2f}"
                    print(f"| {name}, {n}, {threads} | {peer} | {figures} |", flush=True)


def compare(name, found, X):
    """Refuse to time what does not compute the same."""
    wanted = found["stn_cv"](X)
    for peer, run in found.items():
        for one, other in zip(run(X), wanted, strict=True):
            agree(f"{name}, {peer}", one, other, 1e-4)


def clients(names):
    """Images a second that one client and several are given, in turns of short rounds."""
    print("| network | contender | clients | images/s | p50, us | p99, us |")
    print("|---|---|---|---|---|---|")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            rectifier, found = contenders(name, folder, 1, False)
        del found["cv2.dnn"]  # threads must not share a net
        spec = rectifier.image_spec
        X = np.random.default_rng(0).random((1, spec.height, spec.width, 1), np.float32)
        compare(name, found, X)
        rounds = {(peer, count): [] for peer in found for count in CLIENTS}
        for _ in range(ROUNDS):
            for peer, count in rounds:
                rounds[peer, count].append(asked(found[peer], X, count))
        for (peer, count), given in rounds.items():
            rate = np.median([len(seconds) for seconds in given]) / SECONDS
            p50, p99 = 1e6 * np.percentile(np.concatenate(given), (50, 99))
            print(f"| {name} | {peer} | {count} | {rate:.0f} | {p50:.0f} | {p99:.0f} |", flush=True)


def asked(run, X, count):
    """Seconds of each call that so many threads made at once."""
    seconds, start = [], threading.Barrier(count)

    def ask():
        start.wait()
        end = time.perf_counter() + SECONDS
        while (began := time.perf_counter()) < end:
            run(X)
            seconds.append(time.perf_counter() - began)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds


def installed(names):
    """Megabytes of distributions and of all that they need."""
    left, seen, size = list(names), set(), 0
    while left:
        name = left.pop()
        try:
            found = distribution(name)
        except PackageNotFoundError:  # needed elsewhere only
            continue
        if found.metadata["Name"].lower() in seen:
            continue
        seen.add(found.metadata["Name"].lower())
        files = (Path(found.locate_file(file)) for file in found.files or [])
        size += sum(file.stat().st_size for file in files if file.is_file())
        for line in found.requires or []:
            if "extra ==" not in line:
                left.append(line.split(";")[0].split("[")[0].strip(" ()<>=!~.0123456789,"))
    return size / 1e6


def start(with_torch):
    print("| contender | start to first result, s (least of 5) | CPU, s | installed, MB |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        model, rectifier = os.path.join(folder, "model"), model_of("tutorial STN")
        stn_cv.save(rectifier, model + ".stn")
        stn_cv.export(rectifier, model + ".onnx")
        names = ["stn_cv", "onnxruntime", "cv2.dnn"]
        if with_torch:
            import torch

            peer = torch_network(NETWORKS["tutorial STN"], rectifier.network)
            torch.jit.trace(peer, torch.zeros(1, 1, 28, 28)).save(model + ".pt")
            names.append("torch")
        for name in names:
            code = f"import time, sys; import numpy as np; model = sys.argv[1]\n{IMPORTS[name]}\n"
            code += "f(np.ones((1, 28, 28, 1), np.float32)); print(time.process_time())"
            times, cpu = [], []
            for _ in range(6):  # the first may compile
                began = time.perf_counter()
                done = subprocess.run([sys.executable, "-c", code, model], capture_output=True)
                times.append(time.perf_counter() - began)
                cpu.append(float(done.stdout))
            size = installed(NEEDS[name])
            print(f"| {name} | {min(times[1:]):.2f} | {min(cpu[1:]):.2f} | {size:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clients", action="store_true")
    parser.add_argument("--start", action="store_true")
    parser.add_argument("--only", nargs="+", default=[DEFAULT, *NETWORKS], metavar="NETWORK")
    parser.add_argument("--no-torch", action="store_true")
    given = parser.parse_args()
    if given.start:
        start(not given.no_torch)
    elif given.clients:
        clients(given.only)
    else:
        speed(given.only, given.threads, not given.no_torch)


if __name__ == "__main__":
    main()
