"""Playing cards lying at any turn: 20 upright ones known, 50 with known corners, or nothing.

The folder holds `card_crops96.npz`, `upright.csv` and `rectangles.csv`, as the README beside it
says. Crops of one photo are never both learned from and judged. The C of the classifier behind was
chosen by cross-validation on the training crops, photos apart.
"""

import csv

import numpy as np
from pose_peers import PEERS
from pose_score import Reach, Table, pose_errors, similarities, turn_errors, turns_left
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from stn_cv import HOG, JointAlignment, PoseTransformer, warp_affine

REACH = Reach(180, (0.6, 1.4), 0.2, symmetry=2)
N_UPRIGHT, N_CORNERS = 20, 50
CONFIDENT = 0.8  # share of the alignment's poses that a network learns from
CANVASES = {"50,000 canvases of PoseTransformer": 50_000, "PoseTransformer": "auto"}
HALF_TURN = similarities([180], [1], (0, 0))[0]
FREE = ("as they lie", "moments")  # peers quick enough to rectify all crops for a classifier


class Cards:
    """The crops; of some the pose, in the frame of the upright ones."""

    def __init__(self, folder):
        with np.load(folder / "card_crops96.npz") as file:
            self.images, self.y = file["X"], file["y"]
            self.train, self.photo = file["split"] == "train", file["image"]
        self.upright = np.array([int(row["crop"]) for row in _rows(folder / "upright.csv")])
        rows = _rows(folder / "rectangles.csv")
        self.measured = np.array([int(row["crop"]) for row in rows])
        columns = [[float(row[name]) for name in ("angle", "x", "y", "long_side")] for row in rows]
        angle, x, y, side = np.array(columns).T
        usual = np.median(side[np.isin(self.measured, self.upright)])
        half = self.images.shape[1] / 2
        centres = np.stack([x + 0.5, y + 0.5], axis=1) / half - 1
        self.truth = similarities(angle, side / usual, centres)

    def elsewhere(self, crops):
        """Which of the measured crops are of other photos than `crops`."""
        return ~np.isin(self.photo[self.measured], self.photo[crops])

    def accuracy(self, theta):
        """Per cent right of HOG and a linear classifier, both half turns learned from."""
        images = self.images.astype(np.float32) / 255
        as_found, turned = (
            warp_affine(images, pose, (64, 64), antialias=True, padding_mode="border").mean(axis=3)
            for pose in (theta, theta @ np.block([[HALF_TURN], [np.array([0, 0, 1])]]))
        )
        hog = HOG(pixels_per_cell=(8, 8), cells_per_block=(2, 2))
        rows, turned = hog.fit_transform(as_found), hog.transform(turned)
        model = make_pipeline(StandardScaler(), LinearSVC(C=0.001))
        train, y = self.train, self.y
        model.fit(np.concatenate([rows[train], turned[train]]), np.tile(y[train], 2))
        return 100 * model.score(rows[~train], y[~train])


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def run(options):
    """Three tables; a sheet of the test crops as the first seed's network turns them."""
    cards = Cards(options.cards)
    for job in (upright, corners, nothing):
        table = Table(f"cards, {job.__doc__}")
        for seed in options.seeds:
            job(cards, seed, table, options)
        table.print()


def upright(cards, seed, table, options):
    """20 upright crops known."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(cards.upright)[:N_UPRIGHT]
    seen = cards.elsewhere(chosen)
    images, truth = cards.images[cards.measured[seen]], cards.truth[seen]
    print(f"seed {seed}: {len(images)} crops judged")

    def judge(theta):
        return pose_errors(theta, truth, REACH.symmetry)

    for name, fit in PEERS.items():
        find = table.measure(name, lambda fit=fit: fit(cards.images[chosen], REACH), images, judge)
        if name in FREE:
            table.add(name, {"accuracy": cards.accuracy(find(cards.images))})
    for name, n_canvases in CANVASES.items():
        poser = pose_transformer(seed, options, n_canvases=n_canvases)
        fit = lambda poser=poser: poser.fit(cards.images[chosen]).predict_theta  # noqa: E731
        find = table.measure(name, fit, images, judge)
        theta = find(cards.images)
        table.add(name, {"accuracy": cards.accuracy(theta)})
    mean = np.tile(theta[cards.train].mean(axis=0), (len(theta), 1, 1))
    table.add("fixed crop, its mean theta", {"accuracy": cards.accuracy(mean)})
    options.sheet(f"cards_upright_{seed}", cards.images[~cards.train], theta[~cards.train])


def corners(cards, seed, table, options):
    """50 crops with known corners."""
    chosen = np.random.default_rng(seed).permutation(len(cards.measured))[:N_CORNERS]
    seen = cards.elsewhere(cards.measured[chosen])
    images, truth = cards.images[cards.measured[seen]], cards.truth[seen]
    print(f"seed {seed}: {len(images)} crops judged")
    examples, known = cards.images[cards.measured[chosen]], cards.truth[chosen]
    rectified = warp_affine(examples, known, examples.shape[1:3], padding_mode="border")

    def judge(theta):
        return pose_errors(theta, truth, REACH.symmetry)

    for name, fit in PEERS.items():
        table.measure(name, lambda fit=fit: fit(rectified, REACH), images, judge)
    known_reach = {"scale": "auto", "shift": "auto"}  # known poses say it
    for name, n_canvases in CANVASES.items():
        poser = pose_transformer(seed, options, n_canvases=n_canvases, **known_reach)
        fit = lambda poser=poser: poser.fit(examples, known).predict_theta  # noqa: E731
        table.measure(name, fit, images, judge)


def nothing(cards, seed, table, options):
    """Nothing known; one turn of all taken off."""
    rng = np.random.default_rng(seed)
    photos = np.unique(cards.photo[cards.measured])
    judged = rng.permutation(photos)[: len(photos) // 2]
    seen = np.isin(cards.photo[cards.measured], judged)
    images, truth = cards.images[cards.measured[seen]], cards.truth[seen]
    others = cards.images[~np.isin(cards.photo, judged)]
    print(f"seed {seed}: {len(others)} crops learned from, {len(images)} judged")

    def judge(theta):
        left = np.deg2rad(turns_left(theta, truth, REACH.symmetry)) * REACH.symmetry
        common = np.angle(np.exp(1j * left).mean())
        left = (left - common + np.pi) % (2 * np.pi) - np.pi
        return turn_errors(np.abs(np.rad2deg(left)) / REACH.symmetry)

    for name in FREE:
        table.measure(name, lambda name=name: PEERS[name](others, REACH), images, judge)
    alignment = JointAlignment(symmetry=REACH.symmetry, random_state=seed, n_jobs=options.jobs)
    name = "JointAlignment"
    find = table.measure(name, lambda: alignment.fit(others).predict_theta, images, judge)
    table.add(name, {"accuracy": cards.accuracy(find(cards.images))})
    sure = alignment.correlation_ >= np.quantile(alignment.correlation_, 1 - CONFIDENT)
    poser, name = pose_transformer(seed, options), "PoseTransformer on what it found"

    def fit():
        return poser.fit(others[sure], alignment.theta_[sure]).predict_theta

    find = table.measure(name, fit, images, judge)
    table.add(name, {"accuracy": cards.accuracy(find(cards.images))})


def pose_transformer(seed, options, **parameters):
    """As a user would make it."""
    reach = {"scale": REACH.scale, "shift": REACH.shift}
    return PoseTransformer(
        symmetry=REACH.symmetry, **{**reach, **parameters}, random_state=seed, n_jobs=options.jobs
    )
