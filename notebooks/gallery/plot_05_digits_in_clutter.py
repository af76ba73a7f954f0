"""
A digit among scraps of others
==============================

Each picture shows a digit somewhere, among six pieces of other digits. A transformer that may
move and scale its frame learns from the labels alone which part of the picture to look at.
"""

# %%
# Digits in clutter
# -----------------
# Two pictures of each of scikit-learn's scans; no digit, nor a piece of one, is in both parts.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import stn_cv
from stn_cv import SpatialTransformer
from stn_cv.datasets import DigitDistortion

scans, labels = load_digits(return_X_y=True)
unchanged = np.tile(np.eye(2, 3), (len(scans), 1, 1))
digits = np.zeros((len(scans), 28, 28), np.float32)
digits[:, 4:24, 4:24] = stn_cv.warp_affine(scans.reshape(-1, 8, 8) / 16, unchanged, (20, 20))


def drawn(part):
    part = np.repeat(part, 2)
    clutter = DigitDistortion("TC", clutter=digits[part], side=44)
    return clutter.draw(digits[part], random_state=0), labels[part]


order = np.random.default_rng(0).permutation(len(scans))
X, y = drawn(order[:1300])
X_test, y_test = drawn(order[1300:])

# %%
# Learning where to look
# ----------------------
# "attention" is place and scale. Its head is a linear one on 8 x 8 pixels: it reads nothing that
# lies elsewhere, so it asks all of the frame.
rectify = SpatialTransformer(
    family="attention", output_shape=(24, 24), max_iter=16, random_state=0
).fit(X, y)

theta = rectify.predict_theta(X_test)
sheet = stn_cv.contact_sheet(X_test, theta, rectify.transform(X_test), y_test, n_pairs=20)
plt.figure(figsize=(9, 9 * sheet.shape[0] / sheet.shape[1]), layout="constrained")
plt.imshow(sheet)
plt.axis("off")
plt.show()

# %%
# What it is worth
# ----------------
# The same classifier alone and behind what costs nothing. Moments find the middle of everything.
mean = rectify.predict_theta(X).mean(axis=0, keepdims=True)
ways = {
    "alone": lambda images: images,
    "behind a fixed crop": lambda images: stn_cv.warp_affine(images, mean, (24, 24)),
    "behind image moments": lambda images: stn_cv.warp_affine(
        images, stn_cv.theta_from_moments(images), (24, 24)
    ),
    "behind the transformer": rectify.transform,
}
read = KNeighborsClassifier(3)
for name, way in ways.items():
    rows, test_rows = (way(images).reshape(len(images), -1) for images in (X, X_test))
    print(f"{name:22} {read.fit(rows, y).score(test_rows, y_test):6.1%}")
