"""
Cards upright, from 20 examples
===============================

Cards lie on a table at any turn. Twenty of them, cut out upright, are enough: from them
`PoseTransformer` draws training pictures, turned, sized and shifted, and learns to find the pose.
No class is named. It also says how sure it is of each photo.

With folders of your own, ``stn-cv fit --upright good --out model.stn`` does the same.
"""

# %%
# Twenty upright cards, and photos of others
# ------------------------------------------
import cv2
import matplotlib.pyplot as plt
import numpy as np

import stn_cv

RANKS = "AKQJ7542"
SIDE = 48
TABLE = 90
rng = np.random.default_rng(0)


def card(rank):
    """A card with its rank in the middle and in a corner."""
    face = np.full((140, 100), 235, np.uint8)
    cv2.putText(face, rank, (8, 32), cv2.FONT_HERSHEY_DUPLEX, 0.9, 40, 2, cv2.LINE_AA)
    (across, _), _ = cv2.getTextSize(rank, cv2.FONT_HERSHEY_DUPLEX, 2.4, 5)
    at = ((100 - across) // 2, 100)
    cv2.putText(face, rank, at, cv2.FONT_HERSHEY_DUPLEX, 2.4, 40, 5, cv2.LINE_AA)
    return face


def upright(rank):
    """As cards should lie: in the middle, with a little of the table."""
    square = cv2.copyMakeBorder(card(rank), 6, 6, 26, 26, cv2.BORDER_CONSTANT, value=TABLE)
    return cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def photo(rank):
    """A card at any turn, and the four corners of the frame that would show it upright."""
    table = TABLE + 12 * cv2.GaussianBlur(rng.normal(0, 4, (192, 192)), (0, 0), 6)
    matrix = cv2.getRotationMatrix2D((50, 70), rng.uniform(-180, 180), rng.uniform(0.8, 1.15))
    matrix[:, 2] += 96 + rng.uniform(-12, 12, 2) - (50, 70)
    there = cv2.warpAffine(np.ones((140, 100)), matrix, (192, 192))
    shown = there * cv2.warpAffine(card(rank), matrix, (192, 192)) + (1 - there) * table
    shown += rng.normal(0, 4, shown.shape)
    small = cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    frame = np.array([[-26, -6], [126, -6], [126, 146], [-26, 146]])
    corners = (frame @ matrix[:, :2].T + matrix[:, 2]) * SIDE / 192
    return np.clip(small, 0, 255).astype(np.uint8), corners


examples = np.stack([upright(RANKS[i % 8]) for i in range(20)])
photos, corners = map(np.stack, zip(*(photo(RANKS[i % 8]) for i in range(100)), strict=True))
truth = stn_cv.theta_from_corners(corners, (SIDE, SIDE), family="similarity", beyond=1.0)

# %%
# Learning the pose
# -----------------
# ``n_canvases`` is how many training pictures are drawn. More are more exact, and so are narrower
# ranges: if your things are never turned by more than 30°, say ``angle=30``.
poser = stn_cv.PoseTransformer(n_canvases=15_000, filters=8, random_state=0).fit(examples)
theta, confidence = poser.predict_theta(photos), poser.predict_confidence(photos)

sheet = stn_cv.contact_sheet(photos, theta, poser.transform(photos), n_pairs=15)
plt.figure(figsize=(9, 9 * sheet.shape[0] / sheet.shape[1]), layout="constrained")
plt.imshow(sheet)
plt.axis("off")
plt.show()

# %%
# What it is worth
# ----------------
# Beside it image moments, which need no learning: a card's long axis is found by them, but not
# which of its ends is up.
ways = {
    "as they came": np.tile(np.eye(2, 3), (100, 1, 1)),
    "image moments": stn_cv.theta_from_moments(photos),
    "20 examples": theta,
}
for name, found in ways.items():
    turns = np.abs(stn_cv.angle_error(found, truth, (SIDE, SIDE)))
    print(f"{name:14} median turn left {np.median(turns):5.1f}°, {np.sum(turns > 15)} of 100 "
          "by more than 15°")  # fmt: skip
print(f"least sure: {confidence.min():.0%}")
