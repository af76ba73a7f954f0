"""Digits among scraps of other digits: where image moments fail and a transformer does not.

python pipelines/clutter.py [--seed 0] [--jobs -1] [--picture FILE.png]

scikit-learn's handwritten digits, enlarged to 28 x 28, each at a random place in 60 x 60 with
six pieces of other digits of the same part. Prints test accuracies; `--picture` draws the first
test images of each class before and after, with the frame that was found, and the class means.
"""

import argparse
import warnings
from pathlib import Path

import cv2
import numpy as np
from moments import rectify_rows
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

from stn_cv import InterruptedWarning, SpatialTransformerClassifier, contact_sheet
from stn_cv.datasets import DigitDistortion
from stn_cv.nn import AveragePool, Conv2D, Dense, Dropout, Flatten, MaxPool, ReLU

TRAIN_COPIES, TEST_COPIES = 8, 2


def main() -> None:
    """Fit each model, score it on the test digits, print a line; draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("error", InterruptedWarning)  # half a training has no figure
    X, X_test, y, y_test = cluttered_digits(arguments.seed)
    network = classifier(arguments.seed, arguments.jobs)
    forest = RandomForestClassifier(random_state=arguments.seed, n_jobs=arguments.jobs)
    try:
        with threadpool_limits(1, "blas"):
            rows, test_rows = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
            say("RandomForestClassifier", forest.fit(rows, y).score(test_rows, y_test))
            by_moments = make_pipeline(FunctionTransformer(rectify_rows), forest).fit(rows, y)
            say("RandomForestClassifier behind image moments", by_moments.score(test_rows, y_test))
            network.fit(X, y)
            upright, test_upright = (network.rectifier_.rectify(part) for part in (X, X_test))
            forest.fit(upright.reshape(len(X), -1), y)
            behind = forest.score(test_upright.reshape(len(X_test), -1), y_test)
            say("RandomForestClassifier behind that transformer", behind)
            say("SpatialTransformerClassifier with a CNN head", network.score(X_test, y_test))
    except (KeyboardInterrupt, InterruptedWarning):
        raise SystemExit(130) from None
    if arguments.picture:
        draw(arguments.picture, network, X_test, test_upright, y_test)


def say(name, accuracy):
    """One line of the table."""
    print(f"{name:46} {accuracy:6.1%}", flush=True)


def cluttered_digits(seed):
    """(X_train, X_test, y_train, y_test), images (n, 60, 60), floats in [0, 1]."""
    scans, labels = load_digits(return_X_y=True)
    scans = scans.reshape(-1, 8, 8).astype(np.float32) / 16
    large = [cv2.resize(scan, (24, 24), interpolation=cv2.INTER_CUBIC) for scan in scans]
    digits = np.pad(np.clip(large, 0, 1), ((0, 0), (2, 2), (2, 2)))
    parts = train_test_split(digits, labels, test_size=0.25, stratify=labels, random_state=seed)
    train, test, y_train, y_test = parts
    X_train = drawn(train, seed, range(TRAIN_COPIES))
    X_test = drawn(test, seed, range(TRAIN_COPIES, TRAIN_COPIES + TEST_COPIES))
    return X_train, X_test, np.tile(y_train, TRAIN_COPIES), np.tile(y_test, TEST_COPIES)


def drawn(digits, seed, copies):
    """Copies of the digits, each in other clutter."""
    clutter = DigitDistortion("TC", clutter=digits)
    return np.concatenate([clutter.draw(digits, random_state=seed, epoch=i) for i in copies])


def classifier(seed, jobs):
    """A transformer that finds place and scale, and its head."""
    localization = [
        AveragePool(2),
        *(Conv2D(24, 5, padding=2), MaxPool(2), ReLU()),
        *(Conv2D(48, 3, padding=1), MaxPool(2), ReLU(), Flatten(), Dense(96), ReLU()),
    ]
    head = [
        *(Conv2D(32, 5), MaxPool(2), ReLU(), Conv2D(64, 3), ReLU()),
        *(Flatten(), Dense(64), ReLU(), Dropout(0.2)),
    ]
    return SpatialTransformerClassifier(
        family="attention",
        localization=localization,
        head=head,
        output_shape=(24, 24),
        n_steps=1,
        early_stopping=False,
        learning_rate_init=0.003,
        localization_learning_rate_ratio=0.2,
        alpha=0.1,
        batch_size=128,
        max_iter=30,
        n_jobs=jobs,
        random_state=seed,
    )


def draw(path, network, X_test, rectified, y_test):
    """A contact sheet of one pair a class."""
    theta, read = network.predict_theta(X_test), network.predict(X_test)
    sheet = contact_sheet(X_test, theta, rectified, y_test, read, n_pairs=10, cell=120)
    best = [
        cv2.IMWRITE_PNG_COMPRESSION,
        9,
        cv2.IMWRITE_PNG_STRATEGY,
        cv2.IMWRITE_PNG_STRATEGY_DEFAULT,
    ]
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), best)


if __name__ == "__main__":
    main()
