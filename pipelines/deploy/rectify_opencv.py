"""Rectify photos by a file that `stn-cv export` wrote, with NumPy and OpenCV 5 alone.

As `stn-cv rectify` does: the transform is found on a small letterboxed copy, and the photo is
warped at its own resolution. Transparency and metadata of photos are not kept.
"""

import argparse
import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

SEAL = b"rJ\n\x06sha256\x12@"  # begins a model's last 76 bytes, which hold the others' hash
WHITE = {"uint8": np.float32(255), "uint16": np.float32(65535), "float32": np.float32(1)}
CHANGES = {(2, 3): cv2.COLOR_GRAY2RGB, (3, 3): cv2.COLOR_BGR2RGB, (3, 1): cv2.COLOR_BGR2GRAY}
BACKWARD = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
KEEP = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
BORDERS = {"zeros": cv2.BORDER_CONSTANT, "border": cv2.BORDER_REPLICATE, "reflection": 2}
LARGEST, COARSE = 89_478_485, 1.5  # pixels; photo's pixels a side, from which they are averaged


class Model:
    """An exported file. Threads may share it: each has a net, for a shared one gives nonsense."""

    def __init__(self, path):
        self.data, self.own = Path(path).read_bytes(), threading.local()
        body, seal = self.data[:-76], self.data[-76:]
        if seal != SEAL + hashlib.sha256(body).hexdigest().encode():
            raise SystemExit(f"{path} is no file of stn-cv export, or was changed: export it again")
        at = body.rindex(b"\n\x06stn_cv\x12") + 9  # here stands the length of what follows
        self.facts = json.loads(body[at + next(i for i in range(9) if body[at + i] < 128) + 1 :])
        if self.facts["format"][0] != 1:
            raise SystemExit(f"{path} is by {self.facts['library']}: take the script of that one")
        self.spec, self.fill = self.facts["image_spec"], self.facts["fill_value"]
        self.shape = self.spec["height"], self.spec["width"]

    def find(self, photo):
        """What the net gives of a photo, BGR or grey, by name; sides (x, y) of the letterbox."""
        sides = photo.shape[0] * self.shape[1] / (photo.shape[1] * self.shape[0])
        sides = np.maximum([sides, 1 / sides], 1)  # theta is normalized on it; the photo's are 1
        if not hasattr(self.own, "net"):
            self.own.net = cv2.dnn.readNetFromONNX(np.frombuffer(self.data, np.uint8))
        self.own.net.setInput(self.small_copy(photo, sides)[None])
        names = self.own.net.getUnconnectedOutLayersNames()
        results = zip(names, self.own.net.forward(names), strict=True)
        return {name: np.array(result[0], float) for name, result in results}, sides

    def small_copy(self, photo, sides):
        """The photo in the middle of a letterbox of the model's size, channels and range."""
        inside, white = min(np.divide(self.shape, photo.shape[:2])), WHITE[photo.dtype.name]
        small = resized(photo, [max(round(side * inside), 1) for side in photo.shape[:2]])
        change = CHANGES.get((small.ndim, self.spec["channels"]))
        small = small if change is None else cv2.cvtColor(small, change)
        theta, small = np.diag([*sides, 1])[:2], np.float32(small)
        small = warped(small, theta, self.shape, "zeros", self.fill * white)
        small = np.rint(small) if photo.dtype.kind == "u" else small
        if photo.dtype.name != self.spec["range"]:
            small = np.clip(small / white, 0, 1)
            if self.spec["range"] in WHITE:
                small = np.rint(small * WHITE[self.spec["range"]])
        return small.reshape(*self.shape, -1)

    def rectify(self, photo):
        """The photo in the model's pose and proportions; the median pixel shows one of it."""
        found, sides = self.find(photo)
        theta, line = found["theta"], np.linspace(-1, 1, 17)
        if theta.shape[1] == 3:
            theta *= [[sides[0]] * 3, [sides[1]] * 3, [1] * 3][: len(theta)]
        at = moved(theta, sides, np.stack(np.meshgrid(line, line), axis=-1))
        (a, b), (c, d) = (at[1:, 1:] - at[:-1, :-1]).T, (at[1:, :-1] - at[:-1, 1:]).T
        area = np.median(np.abs(a * d - b * c)) * 32 * photo.shape[0] * photo.shape[1]
        gain = np.sqrt(min(area, LARGEST) / np.prod(self.facts["output_shape"]))
        shape = [max(round(side * gain), 1) for side in self.facts["output_shape"]]
        coarse = np.sqrt(area / np.prod(shape))
        small = [max(round(side / coarse), 1) for side in photo.shape[:2]]
        photo = resized(photo, small) if coarse >= COARSE else photo
        fill = self.fill * WHITE[photo.dtype.name]
        return warped(photo, theta, shape, self.facts["padding_mode"], fill, sides)


