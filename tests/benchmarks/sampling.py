"""Warps and grids against OpenCV, PyTorch, scikit-image and SciPy."""

import importlib.util

import numpy as np
from harness import agree, race, report

from stn_cv import affine_grid, grid_sample, theta_to_cv2, warp_affine, warp_affine_backward
from stn_cv.sampling import differentiable_warp
from stn_cv.threads import run_slices, slices_of

ONE_CHANNEL = [(256, 28, 28, 1), (256, 60, 60, 1), (64, 224, 224, 1), (1, 1080, 1920, 1)]
THREE_CHANNELS = [(64, 64, 64, 3), (16, 224, 224, 3), (1, 1080, 1920, 3)]


def has(module):
    return importlib.util.find_spec(module) is not None


def thetas(n, rng):
    """Rotation ±0.5 rad, scale 0.7 to 1.2, shift ±0.2, in normalized coordinates."""
    angle, scale = rng.uniform(-0.5, 0.5, n), rng.uniform(0.7, 1.2, n)
    theta = np.empty((n, 2, 3), np.float32)
    theta[:, 0, 0] = theta[:, 1, 1] = scale * np.cos(angle)
    theta[:, 1, 0] = scale * np.sin(angle)
    theta[:, 0, 1] = -theta[:, 1, 0]
    theta[:, :, 2] = rng.uniform(-0.2, 0.2, (n, 2))
    return theta


