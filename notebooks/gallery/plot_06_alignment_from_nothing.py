"""
Alignment from nothing but the pictures
=======================================

Tokens lie at any turn, and nobody has labelled one. `JointAlignment` brings them into one pose
together: it learns templates, and each picture's turn and size along with them.
"""

# %%
# Tokens of three designs
# -----------------------
# Each is turned by any angle, a little off the middle, and photographed with noise.
import cv2
import matplotlib.pyplot as plt
import numpy as np

import stn_cv

SIDE = 48
rng = np.random.default_rng(0)


def design(number):
    """An upright token, 96 x 96."""
    token = np.zeros((96, 96), np.uint8)
    cv2.circle(token, (48, 48), 46, 150, -1, cv2.LINE_AA)
    if number == 0:  # a key
        cv2.circle(token, (48, 26), 13, 30, 6, cv2.LINE_AA)
        cv2.line(token, (48, 38), (48, 80), 30, 7, cv2.LINE_AA)
        cv2.line(token, (48, 66), (64, 66), 30, 6, cv2.LINE_AA)
        cv2.line(token, (48, 78), (60, 78), 30, 6, cv2.LINE_AA)
    elif number == 1:  # a flag
        cv2.line(token, (32, 16), (32, 82), 30, 6, cv2.LINE_AA)
        cv2.fillPoly(token, [np.array([[32, 18], [74, 30], [32, 46]])], 240, cv2.LINE_AA)
    else:  # a boat
        cv2.fillPoly(token, [np.array([[16, 62], [80, 62], [66, 78], [30, 78]])], 30, cv2.LINE_AA)
        cv2.fillPoly(token, [np.array([[44, 56], [44, 16], [72, 56]])], 240, cv2.LINE_AA)
    return token


def picture(number):
    """A token at any turn, and the theta that would bring it upright."""
    matrix = cv2.getRotationMatrix2D((47.5, 47.5), rng.uniform(-180, 180), 0.85)
    matrix[:, 2] += rng.uniform(-4, 4, 2)
    shown = cv2.warpAffine(design(number), matrix, (96, 96)) + rng.normal(0, 12, (96, 96))
    small = cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    theta = stn_cv.theta_from_cv2(matrix, (96, 96), (96, 96), direction="output_to_source")
    return np.clip(small, 0, 255).astype(np.uint8), theta


kinds = np.arange(180) % 3
X, truth = map(np.stack, zip(*(picture(kind) for kind in kinds), strict=True))

# %%
# One call
# --------
alignment = stn_cv.JointAlignment(n_templates=3, n_restarts=2, random_state=0)
upright = alignment.fit_transform(X)
print(f"two searches agree on {alignment.score_:.0%} of the turns")

figure, axes = plt.subplots(2, 10, figsize=(10, 2.2), layout="constrained")
for row, images in zip(axes, (X, upright), strict=True):
    for axis, image in zip(row, images, strict=False):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.axis("off")
plt.show()

# %%
# How well it went
# ----------------
# Nothing says which way is up, so all tokens of a design may stay turned by one angle. What is
# left after taking that off is the error. Image moments know the axis of what is dark or light,
# not which end of it is up, and a token's round rim has no axis at all.


def spread(theta):
    """Median turn left in each picture, beside what all of its design are turned by."""
    turns = np.deg2rad(stn_cv.angle_error(theta, truth, (SIDE, SIDE)))
    left = np.empty(len(turns))
    for kind in range(3):
        unit = np.exp(1j * turns[kinds == kind])
        left[kinds == kind] = np.abs(np.rad2deg(np.angle(unit / unit.mean())))
    return np.median(left), np.sum(left > 15)


for name, theta in {
    "image moments": stn_cv.theta_from_moments(X),
    "aligned together": alignment.theta_,
}.items():
    median, wrong = spread(theta)
    print(f"{name:16} {median:5.1f}° left (median), {wrong} of 180 off by more than 15°")
