"""Photos a second of `rectify_folder`, beside a bare threaded script that does the same.

    python tests/benchmarks/folder.py [--photos 400] [--rounds 5] [--jobs 2]

Both decode a JPEG of 1280 x 960, warp it (the bare script with cv2.warpAffine and a matrix
that it is given), encode it and write it whole or not at all. Each round runs both one after
the other in processes of their own, which do one photo before the clock starts; the figures
are of the best rounds, by the clock and by the time of the processor, which other work on the
machine disturbs less. `--plain-writes` lets the bare script write without fsync and rename.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
HEIGHT, WIDTH = 960, 1280
ANGLE = 0.2


def generate(folder, count):
    """JPEGs of about 300 kB, no two alike."""
    import cv2

    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        noise = rng.integers(-8, 9, image.shape, dtype=np.int16)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:04d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 85])


def model():
    """What `stn-cv fit` makes by default, turning every photo a little."""
    from stn_cv.model.image_spec import ImageSpec
    from stn_cv.model.rectifier import Rectifier
    from stn_cv.nn import Dense, SpatialTransform, Standardize
    from stn_cv.nn.architectures import cnn_head, cnn_localization
    from stn_cv.nn.network import Network

    shape = (3, 64, 64)
    standardize = Standardize([0.5] * 3, [0.25] * 3)
    transform = SpatialTransform([standardize, *cnn_localization(shape)], "similarity")
    layers = [transform, standardize, *cnn_head(shape), Dense(6, "glorot")]
    network = Network(layers, shape, np.random.default_rng(0))
    network.layers[0].network.vector[-3] = ANGLE
    return Rectifier(network, ImageSpec(64, 64, 3, "uint8"), [*"abcdef"])


def ours(photos, target, jobs, warp):
    from stn_cv.folder import item, rectify_folder

    if not warp:
        item.warped = lambda rectifier, pixels, theta, *_: (pixels, theta)
    rectifier = model()

    def run(sources, target):
        summary = rectify_folder(rectifier, sources, target, size="input", quality=95, n_jobs=jobs)
        assert not summary.failures and not summary.left, summary

    return run


def bare(photos, target, jobs, warp, plain):
    import cv2

    from stn_cv.atomic import write_bytes

    cv2.setNumThreads(1)
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), np.degrees(ANGLE), 1)

    def one(source, target):
        image = cv2.imdecode(np.frombuffer(source.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        if warp:
            image = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT))
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
        if plain:
            (target / source.name).write_bytes(data)
        else:
            write_bytes(target / source.name, data)

    def run(sources, target):
        target.mkdir(exist_ok=True)
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda source: one(source, target), sources))

    return run


def worker(arguments):
    """Run one of the two and print its photos a second, of the clock and of a busy core."""
    photos = sorted(arguments.folder.glob("*.jpg"))
    with tempfile.TemporaryDirectory(dir=arguments.folder.parent) as target:
        given = (photos, Path(target), arguments.jobs, arguments.warp)
        run = ours(*given) if arguments.worker == "ours" else bare(*given, arguments.plain_writes)
        run(photos[:1], Path(target) / "first")
        start, busy = time.perf_counter(), time.process_time()
        run(photos, Path(target) / "all")
        rate = len(photos) / (time.perf_counter() - start)
        print(json.dumps([rate, len(photos) / (time.process_time() - busy)]))


def measure(arguments, folder, warp):
    """For clock and busy core: the best rate of each, and the median of the rounds' ratios."""
    rates = {"ours": [], "bare": []}
    for _ in range(arguments.rounds):
        for name, found in rates.items():
            command = [sys.executable, __file__, "--worker", name, "--folder", str(folder)]
            command += ["--jobs", str(arguments.jobs)] + ([] if warp else ["--no-warp"])
            command += ["--plain-writes"] if arguments.plain_writes else []
            found.append(json.loads(subprocess.check_output(command)))
    own, script = np.array(rates["ours"]), np.array(rates["bare"])
    return own.max(axis=0), script.max(axis=0), np.median(own / script, axis=0)


def cold_start(folder):
    """Seconds from the start of the command to the first photo on disk, kernels cached."""
    import stn_cv

    command = "import sys; from stn_cv.cli import main; main()"
    times = []
    with tempfile.TemporaryDirectory() as home:
        stn_cv.save(model(), Path(home) / "model.stn")
        for number in range(6):  # the first one may compile
            out = Path(home) / str(number)
            arguments = ["rectify", f"{home}/model.stn", str(folder), "-o", str(out), "-q"]
            start = time.perf_counter()
            process = subprocess.Popen([sys.executable, "-c", command, *arguments])
            while not list(out.glob("*.jpg")):
                time.sleep(0.005)
            times.append(time.perf_counter() - start)
            process.kill()
            process.wait()
    return min(times[1:]), float(np.median(times[1:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--plain-writes", action="store_true")
    parser.add_argument("--worker", choices=["ours", "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--no-warp", dest="warp", action="store_false", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments)
        return
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "photos"
        folder.mkdir()
        generate(folder, arguments.photos)
        for name, warp in (("decode, warp, encode, write", True), ("without the warp", False)):
            for unit, *found in zip(
                ("second", "second of a busy core"), *measure(arguments, folder, warp), strict=True
            ):
                own, script, ratio = found
                print(
                    f"{name}: {own:.1f} a {unit}, bare {script:.1f}, ratio {ratio:.3f}", flush=True
                )
        best, median = cold_start(folder)
        print(f"first photo on disk: {best:.2f} s at best, {median:.2f} s in the middle")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
