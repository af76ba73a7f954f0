"""What a network finds of a batch in one pass: theta, rectified images, probabilities."""

from ..arrays import Array
from ..nn.inference import through
from ..nn.layout import images_of
from ..nn.loss import softmax
from ..nn.network import Network
from ..nn.program import TransformProgram
from ..nn.spatial import Transform
from .batches import finite, in_slices
from .image_spec import ImageSpec

__all__ = ["PROBABILITIES", "RECTIFIED", "THETA", "found", "theta_of"]

THETA, RECTIFIED, PROBABILITIES = 1, 2, 3  # how many results are asked for


def found(
    network: Network, spec: ImageSpec, batch: Array, n_jobs: int | None, count: int
) -> tuple[Array, ...]:
    """The first `count` of theta, rectified images and probabilities, of a batch (n, h, w, c).

    Rectified images are as the network sees them: of its dtype, white as 1.

    Raises
    ------
    NonFiniteError
        If the network gives what is not finite.
    """
    if len(batch) == 1:
        results = _of_one(network, spec, batch, count)
        if results is not None:
            return results
    transform = network.layers[0]
    assert isinstance(transform, Transform)

    def run(X: Array) -> tuple[Array, ...]:
        parameters = transform.warp_parameters(X)
        results = [theta_of(transform, spec, parameters)]
        if count > THETA:
            Y, _ = transform.warp(X, parameters)
            results.append(images_of(Y))
        if count > RECTIFIED:
            results.append(finite(softmax(through(network.layers[1:], Y)).T))
        return tuple(results)

    return in_slices(run, batch, network, spec, n_jobs)


def _of_one(
    network: Network, spec: ImageSpec, batch: Array, count: int
) -> tuple[Array, ...] | None:
    """`found` of one image by the network's program; None where only the layers can tell."""
    program = network.program
    if not isinstance(program, TransformProgram):
        return None
    image = spec.network_input(batch, network.vector.dtype)
    one = program.find(image, network.vector, with_head=count > RECTIFIED)
    if one is None:
        return None
    if count <= RECTIFIED:
        return (one.theta, one.rectified)[:count]
    return one.theta, one.rectified, softmax(one.outputs).T


def theta_of(transform: Transform, spec: ImageSpec, parameters: Array) -> Array:
    """Theta of a localization's parameters."""
    family = transform.composed_family()
    return finite(family.theta(finite(parameters), (spec.height, spec.width))[0])
