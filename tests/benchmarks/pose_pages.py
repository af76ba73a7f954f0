"""Rendered pages of text, shaded, in fonts not learned from: how they lie, and which way is up.

40 upright pages are known. Two models learn on windows cut from them. The first sees 38 x 38
pixels, at any turn: where most windows agree, lines lie, and more of them say which way is up.
The second learns a few degrees of long windows, 96 x 32 pixels squeezed to 32 x 32, in which
lines look three times as steep; its median is taken twice, on windows cut at the turn found.
Windows that are learned from are blurred as photos are, and slanted as italics are. `deskew` and
`jdeskew` look for the turn of lines, which says nothing of upside down; they are told that it is
45 degrees at most.
"""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageDraw, ImageFont
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
SQUARE, LONG, SEEN = (38, 38), (32, 96), (32, 32)  # pixels of a window; of a long one, squeezed
N_SQUARE, N_LONG, N_EXAMPLES = 128, 48, 4000  # windows of a page; of all pages to learn from
TRIED = 1.5  # times as many places in a page are tried, and those of most ink taken
NEAR = 10.0  # degrees from the turn agreed on within which windows count
BLUR, SLANT = (0.3, 1.1), 0.3  # of windows learned from: pixels; widths a height, either way


def page(rng, fonts):
    """A page of text in one or two columns, grey, uint8."""
    paper, ink = int(rng.integers(215, 256)), int(rng.integers(0, 90))
    sheet = Image.new("L", (WIDTH, HEIGHT), paper)
    size = int(rng.integers(10, 18))
    font = ImageFont.truetype(_path(fonts[rng.integers(len(fonts))]), size)
    left, right, top = rng.integers(30, 90, 3)
    step, columns = int(size * rng.uniform(1.2, 1.7)), 1 + int(rng.random() < 0.25)
    room = (WIDTH - left - right - 20 * (columns - 1)) // columns
    for column in range(columns):
        x, y = int(left + column * (room + 20)), int(top)
        while y < HEIGHT - 60:
            y += step * (1 + int(rng.random() < 0.1))
            text = _line(rng, font, room * (rng.uniform(0.2, 0.9) if y % 7 == 0 else 1))
            ImageDraw.Draw(sheet).text((x, y), text, ink, font, anchor="ls")
    image = np.array(sheet)
    if rng.random() < 0.3:  # a figure
        height, width = rng.integers(80, 250, 2)
        y, x = rng.integers(50, HEIGHT - height - 50), rng.integers(50, WIDTH - width - 50)
        figure = cv2.resize(rng.integers(0, 255, (6, 8), np.uint8), (int(width), int(height)))
        image[y : y + height, x : x + width] = figure
    return image


def _path(name):
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf")


def _line(rng, font, room):
    """Words that fill a line."""
    line = ""
    while True:
        word = WORDS[rng.integers(len(WORDS))]
        if rng.random() < 0.08:
            word = word.capitalize()
        elif rng.random() < 0.03:
            word = str(rng.integers(1, 3000))
        longer = f"{line} {word}".strip()
        if font.getlength(longer) > room:
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


def windows(image, places, degrees, size, shape, slant=0.0):
    """Windows (n, *shape) that show `size` pixels around (x, y), cut from a page at a turn."""
    half = int(0.6 * np.hypot(*size)) + 1  # room for any turn and slant
    corners = np.floor(places).astype(int) - half
    # one call for all windows, each of a part of the page
    parts = sliding_window_view(image, (2 * half, 2 * half))[corners[:, 1], corners[:, 0]]
    turn = np.exp(1j * np.deg2rad(degrees))
    down = (1j + slant) * turn * size[0] / (2 * half)
    across = turn * size[1] / (2 * half)
    theta = np.empty((len(places), 2, 3))
    theta[:, 0, 0], theta[:, 1, 0] = across.real, across.imag
    theta[:, 0, 1], theta[:, 1, 1] = down.real, down.imag
    theta[:, :, 2] = (places - corners) / half - 1
    return warp_affine(parts, theta, shape, padding_mode="border", antialias=True)


def inked(image, rng, count):
    """(x, y) of the windows of most contrast among places tried in the middle of a page."""
    height, width = image.shape
    places = rng.uniform(0.2, 0.8, (int(TRIED * count), 2)) * [width, height]
    x, y = places.astype(int).T - SQUARE[0] // 2
    contrast = sliding_window_view(image, SQUARE)[y, x, ::2, ::2].std(axis=(1, 2))
    return places[np.argsort(contrast)[-count:]]


def examples(pages, rng, size, shape):
    """Upright windows of the pages that are known."""
    each, cut = N_EXAMPLES // len(pages), []
    for image in pages:
        blurred = cv2.GaussianBlur(image, (0, 0), rng.uniform(*BLUR))
        slant = rng.uniform(-SLANT, SLANT, each)
        cut.append(windows(blurred, inked(image, rng, each), 0.0, size, shape, slant))
    return np.concatenate(cut)


def fitted(pages, seed, jobs):
    """The model that looks at square windows, and that which looks at long ones."""
    rng = np.random.default_rng([seed, 1])
    both = {"shift": 0.0, "n_steps": 2, "random_state": seed, "n_jobs": jobs}
    rough = PoseTransformer(scale=(0.8, 1.25), candidates=2, n_canvases=160_000, **both)
    rough.fit(examples(pages, rng, SQUARE, SQUARE))
    # in a mirror lines are as level, and letters slant the other way
    fine = PoseTransformer(angle=8, scale=(1, 1), mirrored=True, n_canvases=80_000, **both)
    return rough, fine.fit(examples(pages, rng, LONG, SEEN))


def window_turns(poser, seen, size):
    """Degrees clockwise by which the lines of windows are turned, and how sure each is."""
    theta, sure = poser.rectifier_.find_pose(seen)
    return np.rad2deg(np.arctan2(theta[:, 1, 0] * size[0], theta[:, 0, 0] * size[1])), sure


def apart(turns, others, period):
    """Degrees from `others` to `turns`, of all that differ by `period` the nearest."""
    return (turns - others + period / 2) % period - period / 2


def rough_turn(turns, sure):
    """Degrees by which most windows' lines are turned, right way up as most of those say."""
    agree = np.abs(apart(turns[:, None], turns, 180)) < NEAR
    best = (agree @ sure).argmax()
    near = agree[best]
    degrees = turns[best] + np.median(apart(turns[near], turns[best], 180))
    upright = np.abs(apart(turns[near], degrees, 360)) < 90
    return degrees + 180 * (sure[near] @ np.where(upright, 1, -1) < 0)


def page_turn(rough, fine, image, rng):
    """Degrees clockwise by which a page is turned."""
    places = inked(image, rng, N_SQUARE)
    degrees = rough_turn(*window_turns(rough, windows(image, places, 0.0, SQUARE, SQUARE), SQUARE))
    for _ in range(2):
        seen = windows(image, places[-N_LONG:], degrees, LONG, SEEN)
        degrees += np.median(window_turns(fine, seen, LONG)[0])
    return apart(degrees, 0.0, 360)


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

        def fit(known=known, seed=seed):
            posers, places = fitted(known, seed, options.jobs), np.random.default_rng([seed, 2])
            return lambda some: [page_turn(*posers, image, places) for image in some]

        table.measure("PoseTransformer, two models", fit, images, judge)
    table.print()
