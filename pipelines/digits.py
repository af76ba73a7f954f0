"""Distorted digits: classifiers alone, behind image moments, and behind a learned transformer.

python pipelines/digits.py [--seed 0] [--jobs -1]
"""

import argparse
import warnings

from moments import rectify_rows
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from stn_cv import InterruptedWarning, SpatialTransformer, SpatialTransformerClassifier
from stn_cv.datasets import load_distorted_digits


def main() -> None:
    """Fit each model, score it on the test digits, print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()

    X_train, X_test, y_train, y_test, _ = load_distorted_digits(random_state=arguments.seed)
    X_train, X_test = X_train.reshape(len(X_train), -1), X_test.reshape(len(X_test), -1)
    common = {
        "family": "similarity",
        "image_shape": (32, 32),
        "batch_size": 256,
        "early_stopping": False,
        "n_jobs": arguments.jobs,
        "random_state": arguments.seed,
    }
    linear = SpatialTransformer(
        head="linear",
        output_shape=(16, 16),
        learning_rate_init=0.03,
        alpha=0.2,
        n_steps=2,
        max_iter=16,
        **common,
    )
    whole = SpatialTransformerClassifier(
        head="cnn",
        output_shape=(20, 20),
        learning_rate_init=0.01,
        alpha=1e-4,
        n_steps=1,
        max_iter=21,
        **common,
    )
    models = {
        "LogisticRegression": LogisticRegression(),
        "SVC(rbf)": SVC(),
        "LogisticRegression behind image moments": make_pipeline(
            FunctionTransformer(rectify_rows), LogisticRegression()
        ),
        "SVC(rbf) behind image moments": make_pipeline(FunctionTransformer(rectify_rows), SVC()),
        "LogisticRegression behind a SpatialTransformer": make_pipeline(
            linear, LogisticRegression()
        ),
        "SVC(rbf) behind a SpatialTransformer": make_pipeline(linear, SVC()),
        "SpatialTransformerClassifier with a CNN head": whole,
    }
    warnings.simplefilter("ignore", ConvergenceWarning)  # the first line's never converges
    warnings.simplefilter("error", InterruptedWarning)  # half a training has no figure
    try:
        for name, model in models.items():
            accuracy = model.fit(X_train, y_train).score(X_test, y_test)
            print(f"{name:46} {accuracy:6.1%}", flush=True)
    except (KeyboardInterrupt, InterruptedWarning):
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
