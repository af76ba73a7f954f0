"""A report of 2,000 photos, a review of 100,000, and what correcting 20 teaches a model.

python tests/benchmarks/review.py report
python tests/benchmarks/review.py rows
python tests/benchmarks/review.py loop --cards FOLDER [--seeds 0 1 2]
python tests/benchmarks/review.py picture --to review.png

All but `rows` need Debian's chromium and chromedriver, and selenium. FOLDER is that of
`pose_cards.py`. In `loop` the corners that a person would set are those of `rectangles.csv`; a
script drags them in the page, one after the other. `picture` is that of the review's README.
"""

import argparse
import contextlib
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pose_cards import Cards
from support.browser import started, wait_for
from support.commands import stn_cv
from support.folder_cases import fixed_model, rows_of
from support.review_cases import asked, serving, told

from stn_cv import (
    PoseTransformer,
    corner_error,
    corners_from_theta,
    rectify_folder,
    warp_affine,
)
from stn_cv.datasets import load_distorted_digits, load_upright_digits
from stn_cv.folder.corner_files import known_corners
from stn_cv.opencv import write_image

N_REPORT, N_ROWS = 2_000, 100_000
N_EXAMPLES, N_CORRECTED = 10, 20
N_PICTURED = 200
SIDE = 96  # pixels of a crop
FAILED = 0.1
MOST_STEPS = 10  # drags of a corner
FIT = ["--symmetry", "2", "--size", "32x32", "--scale", "0.6", "1.4", "--shift", "0.2"]


