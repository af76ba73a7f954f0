"""
A training watched in a notebook
================================

How far is it, and is it worth going on? scikit-learn's callbacks (version 1.9 or later) are told
of each epoch with a usable estimator: its `ProgressBar` shows a bar, and one of your own can
draw, log or stop. Without them, ``verbose=True`` prints a line an epoch.
"""

# %%
# A callback of your own
# ----------------------
# It keeps what the rectified images look like after each epoch, and stops the training when the
# loss has not fallen for five epochs. What it is given is a copy that rectifies and predicts.
import warnings

import matplotlib.pyplot as plt

import stn_cv
from stn_cv import SpatialTransformer
from stn_cv.datasets import load_distorted_digits

digits = load_distorted_digits(n_copies=1, random_state=0)
shown = digits.X_test[:8]


class Watch:
    """Told of the beginning and end of a fit and of each epoch in it."""

    def __init__(self):
        self.outputs, self.losses, self.frames = [], [], []

    def setup(self, estimator, context):
        print(f"up to {context.max_subtasks} epochs")

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        """After an epoch: whether to stop."""
        if context.task_name != "epoch":
            return False
        self.outputs.append(fitted_estimator.transform(shown))
        self.losses = fitted_estimator.loss_curve_
        return len(self.losses) > 5 and min(self.losses[-5:]) > min(self.losses[:-5])

    def teardown(self, estimator, context):
        print(f"ended after {len(self.losses)}, with a loss of {self.losses[-1]:.3f}")


warnings.simplefilter("ignore", stn_cv.PoseWarning)  # pose_report_ says the same, below
watch = Watch()
transformer = SpatialTransformer(
    output_shape=(16, 16), start="identity", max_iter=24, random_state=0
)
transformer.set_callbacks(watch).fit(digits.X_train, digits.y_train)

# %%
# What the epochs did
# -------------------
# Above the images as they came, then as rectified after some of the epochs.
epochs = [1, 4, 8, 16, len(watch.outputs)]
figure, axes = plt.subplots(6, 8, figsize=(7, 5.4), layout="constrained")
rows = [shown, *(watch.outputs[epoch - 1] for epoch in epochs)]
names = ["came", *(f"epoch {epoch}" for epoch in epochs)]
for row, images, name in zip(axes, rows, names, strict=True):
    for axis, image in zip(row, images, strict=True):
        axis.imshow(image, cmap="gray", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()

# %%
# Afterwards
# ----------
# `LossCurveDisplay` draws the same numbers, and `pose_report_` says on samples held out what the
# transformer is worth beside a fixed crop and image moments.
figure, axis = plt.subplots(figsize=(5, 2.8), layout="constrained")
stn_cv.LossCurveDisplay.from_estimator(transformer, ax=axis)
plt.show()
print(transformer.pose_report_)
