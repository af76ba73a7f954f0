"""Parameters of a transformer and of the classifier behind it, searched together in minutes.

python pipelines/search.py [--seed 0] [--copies 1] [--jobs -1]

A Pipeline on distorted digits, and scikit-learn's own search over it: every combination is judged
by cross-validation that keeps copies of a digit together, and the best one is
fitted on all training digits and scored once on the test digits. Fitted transformers are kept
for as long as the search runs, so that classifiers behind the same one cost little.
"""

import argparse
import tempfile
import warnings

from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from stn_cv import InterruptedWarning, PoseWarning, SpatialTransformer
from stn_cv.datasets import load_distorted_digits

# What is worth trying first. More for harder jobs: output_shape, alpha from 0.02 to 0.5,
# learning_rate_init from 0.003 to 0.05 (with a CNN head 0.001 to 0.01), max_iter.
RANGES = {
    "rectify__family": ["attention", "similarity", "affine"],
    "rectify__n_steps": [1, 2],
    "classify__C": [1, 10],
}
FOLDS = 2


def main() -> None:
    """Search, and print each combination's accuracy, the best first."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--copies", type=int, default=1, help="of each digit")
    parser.add_argument("--epochs", type=int, help="of each fit; by default the library's own")
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", PoseWarning)  # what is not worth it loses the search
    warnings.simplefilter("error", InterruptedWarning)  # half a training has no figure
    digits = load_distorted_digits(n_copies=arguments.copies, random_state=arguments.seed)
    rows, tests = (X.reshape(len(X), -1) for X in (digits.X_train, digits.X_test))
    try:
        with tempfile.TemporaryDirectory() as memory, threadpool_limits(1, "blas"):
            search = search_over(arguments, memory)
            search.fit(rows, digits.y_train, groups=digits.groups_train)
    except (KeyboardInterrupt, InterruptedWarning):
        raise SystemExit(130) from None
    show(search)
    print(f"test accuracy of the best: {search.score(tests, digits.y_test):.1%}")


def search_over(arguments: argparse.Namespace, memory: str) -> GridSearchCV:
    """The search; one fit at a time, each on all threads."""
    rectify = SpatialTransformer(
        image_shape=(32, 32),
        start="identity",  # where labels teach the pose, and half the time
        max_iter=arguments.epochs or "auto",
        n_jobs=arguments.jobs,
        random_state=arguments.seed,
    )
    model = Pipeline([("rectify", rectify), ("classify", SVC())], memory=memory)
    return GridSearchCV(model, RANGES, cv=StratifiedGroupKFold(FOLDS))


def show(search: GridSearchCV) -> None:
    """A line for each combination."""
    found = search.cv_results_
    order = found["rank_test_score"].argsort(kind="stable")
    for number in order:
        values = [found[f"param_{name}"][number] for name in RANGES]
        names = [name.partition("__")[2] for name in RANGES]
        told = ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
        print(f"{found['mean_test_score'][number]:6.1%}  {told}")


if __name__ == "__main__":
    main()
