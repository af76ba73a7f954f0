"""Rendered pages of text, shaded, in fonts not learned from: how they lie, and which way is up.

40 upright pages are known. The network learns on windows cut from them at the pages' own
resolution; a page's turn is the one on which its windows agree, asked twice, the second time on
windows cut at the turn found. `deskew` and `jdeskew` look for the turn of lines, which says
nothing of upside down; they are told that it is 45 degrees at most.
"""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
from pose_score import Table, turn_errors

from stn_cv import PoseTransformer, warp_affine

LEARNED = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "DejaVuSans-Bold")
JUDGED = ("DejaVuSerif-Bold", "STIXGeneralItalic", "cmr10", "DejaVuSans-Oblique", "STIXGeneralBol")
WORDS = (
    "the of and to in that is was he for it with as his on be at by had not are but from or have "
    "an they which one you were all her she there would their we him been has when who will no "
    "more if out so said what up its about into than them can only other time new some could these "
    "two may first then do any like my now over such our man me even most made after also did many "
    "off before must well back through years much where your way down should because long each "
    "just state people mister how little good world make very year still see own work men day get "
    "here between both life being under three never know same last another while us might great go "
    "come since against right came take used himself few house use place during high without again"
).split()
HEIGHT, WIDTH = 800, 600
N_PAGES, N_JUDGED = 40, 40
LARGEST = 45.0  # degrees, either way; every other page upside down as well
WINDOW, N_WINDOWS, N_EXAMPLES = 38, 48, 2000  # pixels a side; of a page; of all pages
TRIED = 144  # places in a page from which the windows of most ink are taken
NEAR = 10.0  # degrees from the turn agreed on within which windows count


def page(rng, fonts):
    """A page of text in one or two columns, grey, uint8."""
    paper, ink = int(rng.integers(215, 256)), int(rng.integers(0, 90))
    image = np.full((HEIGHT, WIDTH), paper, np.uint8)
    font, size = cv2.FontFace(_path(fonts[rng.integers(len(fonts))])), int(rng.integers(10, 18))
    left, right, top = rng.integers(30, 90, 3)
    step, columns = int(size * rng.uniform(1.2, 1.7)), 1 + int(rng.random() < 0.25)
    room = (WIDTH - left - right - 20 * (columns - 1)) // columns
    for column in range(columns):
        x, y = int(left + column * (room + 20)), int(top)
        while y < HEIGHT - 60:
            y += step * (1 + int(rng.random() < 0.1))
            text = _line(rng, font, size, room * (rng.uniform(0.2, 0.9) if y % 7 == 0 else 1))
            cv2.putText(image, text, (x, y), (ink,), font, size)
    if rng.random() < 0.3:  # a figure
        height, width = rng.integers(80, 250, 2)
        y, x = rng.integers(50, HEIGHT - height - 50), rng.integers(50, WIDTH - width - 50)
        figure = cv2.resize(rng.integers(0, 255, (6, 8), np.uint8), (int(width), int(height)))
        image[y : y + height, x : x + width] = figure
    return image


def _path(name):
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf")


def _line(rng, font, size, room):
    """Words that fill a line."""
    line = ""
    while True:
        word = WORDS[rng.integers(len(WORDS))]
        if rng.random() < 0.08:
            word = word.capitalize()
        elif rng.random() < 0.03:
            word = str(rng.integers(1, 3000))
        longer = f"{line} {word}".strip()
        box = cv2.getTextSize((4000, 100), longer, (0, 50), font, size)
        if box[2] > room:
            return line
        line = longer


