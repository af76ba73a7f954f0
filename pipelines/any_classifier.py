"""Any classifier of scikit-learn, alone and behind transformers that were trained for it or not.

python pipelines/any_classifier.py [--seeds 0 1 2] [--head NAME ...] [--jobs -1]

For each classifier, test accuracy on distorted digits: alone, behind a SpatialTransformer
that was trained with the built-in head "linear", with "cnn", and with the classifier itself.

--cross-fitting   instead: the classifier itself, fitted on the samples it judges, and not.
--data PATH       instead of digits: MNIST turned by up to 90 degrees to either side, from an
                  .npz file with X_train, y_train, X_test, y_test, or a folder of IDX files.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC
from threadpoolctl import threadpool_limits

from stn_cv import HOG, InterruptedWarning, SpatialTransformer, SpatialTransformerClassifier
from stn_cv.datasets import DigitDistortion, load_distorted_digits, load_mnist

HEADS = {
    "LogisticRegression": LogisticRegression(),
    "HOG + LinearSVC": make_pipeline(
        HOG(pixels_per_cell=(4, 4), cells_per_block=(2, 2)), LinearSVC(C=0.1)
    ),
    "PCA + LDA": make_pipeline(PCA(50), LinearDiscriminantAnalysis()),
    "SVC(rbf)": SVC(),
    "RandomForestClassifier": RandomForestClassifier(),
    "KNeighborsClassifier(3)": KNeighborsClassifier(3),
}
TRANSFORMER = {"family": "similarity", "n_steps": 1, "batch_size": 256, "early_stopping": False}
LINEAR = {"output_shape": (16, 16), "learning_rate_init": 0.03, "alpha": 0.2, "max_iter": 28}
CNN = {"output_shape": (20, 20), "learning_rate_init": 0.01, "alpha": 1e-4, "max_iter": 21}
ITSELF = {**LINEAR, "max_iter": 42}  # 28 with a linear head
SHARPER = {"HOG + LinearSVC": (24, 24)}  # rectified images where histograms want more pixels
MNIST_HEADS = ("HOG + LinearSVC", "RandomForestClassifier")
CROSS_FITTED = ("SVC(rbf)", "RandomForestClassifier")


def main() -> None:
    """Print a line for each classifier, the mean over the seeds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--head", choices=HEADS, nargs="+")
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--cross-fitting", action="store_true")
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()

    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("error", InterruptedWarning)  # half a training has no figure
    names = arguments.head or (CROSS_FITTED if arguments.cross_fitting else HEADS)
    if arguments.data and not arguments.head:
        names = MNIST_HEADS
    compare = cross_fitting if arguments.cross_fitting else transformers
    columns: dict = {}
    try:
        with threadpool_limits(1, "blas"):  # more threads make small problems slower
            for seed in arguments.seeds:
                digits = load(arguments.data, seed)
                for name, column, accuracy, seconds in compare(digits, names, seed, arguments.jobs):
                    print(
                        f"seed {seed}  {name:24} {column:22} {accuracy:6.1%} {seconds:6.0f} s",
                        flush=True,
                    )
                    columns.setdefault(column, {}).setdefault(name, []).append(accuracy)
    except (KeyboardInterrupt, InterruptedWarning):
        raise SystemExit(130) from None
    print_means(columns, names)


def load(path, seed):
    """(X_train, X_test, y_train, y_test, groups), images (n, h, w)."""
    if path is None:
        return load_distorted_digits(random_state=seed)
    X, X_test, y, y_test = load_mnist(path)
    some = np.sort(np.random.default_rng(seed).permutation(len(X))[:10_000])
    turned = DigitDistortion("R")
    X, y = turned.draw(X[some] / np.float32(255), random_state=seed), y[some]
    X_test = turned.draw(X_test / np.float32(255), random_state=seed, epoch=1)
    return X, X_test, y, y_test, None


def transformers(digits, names, seed, jobs):
    """Yield (name, column, accuracy, seconds of the fit): alone, and behind transformers."""
    common = {**TRANSFORMER, "n_jobs": jobs, "random_state": seed}
    X, X_test, y, y_test, groups = digits
    for name in names:
        yield name, "alone", *scored(name, HEADS[name], digits, seed)
    for head, settings in (("linear", LINEAR), ("cnn", CNN)):
        stn = SpatialTransformer(head=head, **settings, **common).fit(X, y)
        for name in names:
            shape = SHARPER.get(name)
            images = [stn.rectifier_.rectify(part, shape) for part in (X, X_test)]
            rectified = (*images, y, y_test, groups)
            yield name, f'behind "{head}"', *scored(name, HEADS[name], rectified, seed)
    for name in names:
        yield name, "trained with itself", *fitted(with_itself(name, seed, jobs), digits)


def cross_fitting(digits, names, seed, jobs):
    """Yield the same for the classifier itself, with and without cross-fitting."""
    for name in names:
        for n_folds, column in ((1, "not cross-fitted"), (3, "cross-fitted")):
            model = with_itself(name, seed, jobs).set_params(n_folds=n_folds)
            yield name, column, *fitted(model, digits)


def with_itself(name, seed, jobs):
    """A transformer to be trained with a classifier as its head."""
    settings = {**TRANSFORMER, **ITSELF}
    if name in SHARPER:
        settings["output_shape"] = SHARPER[name]
    return SpatialTransformerClassifier(
        head=HEADS[name], **settings, n_jobs=jobs, random_state=seed
    )


def scored(name, head, digits, seed):
    """(test accuracy, seconds of the fit) of a classifier, on flat rows where it wants them."""
    head = clone(head)
    seeds = [key for key in head.get_params() if key.rpartition("__")[2] == "random_state"]
    head.set_params(**dict.fromkeys(seeds, seed))
    X, X_test, *rest = digits
    if "HOG" not in name:
        X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    start = time.perf_counter()
    head.fit(X, rest[0])
    return head.score(X_test, rest[1]), time.perf_counter() - start


def fitted(model, digits):
    """(test accuracy, seconds of the fit) of a transformer with its classifier."""
    X, X_test, y, y_test, groups = digits
    start = time.perf_counter()
    model.fit(X, y, groups=groups)
    return model.score(X_test, y_test), time.perf_counter() - start


def print_means(columns, names):
    """The table: a line a classifier, the means over the seeds."""
    print(f"{'mean test accuracy':24}", *(f"{column:>22}" for column in columns))
    for name in names:
        print(f"{name:24}", *(f"{np.mean(column[name]):22.1%}" for column in columns.values()))


if __name__ == "__main__":
    main()
