"""Slow twins of the sampling functions: float64, no cleverness, nothing shared with them."""

import numpy as np

PADDING_MODES = ("zeros", "border", "reflection")


def centres(size, align_corners):
    """Normalized coordinates of the pixel centres along one axis."""
    if align_corners:
        return np.array([2 * i / (size - 1) - 1 if size > 1 else 0.0 for i in range(size)])
    return np.array([(2 * i + 1) / size - 1 for i in range(size)])


def to_pixel(x, size, align_corners):
    x = np.asarray(x, np.float64)
    return (x + 1) / 2 * (size - 1) if align_corners else ((x + 1) * size - 1) / 2


def affine_grid(theta, output_shape, align_corners=False):
    """Grid (height, width, 2) of one theta (2, 3)."""
    height, width = output_shape
    x, y = np.meshgrid(centres(width, align_corners), centres(height, align_corners))
    return np.stack([x, y, np.ones_like(x)], axis=-1) @ np.asarray(theta, np.float64).T


def projective_grid(theta, output_shape):
    """Grid (height, width, 2) of one theta (3, 3); what lies behind the camera is far away."""
    height, width = output_shape
    grid = np.empty((height, width, 2))
    for i, y in enumerate(centres(height, False)):
        for j, x in enumerate(centres(width, False)):
            u, v, w = np.asarray(theta, np.float64) @ (x, y, 1.0)
            seen = w > 1e-3 * np.abs(theta[2]).sum()
            grid[i, j] = (u / w, v / w) if seen else (1e6, 1e6)
    return grid


def bump(squared_distance):
    return squared_distance * np.log(squared_distance) if squared_distance > 0 else 0.0


def spline_grid(theta, output_shape):
    """Grid (height, width, 2) of one theta (k * k, 2): Bookstein's equations, solved anew."""
    n = len(theta)
    k = round(np.sqrt(n))
    controls = [(-1 + 2 * j / (k - 1), -1 + 2 * i / (k - 1)) for i in range(k) for j in range(k)]

    def terms(x, y):
        return [*(bump((x - a) ** 2 + (y - b) ** 2) for a, b in controls), 1.0, x, y]

    system = np.zeros((n + 3, n + 3))
    for i, (x, y) in enumerate(controls):
        system[i] = terms(x, y)
        system[n:, i] = 1.0, x, y
    weights = np.linalg.solve(system, np.concatenate([theta, np.zeros((3, 2))]))
    height, width = output_shape
    grid = np.empty((height, width, 2))
    for i, y in enumerate(centres(height, False)):
        for j, x in enumerate(centres(width, False)):
            grid[i, j] = (x, y) + terms(x, y) @ weights
    return grid


def grid_of(theta, output_shape):
    """Grid (height, width, 2) of one theta of any family."""
    grid = {(2, 3): affine_grid, (3, 3): projective_grid}.get(np.shape(theta), spline_grid)
    return grid(theta, output_shape)


def mirrored(x, size, align_corners):
    low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
    if span == 0:
        return np.zeros_like(x)
    rest = np.mod(x - low, 2 * span)
    return low + np.where(rest <= span, rest, 2 * span - rest)


def padded(x, size, padding_mode, align_corners):
    """The coordinate to look at, so far as the padding rule changes it."""
    if padding_mode == "reflection":
        x = mirrored(x, size, align_corners)
    if padding_mode == "zeros":
        return np.clip(x, -2, size + 1)  # beyond, everything is outside
    return np.clip(x, 0, size - 1)


def look(image, row, column, fill):
    """The pixels, or `fill` where there is none."""
    height, width = image.shape[:2]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    return np.where(inside[..., None], image[row.astype(int), column.astype(int)], fill)


def keys(distance):
    """Keys 1981, eq. 15, with a = -0.75."""
    d, a = np.abs(distance), -0.75
    near, far = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def sample_bicubic(image, x, y, padding_mode, align_corners, fill):
    """Sixteen neighbours, each brought back by the padding rule on its own."""
    height, width = image.shape[:2]
    out = 0.0
    for i in range(-1, 3):
        for j in range(-1, 3):
            row, column = np.floor(y) + i, np.floor(x) + j
            weight = keys(y - row) * keys(x - column)
            row = padded(row, height, padding_mode, align_corners)
            column = padded(column, width, padding_mode, align_corners)
            out = out + weight[..., None] * look(image, np.rint(row), np.rint(column), fill)
    return out


def sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False, fill=0.0):
    """One image (h, w, c) at one grid (rows, columns, 2)."""
    image = np.asarray(image, np.float64)
    height, width = image.shape[:2]
    if mode == "bicubic":
        x, y = (to_pixel(grid[..., i], n, align_corners) for i, n in ((0, width), (1, height)))
        return sample_bicubic(image, x, y, padding_mode, align_corners, fill)
    x = padded(to_pixel(grid[..., 0], width, align_corners), width, padding_mode, align_corners)
    y = padded(to_pixel(grid[..., 1], height, align_corners), height, padding_mode, align_corners)
    if mode == "nearest":
        return look(image, np.rint(y), np.rint(x), fill)
    left, top = np.floor(x), np.floor(y)
    out = 0.0
    for row, by_row in ((top, top + 1 - y), (top + 1, y - top)):
        for column, by_column in ((left, left + 1 - x), (left + 1, x - left)):
            out = out + (by_row * by_column)[..., None] * look(image, row, column, fill)
    return out


def warp(image, theta, output_shape, mode="bilinear", padding_mode="zeros", align_corners=False,
         fill=0.0):  # fmt: skip
    """One image (h, w, c) by one theta, which without ``align_corners`` may be of any family."""
    grid = grid_of if not align_corners else lambda *given: affine_grid(*given, True)
    grid = grid(theta, output_shape)
    return sample(image, grid, mode, padding_mode, align_corners, fill)


def samples(theta, image_shape, output_shape, align_corners=False):
    """Samples of a pixel (down, across) of an antialiased warp, and the grid of all of them."""
    if np.shape(theta) != (2, 3):
        counts = [most_samples(theta, image_shape, output_shape, axis) for axis in (0, 1)]
        return counts, grid_of(theta, np.multiply(counts, output_shape))

    def grid_at(rows, columns):
        normalized = [
            np.zeros_like(at)
            if align_corners and size == 1
            else 2 * at / (size - 1) - 1
            if align_corners
            else (2 * at + 1) / size - 1
            for at, size in ((columns, output_shape[1]), (rows, output_shape[0]))
        ]
        x, y = np.meshgrid(*normalized)
        return np.stack([x, y, np.ones_like(x)], axis=-1) @ np.asarray(theta, np.float64).T

    two = np.array([0.0, 1.0])
    corner = to_pixel(grid_at(two, two), np.array(image_shape[1::-1]), align_corners)
    counts = [
        int(np.clip(np.ceil(np.linalg.norm(side - corner[0, 0]) - 1e-3), 1, 16))
        for side in (corner[1, 0], corner[0, 1])
    ]
    rows, columns = (
        (np.arange(size * count) + 0.5) / count - 0.5
        for size, count in zip(output_shape, counts, strict=True)
    )
    return counts, grid_at(rows, columns)


def most_samples(theta, image_shape, output_shape, axis):
    """The most that the sides of any four neighbours ask for, of those that reach the image."""
    sides = np.array(image_shape[1::-1])
    at = np.moveaxis(to_pixel(grid_of(theta, output_shape), sides, False), axis, 0)
    most = 1
    for i, j in np.ndindex(at.shape[0] - 1, at.shape[1] - 1):
        four = at[i : i + 2, j : j + 2]
        low, high = four.min(axis=(0, 1)), four.max(axis=(0, 1))
        margin = (high - low) / 2
        if (high - low).max() < 1e5 and np.all(high + margin > -1) and np.all(low - margin < sides):
            length = np.linalg.norm(four[1] - four[0], axis=-1).max()
            most = max(most, int(np.ceil(length - 1e-3)))
    return min(most, 16)


def antialiased(image, theta, output_shape, padding_mode="zeros", align_corners=False, fill=0.0):
    """One image (h, w, c) by one theta: means of samples."""
    (down, across), grid = samples(theta, image.shape, output_shape, align_corners)
    values = sample(image, grid, "bilinear", padding_mode, align_corners, fill)
    rows, columns = output_shape
    return values.reshape(rows, down, columns, across, -1).mean(axis=(1, 3))


def kink_distance(grid, image_shape, align_corners):
    """Distance in pixels of each grid point to where the slope or the nearest pixel changes.

    Those are the pixel centres, and half-way between them.
    """
    height, width = image_shape[:2]
    x = to_pixel(grid[..., 0], width, align_corners) * 2
    y = to_pixel(grid[..., 1], height, align_corners) * 2
    return np.minimum(np.abs(x - np.rint(x)), np.abs(y - np.rint(y))) / 2


def waves(height, width, channels=3):
    """An image that is the same at every resolution, from 0 to 1."""
    x, y = np.meshgrid(centres(width, False), centres(height, False))
    parts = [np.sin(3 * x + k) * np.cos(2 * y - k) for k in range(channels)]
    return (np.stack(parts, axis=-1) + 1) / 2


def numeric_gradient(function, x, eps=1e-6):
    """Central differences of a scalar function by each entry of a float64 array."""
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[index] = eps
        gradient[index] = (function(x + step) - function(x - step)) / (2 * eps)
    return gradient


def assert_gradient(function, x, dout, gradient):
    """`gradient` is that of ``sum(function(x) * dout)`` by x."""
    numeric = numeric_gradient(lambda x: np.sum(function(x) * dout), x)
    assert gradient.shape == x.shape and np.abs(numeric).max() > 1e-3  # not of a constant
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-7)
