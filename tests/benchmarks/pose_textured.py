"""Plates with glyphs on photographed texture: 1,000 upright ones known, others at any pose.

A stand-in for photographs of signs, drawn from what is shipped with scikit-image and
scikit-learn: 40 plates (outline, colours, a glyph that looks different upside down) lie on
crops of photographs, blurred, shaded, darkened and noisy, 32 x 32 pixels. Those known lie
about 2 degrees askew, as what people call upright does. The judged lie on photographs that no
example lies on.
"""

from importlib.resources import files

import cv2
import numpy as np
from pose_peers import PEERS
from pose_score import Reach, Table, drawn, pose_errors, similarities
from sklearn.datasets import load_sample_image

from stn_cv import PoseTransformer, theta_to_cv2
from stn_cv.opencv import read_image

GLYPHS = "AEFGJKLPQRTUVY123457"
OUTLINES = {"circle": 64, "octagon": 8, "square": 4, "hexagon": 6}  # corners
COLOURS = [
    ((240, 240, 235), (25, 25, 25), (200, 30, 30)),  # ground, glyph, rim
    ((30, 60, 190), (240, 240, 235), (240, 240, 235)),
    ((235, 200, 40), (25, 25, 25), (25, 25, 25)),
    ((20, 130, 60), (240, 240, 235), (20, 130, 60)),
    ((200, 30, 30), (240, 240, 235), (240, 240, 235)),
]
N_PLATES, N_EXAMPLES, N_JUDGED = 40, 1000, 200
PLATE, PHOTO, SIDE = 128, 96, 32  # pixels a side: as drawn, as photographed, as kept
LEARNED = ("astronaut.png", "brick.png", "chelsea.png", "coffee.png", "grass.png", "gravel.png")
ASKEW = (2.0, 0.03, 0.03)  # deviations: degrees, of the size's logarithm, of half the width
NARROW = Reach(45, (0.6, 1.4), 0.2)
ANY = Reach(180, (0.6, 1.4), 0.2)


def plate(number):
    """RGBA picture (128, 128, 4) of one plate, float32; alpha in [0, 1]."""
    rng = np.random.default_rng([7, number])
    outlines = list(OUTLINES.values())
    corners = outlines[number % len(outlines)]
    ground, ink, rim = COLOURS[rng.integers(len(COLOURS))]
    image, middle = np.zeros((PLATE, PLATE, 4), np.uint8), PLATE / 2
    angles = 2 * np.pi * (np.arange(corners) + 0.5) / corners
    for radius, colour in ((56, rim), (48, ground)):
        radius = radius * (1.15 if corners == 4 else 1)
        points = middle + radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)
        cv2.fillPoly(image, [points.round().astype(np.int32)], (*colour, 255), cv2.LINE_AA)
    glyph, size = GLYPHS[number % len(GLYPHS)], rng.uniform(1.8, 2.6)
    (width, height), _ = cv2.getTextSize(glyph, cv2.FONT_HERSHEY_DUPLEX, size, 7)
    where = int(middle - width / 2), int(middle + height / 2)
    cv2.putText(image, glyph, where, cv2.FONT_HERSHEY_DUPLEX, size, (*ink, 255), 7, cv2.LINE_AA)
    return image.astype(np.float32) / [1, 1, 1, 255]


def textures(known):
    """Photographs (h, w, 3) behind the examples, or those behind the judged."""
    if known:
        folder = files("skimage") / "data"
        images = [read_image(str(folder / name)) for name in LEARNED]
    else:
        images = [load_sample_image(f"{name}.jpg") for name in ("china", "flower")]
    return [np.repeat(i[:, :, None], 3, 2) if i.ndim == 2 else i[:, :, :3] for i in images]


def photographed(plates, behind, poses, rng):
    """Pictures (n, 32, 32, 3) of randomly chosen plates at `poses`, uint8."""
    images = []
    for pose in poses:
        front = plates[rng.integers(len(plates))]
        matrix = theta_to_cv2(pose, (PHOTO, PHOTO), (PLATE, PLATE))
        seen = cv2.warpAffine(
            front, matrix, (PHOTO, PHOTO), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        alpha = seen[:, :, 3:]
        image = _crop(behind, rng) * (1 - alpha) + seen[:, :, :3] * alpha * rng.uniform(0.6, 1)
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 2.5))
        image = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        slope_x, slope_y = rng.uniform(-0.25, 0.25, 2)
        line = np.linspace(-1, 1, SIDE)
        shade = 1 + slope_x * line[None, :, None] + slope_y * line[:, None, None]
        image = image * shade * np.exp(rng.uniform(-1.2, 0.1)) + rng.normal(0, 3, image.shape)
        images.append(image.clip(0, 255).astype(np.uint8))
    return np.stack(images)


def _crop(behind, rng):
    """A square part of a photograph, brought to the size of a photo."""
    image = behind[rng.integers(len(behind))]
    side = rng.integers(60, min(image.shape[:2]))
    y, x = (rng.integers(length - side + 1) for length in image.shape[:2])
    part = image[y : y + side, x : x + side]
    return cv2.resize(part, (PHOTO, PHOTO), interpolation=cv2.INTER_AREA).astype(np.float32)


def upright(plates, rng):
    """The examples."""
    turn, size, shift = ASKEW
    askew = similarities(
        rng.normal(0, turn, N_EXAMPLES),
        np.exp(rng.normal(0, size, N_EXAMPLES)),
        rng.normal(0, shift, (N_EXAMPLES, 2)),
    )
    return photographed(plates, textures(True), askew, rng)


def run(options):
    """A table for turns up to 45 degrees, and one for any turn."""
    plates = [plate(number) for number in range(N_PLATES)]
    for reach in (NARROW, ANY):
        table = Table(f"textured, turned by up to {reach.angle:.0f} degrees, 1,000 upright known")
        for seed in options.seeds:
            _one_seed(plates, reach, seed, table, options)
        table.print()


def _one_seed(plates, reach, seed, table, options):
    rng = np.random.default_rng(seed)
    examples = upright(plates, rng)
    truth = drawn(reach, rng, N_JUDGED)
    images = photographed(plates, textures(False), truth, rng)
    print(f"seed {seed}")

    def judge(theta):
        return pose_errors(theta, truth)

    for name, fit in PEERS.items():
        table.measure(name, lambda fit=fit: fit(examples, reach), images, judge)
    poser = PoseTransformer(
        angle=reach.angle,
        scale=reach.scale,
        shift=reach.shift,
        random_state=seed,
        n_jobs=options.jobs,
    )
    fit = lambda: poser.fit(examples).predict_theta  # noqa: E731
    find = table.measure("PoseTransformer", fit, images, judge)
    options.sheet(f"textured_{reach.angle:.0f}_{seed}", images, find(images))
    options.sheet(
        f"textured_examples_{seed}", examples, np.tile(np.eye(2, 3), (len(examples), 1, 1))
    )
