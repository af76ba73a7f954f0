"""How wide a step tells how images should lie to a head that is piecewise constant.

python tests/benchmarks/joint_step.py [--seeds 0 1]

One transformer a seed is trained with a linear head on three quarters of the training digits,
then on for a classifier, with differences of several widths. Printed are Brier score and
accuracy of the classifier on the training digits left out, by width; 0 is before.
"""

import argparse
import copy

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier

from stn_cv import SpatialTransformer
from stn_cv.datasets import load_distorted_digits
from stn_cv.joint import parameter_gradients

HEADS = (RandomForestClassifier(random_state=0), KNeighborsClassifier(3))
WIDTHS = (0.015, 0.03, 0.06, 0.12, 0.24)


def main() -> None:
    """Print a line for each head, width and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()
    for seed in arguments.seeds:
        X, _, y, _, groups = load_distorted_digits(random_state=seed)
        splitter = StratifiedGroupKFold(4, shuffle=True, random_state=100 + seed)
        kept, left_out = next(splitter.split(X, y, groups))
        begun = SpatialTransformer(
            family="similarity",
            head="linear",
            output_shape=(16, 16),
            learning_rate_init=0.03,
            alpha=0.2,
            batch_size=256,
            n_steps=1,
            early_stopping=False,
            max_iter=28,
            n_jobs=arguments.jobs,
            random_state=seed,
        ).fit(X[kept], y[kept])
        for head in HEADS:
            for width in (0, *WIDTHS):
                model = copy.deepcopy(begun).set_params(
                    head=head,
                    warm_start=True,
                    max_iter=8 if width else 1,
                    localization_learning_rate_ratio=0.2 if width else 0.0,
                )
                parameter_gradients.STEP = width or parameter_gradients.STEP
                model.fit(X[kept], y[kept], groups=groups[kept])
                rows = model.transform(X[left_out]).reshape(len(left_out), -1)
                P, truth = model.head_.predict_proba(rows), y[left_out]
                brier = ((P - (truth[:, None] == model.classes_)) ** 2).sum(axis=1).mean()
                accuracy = np.mean(model.classes_[P.argmax(axis=1)] == truth)
                name = type(head).__name__
                print(f"seed {seed}  {name:22} {width:5} {brier:.4f} {accuracy:6.1%}", flush=True)


if __name__ == "__main__":
    main()
