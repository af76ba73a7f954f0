"""
Signs read by HOG and a support vector machine
==============================================

HOG and a linear SVM read signs that stand straight in the middle of the picture. How much is it
worth to bring them there first? A `SpatialTransformer` learns it from the labels, as one more
step of the Pipeline.
"""

# %%
# Signs, tilted and somewhere in the picture
# ------------------------------------------
import cv2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import stn_cv
from stn_cv import HOG, SpatialTransformer

SIDE = 40
WORDS = ["30", "50", "60", "80", "P", "!", "X", "S"]
rng = np.random.default_rng(0)


def sign(word):
    """A round sign, or for letters a square one, of 96 x 96 pixels, and where it is."""
    face, there = np.full((96, 96), 130, np.uint8), np.zeros((96, 96), np.uint8)
    if word.isdigit():
        cv2.circle(there, (48, 48), 44, 1, -1)
        cv2.circle(face, (48, 48), 34, 230, -1, cv2.LINE_AA)
    else:
        cv2.rectangle(there, (8, 8), (88, 88), 1, -1)
        cv2.rectangle(face, (16, 16), (80, 80), 230, -1)
    size = 1.4 if len(word) == 2 else 1.9
    (across, up), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_DUPLEX, size, 4)
    at = (48 - across // 2, 48 + up // 2)
    cv2.putText(face, word, at, cv2.FONT_HERSHEY_DUPLEX, size, 30, 4, cv2.LINE_AA)
    return face, there.astype(np.float32)


def photo(word):
    """A sign before something grey, turned by up to 25 degrees, nearer or further."""
    face, there = sign(word)
    matrix = cv2.getRotationMatrix2D((48, 48), rng.uniform(-25, 25), rng.uniform(0.6, 1.0))
    matrix[:, 2] += 80 - 48 + rng.uniform(-26, 26, 2)
    street = cv2.resize(rng.uniform(20, 100, (4, 4)), (160, 160), interpolation=cv2.INTER_CUBIC)
    there = cv2.warpAffine(there, matrix, (160, 160))
    shown = there * cv2.warpAffine(face, matrix, (160, 160)) + (1 - there) * street
    small = cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_AREA) * rng.uniform(0.8, 1.1)
    return np.clip(small + rng.normal(0, 4, small.shape), 0, 255).astype(np.uint8)


def photos(n):
    words = np.array(WORDS)[np.arange(n) % len(WORDS)]
    return np.stack([photo(word) for word in words]), words


X, y = photos(1000)
X_test, y_test = photos(400)

# %%
# The transformer before the classifier
# -------------------------------------
# Labels do not say which way is up: all signs of a word may stay turned by the same few degrees,
# which HOG does not mind. With fewer epochs than by default the coarse head, which looks at 8
# pixels a side, has not yet told 30 from 80, and the transformer not found them.
rectify = SpatialTransformer(output_shape=(32, 32), random_state=0)
read = make_pipeline(HOG(pixels_per_cell=(8, 8), cells_per_block=(2, 2)), LinearSVC(C=0.1))
model = make_pipeline(rectify, read).fit(X, y)

sheet = stn_cv.contact_sheet(
    X_test, rectify.predict_theta(X_test), rectify.transform(X_test), y_test, n_pairs=16, columns=4
)
plt.figure(figsize=(9, 9 * sheet.shape[0] / sheet.shape[1]), layout="constrained")
plt.imshow(sheet)
plt.axis("off")
plt.show()

# %%
# What it is worth
# ----------------
mean = rectify.predict_theta(X).mean(axis=0, keepdims=True)
ways = {
    "alone": lambda images: images,
    "behind a fixed crop": lambda images: stn_cv.warp_affine(images, mean, (32, 32)),
    "behind image moments": lambda images: stn_cv.warp_affine(
        images, stn_cv.theta_from_moments(images), (32, 32)
    ),
}
for name, way in ways.items():
    print(f"{name:22} {read.fit(way(X), y).score(way(X_test), y_test):6.1%}")
read.fit(rectify.transform(X), y)
print(f"{'behind the transformer':22} {model.score(X_test, y_test):6.1%}")
