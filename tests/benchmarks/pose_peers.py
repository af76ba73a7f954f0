"""What finds poses without learning: ECC, SIFT, template search, moments; beside `pose.py`.

Each `fit_...` takes upright examples (n, h, w[, c]) of uint8 and a `Reach`, and gives a function
from pictures to theta. Where a contender finds nothing the picture counts as upright.
"""

import cv2
import numpy as np
from pose_score import similarities, square
from sklearn.cluster import KMeans

from stn_cv import theta_from_cv2, theta_from_moments, warp_affine
from stn_cv.opencv import resize_area

SIDE = 32  # pixels a side that templates are compared at
WINDOW = 20  # a side of the middle of a template that is looked for
TEMPLATES, ECC_TEMPLATES, SIFT_EXAMPLES = 100, 8, 60
TURN_STEP, ECC_STEP = 10.0, 30.0  # degrees between first guesses
ECC_ROUNDS = 50, 1e-4
SIFT_SIDE = 128  # pixels to which pictures are enlarged for SIFT
IDENTITY = np.eye(2, 3)


def grey(images, side=SIDE):
    """Pictures (n, side, side), float32."""
    flat = images if images.ndim == 3 else images.mean(axis=3)
    return resize_area(np.ascontiguousarray(flat, np.float32), (side, side))


def representatives(images, count):
    """Of n small pictures those nearest to the middles of `count` clusters."""
    if len(images) <= count:
        return images
    rows = images.reshape(len(images), -1)
    distances = KMeans(count, n_init=1, random_state=0).fit(rows).transform(rows)
    return images[distances.argmin(axis=0)]


def guesses(reach, step):
    """Degrees, `step` apart, over all turns that do not look the same."""
    widest = min(reach.angle, 180 / reach.symmetry)
    count = int(np.ceil(2 * widest / step))
    closed = widest == 180 / reach.symmetry  # the last is the first again
    return np.linspace(-widest, widest, count + 1)[: count + (not closed)]


def fit_templates(examples, reach):
    """Normalized cross-correlation over templates, turns, sizes and places, coarse then fine."""
    templates = representatives(grey(examples), TEMPLATES)
    turns, sizes = guesses(reach, TURN_STEP), np.geomspace(*reach.scale, 4)
    which, turns, sizes = (
        grid.ravel() for grid in np.meshgrid(np.arange(len(templates)), turns, sizes, indexing="ij")
    )
    coarse = _templates(templates[which], turns, sizes)

    def find_one(image):
        windows = np.lib.stride_tricks.sliding_window_view(image, (WINDOW, WINDOW))
        places = windows.shape[0]
        windows = _unit(windows.reshape(places**2, -1))
        best = int((coarse @ windows.T).max(axis=1).argmax())
        degrees, factors = (
            grid.ravel()
            for grid in np.meshgrid(
                turns[best] + np.linspace(-7.5, 7.5, 13), sizes[best] * np.geomspace(0.85, 1.18, 7)
            )
        )
        fine = _templates(
            np.repeat(templates[which[best]][None], len(degrees), 0), degrees, factors
        )
        agreement = fine @ windows.T
        pose, place = np.unravel_index(agreement.argmax(), agreement.shape)
        y, x = np.array(divmod(place, places)) - (places - 1) / 2
        return similarities([degrees[pose]], [factors[pose]], (2 * x / SIDE, 2 * y / SIDE))[0]

    return lambda images: np.stack([find_one(image) for image in grey(images)])


def _templates(images, turns, sizes):
    """The middles of pictures as they look turned and scaled, as normalized rows."""
    back = np.linalg.inv(square(similarities(turns, sizes, (0, 0))))[:, :2]
    seen = warp_affine(images, back, (SIDE, SIDE), padding_mode="border")
    edge = (SIDE - WINDOW) // 2
    return _unit(seen[:, edge:-edge, edge:-edge].reshape(len(images), -1))


def _unit(rows):
    """Rows of mean 0 and length 1, float32."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    return (rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6)).astype(np.float32)


def fit_ecc(examples, reach):
    """`cv2.findTransformECC` from several turns to several examples; the best correlation."""
    templates = representatives(grey(examples), ECC_TEMPLATES)
    centre = (SIDE - 1) / 2
    starts = []
    for theta in similarities(turns := guesses(reach, ECC_STEP), np.ones(len(turns)), (0, 0)):
        start = np.zeros((2, 3), np.float32)
        start[:, :2] = theta[:, :2]
        start[:, 2] = centre - theta[:, :2] @ [centre, centre]
        starts.append(start)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, *ECC_ROUNDS)

    def find_one(image):
        best = -1.0, IDENTITY
        for template in templates:
            for start in starts:
                try:
                    found = cv2.findTransformECC(
                        template, image, start.copy(), cv2.MOTION_AFFINE, criteria, None, 3
                    )
                except cv2.error:  # "the iterations do not converge"
                    continue
                best = max(best, found, key=lambda pair: pair[0])
        return _theta(best[1], (SIDE, SIDE))

    return lambda images: np.stack([find_one(image) for image in grey(images)])


def fit_sift(examples, reach):
    """SIFT matched to each example, a similarity by RANSAC; the example of most inliers."""
    detector = cv2.SIFT_create(contrastThreshold=0.01)
    matcher = cv2.BFMatcher()

    def features(images):
        for image in grey(images, SIFT_SIDE):
            yield detector.detectAndCompute(image.clip(0, 255).astype(np.uint8), None)

    known = [
        (np.array([point.pt for point in points]), descriptors)
        for points, descriptors in features(examples[:SIFT_EXAMPLES])
        if len(points) >= 2
    ]

    def find_one(points, descriptors):
        most, best = 3, IDENTITY
        if len(points) < 2:
            return _theta(best, (SIFT_SIDE, SIFT_SIDE))
        places = np.array([point.pt for point in points])
        for where, described in known:
            pairs = matcher.knnMatch(described, descriptors, k=2)
            good = [a for a, b in pairs if a.distance < 0.8 * b.distance]
            if len(good) <= most:
                continue
            source = where[[match.queryIdx for match in good]]
            target = places[[match.trainIdx for match in good]]
            matrix, inliers = cv2.estimateAffinePartial2D(source, target, ransacReprojThreshold=4.0)
            if matrix is not None and inliers.sum() > most:
                most, best = inliers.sum(), matrix
        return _theta(best, (SIFT_SIDE, SIFT_SIDE))

    return lambda images: np.stack([find_one(*found) for found in features(images)])


def _theta(matrix, shape):
    """Theta of a pixel matrix that maps the upright picture into the photo."""
    return theta_from_cv2(matrix, shape, shape, direction="output_to_source")


def fit_moments(examples, reach):
    """Centre, size and principal axis, in the mean as those of the examples."""
    theta = theta_from_moments(examples)
    turns = theta[:, 0, 0] + 1j * theta[:, 1, 0]
    turn = np.angle(np.mean((turns / np.abs(turns)) ** 2)) / 2
    size = np.exp(np.mean(np.log(np.abs(turns))))
    usual = similarities([np.rad2deg(turn)], [size], theta[:, :, 2].mean(axis=0))
    back = np.linalg.inv(square(usual))
    return lambda images: (square(theta_from_moments(images)) @ back)[:, :2]


def fit_nothing(examples, reach):
    """As they lie."""
    return lambda images: np.tile(IDENTITY, (len(images), 1, 1))


PEERS = {
    "as they lie": fit_nothing,
    "moments": fit_moments,
    "NCC template search": fit_templates,
    "ECC, several starts": fit_ecc,
    "SIFT + RANSAC": fit_sift,
}
