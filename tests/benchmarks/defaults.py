"""What estimators are worth as constructed, beside what costs less and what was tuned.

python tests/benchmarks/defaults.py [--half develop] [--job WORDS] [--seeds 0] [--try NAME=VALUE]

--mnist PATH   an .npz or a folder of IDX files; jobs on MNIST are left out without it
--cards PATH   an .npz with X, y, split of photos of cards; left out without it
--only COLUMN  some of alone, moments, defaults, fixed crop, tuned; fixed crop needs defaults
--part N       learn from N of the training samples, and judge on others of them
--try          parameters in place of defaults, as in --try n_steps=2 head='"linear"'

Only `develop` is for choosing defaults on. `held` is looked at once, when they are chosen.
"""

import argparse
import ast
import json
import time
import warnings

import numpy as np
from default_jobs import DEVELOP, HELD
from sklearn.base import clone
from sklearn.utils import get_tags
from threadpoolctl import threadpool_limits

from stn_cv import (
    SpatialTransformer,
    SpatialTransformerClassifier,
    theta_from_moments,
    warp_affine,
)
from stn_cv.nn import Flatten

COLUMNS = ("alone", "moments", "defaults", "fixed crop", "tuned")
STAYS = {"localization": [Flatten()], "localization_learning_rate_ratio": 0.0, "n_steps": 1}
WITHOUT = {"early_stopping": False}  # nothing held out, and so never turned off


def main():
    """Run the jobs, print a line of JSON for each and then the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=["develop", "held"], default="develop")
    parser.add_argument("--job", nargs="*", default=[""])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--only", nargs="*", choices=COLUMNS, default=COLUMNS)
    parser.add_argument("--try", nargs="*", dest="trying", default=[])
    parser.add_argument("--part", type=int)
    parser.add_argument("--mnist")
    parser.add_argument("--cards")
    parser.add_argument("--n-jobs", type=int, default=1)
    options = parser.parse_args()
    pairs = (text.split("=", 1) for text in options.trying)
    options.trying = {name: ast.literal_eval(value) for name, value in pairs}
    warnings.simplefilter("ignore")
    jobs = DEVELOP if options.half == "develop" else HELD
    rows = {}
    for name, job in jobs.items():
        if not any(words in name for words in options.job):
            continue
        for seed in options.seeds:
            data = job.data(options, seed)
            if data is None:
                print(f"left out, without its data: {name}", flush=True)
                break
            if options.part is not None:
                data = part_of(data, options.part, seed)
            with threadpool_limits(1, "blas"):
                row = run(job, data, seed, options)
            rows.setdefault(name, []).append(row)
            print(json.dumps({"job": name, "seed": seed, **row}), flush=True)
    print_table(rows)


def part_of(data, n, seed):
    """Training samples alone: n to learn from, and others, 1,000 at most, in place of tests."""
    X, y = data[:2]
    order = np.random.default_rng([seed, n]).permutation(len(X))
    learned, judged = order[:n], order[n : n + 1000]
    return X[learned], y[learned], X[judged], y[judged]


def run(job, data, seed, options):
    """Accuracies and CPU seconds of one job."""
    tried = {**options.trying, "random_state": seed, "n_jobs": options.n_jobs}
    models = []  # the one that defaults fitted

    def cropped(X):
        theta = models[0].predict_theta(data[0]).mean(axis=0)
        return models[0].rectifier_.rectify(X, theta=np.broadcast_to(theta, (len(X), *theta.shape)))

    columns = {
        "alone": lambda: alone(job, data, seed, lambda X: X),
        "moments": lambda: alone(job, data, seed, by_moments),
        "defaults": lambda: behind(job, data, tried, models),
        "fixed crop": lambda: alone(job, data, seed, cropped),
        "tuned": lambda: behind(job, data, {**WITHOUT, **job.tuned, "random_state": seed}, []),
    }
    row = {}
    for column in options.only:
        start = time.process_time()
        row[column] = round(float(columns[column]()), 4)
        row[f"{column} s"] = round(time.process_time() - start, 1)
    for model in models:
        row["chosen"] = model.chosen_
        row["report"] = {kind: round(own.value, 4) for kind, own in accuracies(model).items()}
    return row


def accuracies(model):
    """What its report says, if it could compare."""
    return {} if model.pose_report_ is None else model.pose_report_.accuracy


def flat(X):
    """Rows; a HOG that needs pictures takes them as they are."""
    return X.reshape(len(X), -1)


def fitted(model, X, y, X_test, y_test):
    """Accuracy of what stands behind; images for what wants images."""
    first = model[0] if hasattr(model, "steps") else model
    as_input = (lambda X: X) if get_tags(first).input_tags.three_d_array else flat
    return clone(model).fit(as_input(X), y).score(as_input(X_test), y_test)


def by_moments(X):
    """Images by centre, size and principal axis."""
    return warp_affine(X, theta_from_moments(X))


def alone(job, data, seed, view):
    """Without a transformer, on views of the images."""
    X, y, X_test, y_test = data
    X, X_test = view(X), view(X_test)
    if job.behind is not None:
        return fitted(job.behind, X, y, X_test, y_test)
    tuned = {name: job.tuned[name] for name in ("learning_rate_init", "alpha", "max_iter")}
    model = SpatialTransformerClassifier(**STAYS, **WITHOUT, **tuned, random_state=seed)
    return model.fit(X, y).score(X_test, y_test)


def behind(job, data, given, models):
    """Behind a transformer, which is kept in `models`, or its own head."""
    X, y, X_test, y_test = data
    given = {**job.states, **given}
    if job.as_head:
        given["head"] = job.behind
    cls = SpatialTransformerClassifier if job.behind is None else SpatialTransformer
    model = cls(**given).fit(X, y)
    models.append(model)
    if job.behind is None:
        return model.score(X_test, y_test)
    return fitted(job.behind, model.transform(X), y, model.transform(X_test), y_test)


def print_table(rows):
    """Means over seeds, in percent."""
    print(f"\n{'job':32}" + "".join(f"{column:>10}{'CPU s':>7}" for column in COLUMNS))
    for name, runs in rows.items():
        cells = []
        for column in COLUMNS:
            values = [run[column] for run in runs if column in run]
            if not values:
                cells.append(f"{'':17}")
                continue
            seconds = np.mean([run[f"{column} s"] for run in runs])
            cells.append(f"{np.mean(values):>10.1%}{seconds:>7.0f}")
        print(f"{name:32}" + "".join(cells))


if __name__ == "__main__":
    main()