def photographed(image, degrees, rng):
    """The page turned clockwise on a larger ground of its own paper, shaded, blurred, noisy."""
    side = int(np.hypot(HEIGHT, WIDTH)) + 20
    matrix = cv2.getRotationMatrix2D(((WIDTH - 1) / 2, (HEIGHT - 1) / 2), -degrees, 1)
    matrix[:, 2] += [(side - WIDTH) / 2, (side - HEIGHT) / 2]
    paper = int(np.median(image))
    photo = cv2.warpAffine(image, matrix, (side, side), borderValue=paper).astype(np.float32)
    light = cv2.resize(
        rng.uniform(0.45, 1, (3, 3)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )
    photo = cv2.GaussianBlur(photo, (0, 0), 0.8) * light + rng.normal(0, 8, photo.shape)
    return photo.clip(0, 255).astype(np.uint8)


def windows(image, places, degrees):
    """Windows (n, 38, 38) at (x, y) in pixels, cut from a page at a turn."""
    height, width = image.shape
    turn = np.exp(1j * np.deg2rad(degrees)) * WINDOW
    theta = np.empty((len(places), 2, 3))
    theta[:, :, :2] = [[turn.real / width, -turn.imag / width],
                       [turn.imag / height, turn.real / height]]  # fmt: skip
    theta[:, :, 2] = 2 * places / [width, height] - 1
    # one call a window: the page itself is not copied for each
    return np.stack([warp_affine(image, t, (WINDOW, WINDOW), padding_mode="border") for t in theta])


def inked(image, rng, count, tried=TRIED):
    """(x, y) of the windows of most contrast among places tried in the middle of a page."""
    height, width = image.shape
    places = rng.uniform(0.2, 0.8, (tried, 2)) * [width, height]
    half = WINDOW // 2
    contrast = [
        image[int(y) - half : int(y) + half : 2, int(x) - half : int(x) + half : 2].std()
        for x, y in places
    ]
    return places[np.argsort(contrast)[-count:]]


def examples(pages, rng):
    """Upright windows of the pages that are known."""
    each = N_EXAMPLES // len(pages)
    cut = [windows(image, inked(image, rng, each, 2 * each), 0.0) for image in pages]
    return np.concatenate(cut)


def page_turn(poser, image, rng):
    """Degrees clockwise by which a page is turned."""
    places, degrees = inked(image, rng, N_WINDOWS), 0.0
    for _ in range(2):
        seen = windows(image, places, degrees)
        theta, sure = poser.rectifier_.find_pose(seen)
        turns = np.rad2deg(np.arctan2(theta[:, 1, 0], theta[:, 0, 0]))
        apart = np.abs((turns[:, None] - turns + 180) % 360 - 180)
        agreed = ((apart < NEAR) * sure).sum(axis=1).argmax()
        near = apart[agreed] < NEAR
        left = (turns[near] - turns[agreed] + 180) % 360 - 180
        degrees += turns[agreed] + np.median(left)
    return (degrees + 180) % 360 - 180


def peers():
    """The deskewers that are installed, as functions from a page to degrees clockwise."""
    found = {"as they lie": lambda image: 0.0}
    if importlib.util.find_spec("deskew"):
        from deskew import determine_skew

        found["deskew"] = lambda image: determine_skew(image, max_angle=LARGEST) or 0.0
    if importlib.util.find_spec("jdeskew"):
        from jdeskew.estimator import get_angle

        found["jdeskew"] = lambda image: get_angle(image, angle_max=LARGEST)
    for name in ("deskew", "jdeskew"):
        if name not in found:
            print(f"{name}: not installed, left out (pip install {name})")
    return found


def run(options):
    """One table."""
    table = Table("pages, 40 upright known; angles modulo 180 degrees")
    for seed in options.seeds:
        print(f"seed {seed}")
        rng = np.random.default_rng(seed)
        known = [page(rng, LEARNED) for _ in range(N_PAGES)]
        degrees = rng.uniform(-LARGEST, LARGEST, N_JUDGED) + 180 * (np.arange(N_JUDGED) % 2)
        images = [photographed(page(rng, JUDGED), turn, rng) for turn in degrees]

        def judge(turns, degrees=degrees):
            left = np.asarray(turns) - degrees
            lines = np.abs((left + 90) % 180 - 90)
            whole = np.abs((left + 180) % 360 - 180)
            return {**turn_errors(lines), "told": 100 * np.mean(whole < 90)}

        for name, find in peers().items():
            table.measure(
                name, lambda f=find: lambda some: [f(image) for image in some], images, judge
            )

        def fit(known=known, rng=rng, seed=seed):
            poser = PoseTransformer(
                scale=(0.8, 1.25),
                shift=0.0,
                n_steps=2,  # pages are looked at twice as it is
                n_canvases=120_000,
                random_state=seed,
                n_jobs=options.jobs,
            ).fit(examples(known, rng))
            places = np.random.default_rng([seed, 1])
            return lambda some: [page_turn(poser, image, places) for image in some]

        table.measure(f"PoseTransformer, {N_WINDOWS} windows a page", fit, images, judge)
    table.print()
