"""
Plates seen from aside, from known corners
==========================================

A plate that is seen from aside is a trapezium. With its four corners marked in sixty photos, as
``stn-cv review`` or any tool for annotations does it, a homography is learned that shows it from
the front.
"""

# %%
# Photos and corners
# ------------------
# The frame has the photo's proportions: the plate lies in its middle, with room above and below.
# What `PoseTransformer` expects are turns, sizes and tilts; a frame of other proportions than the
# photo would be a stretch as well, the same in every photo, and make it learn far worse.
import cv2
import matplotlib.pyplot as plt
import numpy as np

import stn_cv

SHAPE = (48, 96)  # of what the model sees; photos are four times as large
rng = np.random.default_rng(0)


def plate():
    """A plate of 96 x 288 pixels, seen from the front."""
    face = np.full((96, 288), 225, np.uint8)
    cv2.rectangle(face, (4, 4), (283, 91), 40, 4)
    text = "".join(rng.choice(list("ABCDEFHKLMNPRSTUXYZ"), 2)) + " "
    text += "".join(rng.choice(list("0123456789"), 4))
    (across, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1.9, 4)
    at = ((288 - across) // 2, 68)
    cv2.putText(face, text, at, cv2.FONT_HERSHEY_DUPLEX, 1.9, 30, 4, cv2.LINE_AA)
    return face


def seen():
    """Where the corners of a plate come to lie in a photo of 192 x 384 pixels."""
    around_y, around_x, around_z = np.radians(rng.uniform(-1, 1, 3) * (25, 15, 10))
    turn, _ = cv2.Rodrigues(np.array([around_x, 0, 0]))
    for axis, angle in ((1, around_y), (2, around_z)):
        turn = cv2.Rodrigues(np.eye(3)[axis] * angle)[0] @ turn
    corners = np.array([[-1.5, -0.5, 0], [1.5, -0.5, 0], [1.5, 0.5, 0], [-1.5, 0.5, 0]]) @ turn.T
    flat = corners[:, :2] / (corners[:, 2:] / 6 + 1) * rng.uniform(85, 110)
    return flat - flat.mean(axis=0) + (192, 96) + rng.uniform(-1, 1, 2) * (24, 12)


def photo():
    """A photo, and the corners of the frame that is wanted, in its pixels."""
    face = plate()
    own = np.float32([[0, 0], [288, 0], [288, 96], [0, 96]])
    matrix = cv2.getPerspectiveTransform(own - 0.5, np.float32(seen()) - 0.5)
    road = rng.uniform(50, 140) + 25 * cv2.GaussianBlur(rng.normal(0, 4, (192, 384)), (0, 0), 8)
    there = cv2.warpPerspective(np.ones(face.shape), matrix, (384, 192))
    shown = there * cv2.warpPerspective(face, matrix, (384, 192)) + (1 - there) * road
    shown = shown * rng.uniform(0.6, 1.05) + rng.normal(0, 4, shown.shape)
    frame = np.float32([[0, -24], [288, -24], [288, 120], [0, 120]])
    corners = cv2.perspectiveTransform((frame - 0.5)[None], matrix)[0] + 0.5
    return np.clip(shown, 0, 255).astype(np.uint8), corners


photos, corners = map(np.stack, zip(*(photo() for _ in range(160)), strict=True))
small = np.stack([cv2.resize(p, SHAPE[::-1], interpolation=cv2.INTER_AREA) for p in photos])
truth = stn_cv.theta_from_corners(corners, photos.shape[1:], family="projective", beyond=0.5)

# %%
# Learning from sixty
# -------------------
# Small batches: there are more steps in as many training pictures. The other hundred photos are
# for judging.
poser = stn_cv.PoseTransformer(
    family="projective",
    angle=12,
    n_canvases=20_000,
    batch_size=32,
    filters=12,
    n_steps=3,
    random_state=0,
).fit(small[:60], truth[:60])
theta = poser.predict_theta(small[60:])
front = [poser.rectifier_.rectify_photo(photo) for photo in photos[60:66]]

figure, axes = plt.subplots(2, 6, figsize=(11, 2.2), layout="constrained")
for axis, image, found in zip(axes[0], photos[60:], theta, strict=False):
    outline = stn_cv.corners_from_theta(found, image.shape)
    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
    axis.plot(*outline[[0, 1, 2, 3, 0]].T, color="tab:orange")
for axis, image in zip(axes[1], front, strict=True):
    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
for axis in axes.flat:
    axis.axis("off")
plt.show()

# %%
# What it is worth
# ----------------
# Corners off by how much of the frame's width, beside one frame for all photos, the mean of those
# that are known, and image moments, which know of no tilt and turn a plate's long axis upright.
ways = {
    "one frame for all": np.tile(truth[:60].mean(axis=0), (100, 1, 1)),
    "image moments": stn_cv.theta_from_moments(small[60:]),
    "sixty corners": theta,
}
for name, found in ways.items():
    errors = stn_cv.corner_error(found, truth[60:], SHAPE)
    print(f"{name:18} {np.median(errors):6.1%} (median), {np.sum(errors > 0.1)} of 100 above 10 %")