class Case:
    """The same images and thetas in the form each library takes."""

    def __init__(self, shape, dtype):
        rng = np.random.default_rng(0)
        coarse = rng.random((shape[0], shape[1] // 4 + 1, shape[2] // 4 + 1, shape[3]))
        smooth = coarse.repeat(4, axis=1).repeat(4, axis=2)[:, : shape[1], : shape[2]]
        scale = 255 if dtype == "uint8" else 1
        self.shape, self.theta = shape, thetas(shape[0], rng)
        self.images = np.ascontiguousarray((smooth * scale).astype(dtype))
        if shape[3] == 1:
            self.images = self.images[..., 0]
        self.size = shape[1:3]
        self.name = f"{'x'.join(map(str, shape))} {dtype}"
        self.unit = scale

    def torch(self):
        """(images, theta) as tensors, channels first."""
        import torch

        images = self.images if self.shape[3] > 1 else self.images[..., None]
        return torch.tensor(np.moveaxis(images, -1, 1).copy()), torch.tensor(self.theta)


def opencv_forward(case):
    import cv2

    to_source = theta_to_cv2(case.theta, case.size, case.size, direction="output_to_source")
    height, width = case.size
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def run():
        pairs = zip(case.images, to_source, strict=True)
        return [cv2.warpAffine(i, matrix, (width, height), flags=flags) for i, matrix in pairs]

    return run


def opencv_remap(case, grid):
    import cv2

    size = np.array(case.size[::-1], np.float32)
    maps = ((grid + 1) * size - 1) / 2

    def run():
        pairs = zip(case.images, maps, strict=True)
        return [cv2.remap(image, pixels, None, cv2.INTER_LINEAR) for image, pixels in pairs]

    return run


def torch_forward(case):
    import torch
    import torch.nn.functional as F

    images, theta = case.torch()

    def run():
        with torch.no_grad():
            grid = F.affine_grid(theta, list(images.shape), align_corners=False)
            return F.grid_sample(images, grid, align_corners=False)

    return run


def torch_sample(case, grid):
    import torch
    import torch.nn.functional as F

    images, grid = case.torch()[0], torch.tensor(grid)

    def run():
        with torch.no_grad():
            return F.grid_sample(images, grid, align_corners=False)

    return run


def torch_both(case, dout, want_dimages):
    import torch
    import torch.nn.functional as F

    images, theta = case.torch()
    images.requires_grad_(want_dimages)
    theta.requires_grad_()
    dout = torch.tensor(np.moveaxis(dout.reshape(case.shape), -1, 1).copy())

    def run():
        images.grad = theta.grad = None
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        F.grid_sample(images, grid, align_corners=False).backward(dout)
        return theta.grad

    return run


def skimage_forward(case):
    from skimage.transform import AffineTransform, warp

    to_source = theta_to_cv2(case.theta, case.size, case.size, direction="output_to_source")
    maps = [AffineTransform(np.vstack([m, [0, 0, 1]]).astype(np.float64)) for m in to_source]

    def run():
        pairs = zip(case.images, maps, strict=True)
        return np.stack([warp(i, m, order=1, preserve_range=True) for i, m in pairs])

    return run


def scipy_forward(case):
    from scipy.ndimage import affine_transform

    to_source = theta_to_cv2(case.theta, case.size, case.size, direction="output_to_source")
    channels_too = case.shape[3] > 1
    maps = []
    for m in to_source.astype(np.float64):
        full = np.eye(2 + channels_too)
        full[:2, :2] = m[::-1, 1::-1]  # SciPy counts rows first
        maps.append((full, [*m[::-1, 2], *[0] * channels_too]))

    def run():
        out = np.empty_like(case.images)
        for image, (matrix, offset), to in zip(case.images, maps, out, strict=True):
            affine_transform(image, matrix, offset, order=1, mode="grid-constant", output=to)
        return out

    return run


def channels_last(result, case):
    return np.moveaxis(np.asarray(result), 1, -1).reshape(case.images.shape)


def forward(case, threads, peers):
    """Race warp_affine against every peer that takes the case."""
    contenders = {"stn_cv": lambda: warp_affine(case.images, case.theta, n_jobs=threads)}
    makers = {"opencv": opencv_forward, "skimage": skimage_forward, "scipy": scipy_forward}
    if case.images.dtype == np.float32:
        makers["torch"] = torch_forward
    for name, maker in makers.items():
        if name in peers:
            contenders[name] = maker(case)
    mine = contenders["stn_cv"]()
    for name, call in contenders.items():
        theirs = channels_last(call(), case) if name == "torch" else call()
        agree(f"{case.name} {name}", mine, theirs, 0.01 * case.unit)
    slow = "skimage" in peers or "scipy" in peers
    return race(contenders, 5 if slow else 15)


def both(case, threads, want_dimages):
    """Race forward and backward together against PyTorch.

    A batch as networks do it, a slice a thread; the rows of the only image, which no network
    cuts, by the functions that share them out.
    """
    dout = np.random.default_rng(1).normal(size=case.images.shape).astype(np.float32)
    images, douts = case.images.reshape(case.shape), dout.reshape(case.shape)
    parts = slices_of(len(images), -(-len(images) // threads))

    def run():
        if len(images) == 1:
            given, rules = (case.images, case.theta), {"n_jobs": threads}
            warp_affine(*given, **rules)
            return warp_affine_backward(dout, *given, want_dimages=want_dimages, **rules)[1]

        def one(part):
            _, backward = differentiable_warp(images[part], case.theta[part], case.size)
            return backward(douts[part], want_dimages)[1]

        return np.concatenate(run_slices(one, parts, threads))

    peer = torch_both(case, dout, want_dimages)
    mine, theirs = run(), peer().numpy()
    scale = np.abs(theirs).mean()
    agree(f"{case.name} gradient", mine / scale, theirs / scale, 0.05)
    return race({"stn_cv": run, "torch": peer})


def sample(case, threads, peers):
    """Race grid_sample on a grid of any form."""
    rng = np.random.default_rng(2)
    grid = affine_grid(case.theta, case.size)
    grid = (grid + rng.normal(0, 0.3 / max(case.size), grid.shape)).astype(np.float32)
    contenders = {"stn_cv": lambda: grid_sample(case.images, grid, n_jobs=threads)}
    if "torch" in peers:
        contenders["torch"] = torch_sample(case, grid)
    if "opencv" in peers:
        contenders["opencv remap"] = opencv_remap(case, grid)
    mine = contenders["stn_cv"]()
    for name, call in contenders.items():
        theirs = channels_last(call(), case) if name == "torch" else call()
        agree(f"{case.name} {name}", mine, theirs, 0.01 * case.unit)
    return race(contenders)


def run(threads, peers, summary):
    """Everything about sampling, at one number of threads."""
    for shapes, dtype in (
        (ONE_CHANNEL, "float32"),
        (THREE_CHANNELS, "float32"),
        (THREE_CHANNELS, "uint8"),
    ):
        kind = f"{dtype}, {shapes[0][3]} channel{'s' * (shapes[0][3] > 1)}, {threads} thread"
        for shape in shapes:
            case = Case(shape, dtype)
            quick = [peer for peer in peers if peer in ("opencv", "torch")]
            summary.add(
                f"warp_affine {kind}", report(f"warp {case.name}", forward(case, threads, quick))
            )
            if dtype == "float32" and "torch" in peers:
                for want_dimages, what in ((True, "images and theta"), (False, "theta only")):
                    timings = both(case, threads, want_dimages)
                    summary.add(
                        f"with gradients by {what}, {threads} thread",
                        report(f"gradients {what} {case.name}", timings),
                    )
            if dtype == "float32":
                summary.add(
                    f"grid_sample {kind}",
                    report(f"grid_sample {case.name}", sample(case, threads, peers)),
                )


def run_slow_peers(peers, summary):
    """scikit-image and SciPy, which have one thread, on one thread."""
    slow = [peer for peer in peers if peer in ("skimage", "scipy")]
    for shape in ((64, 60, 60, 1), (4, 224, 224, 3)):
        case = Case(shape, "float32")
        summary.add("warp_affine, 1 thread", report(f"warp {case.name}", forward(case, 1, slow)))
