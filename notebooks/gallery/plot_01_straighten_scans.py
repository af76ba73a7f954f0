"""
Straighten scans, and turn them the right way up
================================================

Forms come out of a scanner turned by some degrees, and some of them upside down. The lines of
text tell how far they are turned, and a deskewer finds that; which way is up they do not tell.
Ten forms that lie right are enough to learn both.
"""

# %%
# Forms, as they should lie and as they come
# ------------------------------------------
# Drawn here; each has a title, a stamp and lines of its own.
import cv2
import matplotlib.pyplot as plt
import numpy as np

import stn_cv

HEIGHT, WIDTH = 192, 136  # of a scan
SMALL = (64, 48)  # what the model looks at
rng = np.random.default_rng(0)


def form():
    """A form that lies right."""
    page = np.full((HEIGHT, WIDTH), rng.integers(225, 250), np.uint8)
    page[14:22, 14 : int(rng.integers(70, 100))] = 60  # the title
    cv2.circle(page, (112, 24), 9, 110, 3, cv2.LINE_AA)  # the stamp
    for y in range(44, 170, 9):
        if rng.random() < 0.85:
            words = np.cumsum(rng.integers(8, 24, 8)) + 10
            for start, end in zip(words[:-1], words[1:], strict=True):
                if end < WIDTH - 12:
                    page[y : y + 3, start : end - 4] = rng.integers(60, 130)
    return page


def scanned(page):
    """The form turned by up to 15°, every third upside down as well; and its true theta."""
    degrees = rng.uniform(-15, 15) + 180 * (rng.random() < 1 / 3)
    matrix = cv2.getRotationMatrix2D((WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5), degrees, 0.92)
    matrix[:, 2] += rng.uniform(-5, 5, 2)
    glass = rng.integers(150, 200)
    scan = cv2.warpAffine(page, matrix, (WIDTH, HEIGHT), borderValue=int(glass))
    scan = np.clip(scan + rng.normal(0, 6, scan.shape), 0, 255).astype(np.uint8)
    return scan, stn_cv.theta_from_cv2(matrix, page.shape, scan.shape, direction="output_to_source")


def small(pages):
    return np.stack([cv2.resize(p, SMALL[::-1], interpolation=cv2.INTER_AREA) for p in pages])


examples = [form() for _ in range(10)]
scans, truth = map(np.stack, zip(*(scanned(form()) for _ in range(60)), strict=True))

# %%
# Learning from ten
# -----------------
# Turns near 0° and near 180° are asked for, so all turns are drawn. The pose is found on a small
# copy; the scan itself is warped.
poser = stn_cv.PoseTransformer(
    scale=(0.85, 1.0), shift=0.05, n_canvases=12_000, filters=8, random_state=0
).fit(small(examples))
theta = poser.predict_theta(small(scans))
straight = stn_cv.warp_affine(scans, theta, fill_value=200)

figure, axes = plt.subplots(2, 8, figsize=(9, 3.4), layout="constrained")
for row, images in zip(axes, (scans, straight), strict=True):
    for axis, image in zip(row, images, strict=False):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.axis("off")
plt.show()

# %%
# Beside a deskewer
# -----------------
# The classic one: the turn at which the sums of rows differ most, which is when lines of text lie
# along rows. It is more exact, needs no examples, and leaves what is upside down. Where all scans
# are the right way up, take it; where they are not, ask the model which way is up, and deskew.


def deskewed(scan):
    """Theta of the turn, up to 20° either way, at which rows differ most."""
    ink = 255.0 - cv2.resize(scan, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    ink -= np.median(ink)
    best = max(np.arange(-20, 20.5, 0.5), key=lambda turn: sharpness(ink, turn))
    matrix = cv2.getRotationMatrix2D((WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5), best, 1)
    return stn_cv.theta_from_cv2(matrix, scan.shape, scan.shape)


def sharpness(ink, turn):
    height, width = ink.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1)
    inside = cv2.warpAffine(ink, matrix, (width, height))[12:-12, 16:-16]
    return np.square(np.diff(inside.mean(axis=1))).sum()


ways = {
    "as they came": np.tile(np.eye(2, 3), (60, 1, 1)),
    "image moments": stn_cv.theta_from_moments(scans),
    "deskewed": np.stack([deskewed(scan) for scan in scans]),
    "ten examples": theta,
}
for name, found in ways.items():
    turns = np.abs(stn_cv.angle_error(found, truth, (HEIGHT, WIDTH)))
    along = np.minimum(turns, 180 - turns)
    print(f"{name:14} lines off by {np.median(along):4.1f}° (median), "
          f"{np.mean(turns > 90):4.0%} upside down")  # fmt: skip