def warped(image, theta, shape, padding_mode, fill, sides=1):
    """An image of any size as theta shows it in an output of so many rows and columns."""
    (h, w), (rows, columns) = image.shape[:2], shape
    rest = {"borderMode": BORDERS[padding_mode], "borderValue": [float(fill)] * 4}
    if theta.shape[1] == 2:
        x, y = ((2 * np.arange(side) + 1) / side - 1 for side in (columns, rows))
        at = [moved(theta, sides, np.stack(np.meshgrid(x, [row]), axis=-1))[0] for row in y]
        at = np.float32((np.array(at) * [w, h] + [w - 1, h - 1]) / 2)
        return cv2.remap(image, at, None, cv2.INTER_LINEAR, **rest)
    matrix = np.array([[w / 2, 0, (w - 1) / 2], [0, h / 2, (h - 1) / 2], [0, 0, 1]])
    matrix = matrix @ np.vstack([theta, [0, 0, 1]])[:3]
    matrix = matrix @ [[2 / columns, 0, 1 / columns - 1], [0, 2 / rows, 1 / rows - 1], [0, 0, 1]]
    warp = cv2.warpAffine if len(theta) == 2 else cv2.warpPerspective
    return warp(image, matrix[: len(theta)], (columns, rows), flags=BACKWARD, **rest)


def moved(theta, sides, points):
    """Where points (..., 2) of the output lie in the photo; of a spline theta, on the letterbox."""
    if theta.shape[1] == 3:
        at = np.concatenate([points, np.ones_like(points[..., :1])], axis=-1) @ theta.T
        return at[..., :2] / at[..., 2:] if len(theta) == 3 else at
    line = np.linspace(-1, 1, round(len(theta) ** 0.5))
    controls = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)

    def terms(points):
        far = np.square(points[..., None, :] - controls).sum(axis=-1) + np.finfo(float).tiny
        return np.concatenate([far * np.log(far), np.ones_like(points[..., :1]), points], axis=-1)

    system = terms(controls)
    system = np.vstack([system, np.hstack([system[:, -3:].T, np.zeros((3, 3))])])
    weights = np.linalg.solve(system, np.vstack([theta, np.zeros((3, 2))]))
    return sides * (points + terms(points) @ weights)


def resized(image, shape):
    """Averaged by area along sides that shrink, by halves first; linear along those that grow."""
    (h, w), (rows, columns) = image.shape[:2], np.minimum(shape, image.shape[:2]).tolist()
    while not (h % 2 or w % 2) and h >= 4 * rows and w >= 4 * columns:
        h, w = h // 2, w // 2
        image = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
    image = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, shape[::-1], interpolation=cv2.INTER_LINEAR)


def main():
    """Rectify each photo into the folder, on all cores; what failed is said at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, how in (("model", {}), ("photos", {"nargs": "+"}), ("--out", {"required": True})):
        parser.add_argument(name, type=Path, **how)
    given = parser.parse_args()
    if not given.model.is_file():
        parser.error(f"{given.model} is no file")

    def rectify(path):
        try:
            photo = cv2.imdecode(np.fromfile(path, np.uint8), KEEP)
            given.out.mkdir(parents=True, exist_ok=True)
            part = given.out / f".{path.name}.part"
            cv2.imencode(path.suffix, model.rectify(photo))[1].tofile(part)
            part.replace(given.out / path.name)
        except Exception as error:  # one bad photo costs no other
            return f"{path}: {error}"

    model = Model(given.model)
    with ThreadPoolExecutor() as pool:
        return "\n".join(filter(None, pool.map(rectify, given.photos)))


if __name__ == "__main__":
    cv2.setNumThreads(1)
    raise SystemExit(main() or 0)