def report(arguments):
    """Size of the page, and how long Chromium takes to show it."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as room:
        photos = Path(room) / "in"
        photos.mkdir()
        for number in range(N_REPORT):  # smooth, and with the noise of a camera
            coarse = rng.integers(0, 256, (6, 8, 3)).astype(np.float32)
            photo = np.kron(coarse, np.ones((40, 40, 1))) + rng.normal(0, 6, (240, 320, 3))
            write_image(photos / f"{number}.jpg", photo.clip(0, 255).astype(np.uint8))
        page = Path(room) / "report.html"
        model = fixed_model((np.log(0.7), 0.5, 0.05, 0))
        rectify_folder(model, photos, Path(room) / "out", report=page, n_jobs=-1)
        browser = started()
        try:
            start = time.perf_counter()
            browser.get(page.as_uri())
            wait_for(browser, "document.querySelectorAll('.card').length > 0", 120)
            seconds = time.perf_counter() - start
        finally:
            browser.quit()
        print(f"{N_REPORT} photos: {page.stat().st_size / 1e6:.1f} MB, shown after {seconds:.1f} s")


def rows(arguments):
    """How long a review of many rows takes to begin and to answer, and its memory."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as room:
        manifest = Path(room) / "m.jsonl"
        write_image(Path(room) / "0.png", np.zeros((30, 40, 3), np.uint8))
        with open(manifest, "w") as file:
            for number in range(N_ROWS):
                row = {"input": f"{room}/{number}.png", "output": f"{room}/out/{number}.png"}
                row |= {"status": "done", "error": None, "theta": [[1, 0, 0], [0, 1, 0]]}
                row |= {"angle": float(rng.normal(0, 40)), "scale": 1.0, "shift": [0, 0]}
                row |= {"label": f"class {number % 9}", "confidence": float(rng.random())}
                row |= {"input_sha256": "0" * 64, "model_sha256": "0" * 64}
                file.write(json.dumps(row) + "\n")
        start = time.process_time()
        with serving(manifest) as server:
            begun, before = time.process_time() - start, _megabytes()
            start, slowest = time.process_time(), 0.0
            pages = -(-N_ROWS // 60)
            for page in [0, pages - 1, *rng.integers(0, pages, 998).tolist()]:
                begin = time.perf_counter()
                query = f"photos?page={page}&confidence={rng.uniform(0.5, 1):.3f}"
                asked(server.address, query)
                slowest = max(slowest, time.perf_counter() - begin)
            mean = (time.process_time() - start) / 1000
        print(
            f"{N_ROWS} rows: read in {begun:.1f} CPU-s; 1,000 pages: {1000 * mean:.1f} CPU-ms "
            f"each, the slowest after {slowest:.2f} s; memory {before:.0f} MB after reading, "
            f"{_megabytes():.0f} MB after them"
        )


def _megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def loop(arguments):
    """Failures on the photos that nobody corrected, before and after."""
    cards = Cards(arguments.cards)
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as room, contextlib.chdir(room):
            print(f"seed {seed}: {_second_round(cards, seed, arguments)}", flush=True)


def _second_round(cards, seed, arguments):
    """Fit, rectify, correct in the browser, fit again."""
    examples = np.random.default_rng(seed).choice(cards.upright, N_EXAMPLES, replace=False)
    kept = np.flatnonzero(cards.elsewhere(examples))
    corners = {}
    for name, crops in (("good", examples), ("in", cards.measured[kept])):
        Path(name).mkdir()
        for crop in crops.tolist():
            write_image(Path(name) / f"{crop}.png", cards.images[crop])
    for number in kept.tolist():
        name = f"in/{cards.measured[number]}.png"
        corners[name] = corners_from_theta(cards.truth[number], (SIDE, SIDE))
    fit = [*FIT, "--seed", str(seed), "--canvases", str(arguments.canvases), "--jobs", "1"]
    _said(stn_cv("fit", "--upright", "good", "--out", "first.stn", *fit))
    first = _rectified("first.stn", cards, kept)
    corrected = _corrected(corners)
    given = ["--upright", "good", "--corners", "corrections.csv"]
    _said(stn_cv("fit", *given, "--out", "second.stn", *fit))
    second = _rectified("second.stn", cards, kept)
    others = [name for name in first if name not in corrected]
    before, after = (np.array([errors[name] for name in others]) for errors in (first, second))
    return (
        f"{len(others)} photos not corrected: {(before > FAILED).sum()} fail before, "
        f"{(after > FAILED).sum()} after (median error {100 * np.median(before):.1f} % and "
        f"{100 * np.median(after):.1f} % of the width); after: "
        + ", ".join(Path(others[place]).stem for place in np.flatnonzero(after > FAILED))
    )


def _said(done):
    if done.returncode:
        raise SystemExit(done.stderr)


def _rectified(model, cards, kept):
    """Corner errors by photo, of a run whose manifest is m.jsonl."""
    Path("m.jsonl").unlink(missing_ok=True)
    out = f"out-{model}"
    _said(stn_cv("rectify", model, "in", "-o", out, "--manifest", "m.jsonl", "--jobs", "1"))
    truth = {f"in/{cards.measured[number]}.png": cards.truth[number] for number in kept.tolist()}
    return {
        row["input"]: float(
            corner_error(row["theta"], truth[row["input"]], (SIDE, SIDE), symmetry=2)
        )
        for row in rows_of("m.jsonl")
    }


def _corrected(corners):
    """Drag the corners of the least confident photos to where they belong; their names."""
    browser = started(1400, 1100)
    try:
        with serving("m.jsonl", "corrections.csv") as server:
            browser.get(server.address)
            wait_for(browser, "document.querySelectorAll('.card').length > 0")
            chosen = told(server.address, "photos")[1]["cards"][:N_CORRECTED]
            for card in chosen:
                browser.execute_script(
                    "[...document.querySelectorAll('.card')]"
                    ".find((card) => card.ariaLabel === arguments[0]).click()",
                    card["name"],
                )
                wait_for(
                    browser,
                    f"document.getElementById('name').textContent === {json.dumps(card['name'])}",
                )
                for index, wanted in enumerate(corners[card["name"]]):
                    _drag(browser, index, wanted)
                wait_for(browser, "document.getElementById('said').textContent.includes('Saved')")
    finally:
        browser.quit()
    rows = {f"in/{Path(row.path).name}": row.corners for row in known_corners("corrections.csv")}
    off = max(float(np.abs(rows[name] - corners[name]).max()) for name in rows)
    print(f"{len(rows)} corrected; no corner is off by more than {off:.2f} pixels of {SIDE}")
    return set(rows)


STEP = """
const stage = document.getElementById('stage');
stage.scrollIntoView({block: 'center'});
document.getElementById('said').textContent = '';
const view = document.getElementById('frame').viewBox.baseVal, box = stage.getBoundingClientRect();
const corner = document.querySelectorAll('.corner')[arguments[0]].getBoundingClientRect();
const scale = box.width / view.width, [x, y] = arguments[1];
const wanted = [box.x + (x - view.x) * scale, box.y + (y - view.y) * scale];
const seen = [document.documentElement.clientWidth, innerHeight];
const to = wanted.map((value, axis) => Math.min(Math.max(value, 5), seen[axis] - 5));
const from = [corner.x + corner.width / 2, corner.y + corner.height / 2];
return [...to.map((value, axis) => Math.round(value - from[axis])), to.join() === wanted.join()];
"""


def _drag(browser, index, wanted):
    """Move a corner, in steps where it is to lie outside of what the window shows."""
    from selenium.webdriver.common.action_chains import ActionChains

    for _ in range(MOST_STEPS):
        across, down, there = browser.execute_script(STEP, index, np.asarray(wanted).tolist())
        corner = browser.find_elements("css selector", ".corner")[index]
        chain = ActionChains(browser).click_and_hold(corner)
        chain.move_by_offset(across, down).release().perform()
        if across or down:
            wait_for(browser, "document.getElementById('said').textContent !== ''")
        if there:
            return
    raise SystemExit(f"corner {index + 1} did not come to {wanted}")


def picture(arguments):
    """A review of distorted digits, one of them opened."""
    to = arguments.to.resolve()
    with tempfile.TemporaryDirectory() as room, contextlib.chdir(room):
        X, _, y, _, _ = load_distorted_digits(n_copies=1)
        large = warp_affine(X[:N_PICTURED, ..., None], np.eye(2, 3), (256, 256))
        Path("digits").mkdir()
        for number, (image, name) in enumerate(zip(_as_bytes(large), y[:N_PICTURED], strict=True)):
            write_image(Path("digits") / f"{number:03d}-{name}.png", image)
        model = PoseTransformer(angle=60, n_canvases=20_000, n_jobs=-1, random_state=0)
        model.fit(_as_bytes(load_upright_digits()))
        rectify_folder(model, "digits", "upright", manifest="upright.jsonl", n_jobs=-1)
        browser = started(1200, 1250)
        try:
            with serving("upright.jsonl") as server:
                browser.get(server.address)
                wait_for(browser, "document.querySelectorAll('.card').length > 0")
                browser.execute_script("document.querySelector('.card').click()")
                wait_for(browser, "document.getElementById('result').naturalWidth > 0")
                browser.execute_script("document.getElementById('editor').scrollIntoView()")
                seen = "image.complete || image.getBoundingClientRect().top > innerHeight"
                wait_for(browser, f"[...document.images].every((image) => {seen})")
                browser.save_screenshot(str(to))
        finally:
            browser.quit()


def _as_bytes(images):
    return (255 * images).clip(0, 255).astype(np.uint8)


def main():
    """Run the part that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["report", "rows", "loop", "picture"])
    parser.add_argument("--cards", type=Path)
    parser.add_argument("--to", type=Path, default=Path("review.png"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--canvases", type=int, default=100_000)
    arguments = parser.parse_args()
    parts = {"report": report, "rows": rows, "loop": loop, "picture": picture}
    parts[arguments.part](arguments)


if __name__ == "__main__":
    main()
