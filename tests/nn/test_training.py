"""The training loop: keyed random numbers, steps, the best epoch, and what ends it."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from stn_cv import InvalidInputError, TrainingDiverged
from stn_cv.nn import (
    AveragePool,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Parallel,
    ReLU,
    SpatialTransform,
    Standardize,
)
from stn_cv.nn.evaluation import evaluate, shares_outside
from stn_cv.nn.network import Network
from stn_cv.nn.objectives import Classification
from stn_cv.nn.optimizer import SOLVERS
from stn_cv.nn.samples import Samples
from stn_cv.nn.schedule import SCHEDULES
from stn_cv.nn.settings import Settings
from stn_cv.nn.training import Trainer, train

pytestmark = pytest.mark.compiled  # the loop, which no kernel is part of

SIDE, CLASSES = 6, 3


def rng(seed=0):
    return np.random.default_rng(seed)


def samples(n=80, seed=0, dtype=np.float32):
    """A bar, a block or a corner, shifted a little."""
    random = rng(seed)
    shapes = np.zeros((CLASSES, SIDE, SIDE))
    shapes[0, 1:5, 2] = shapes[1, 2:4, 2:4] = shapes[2, 3, 1:4] = shapes[2, 1:4, 3] = 1
    y = np.arange(n) % CLASSES
    images = shapes[y] + random.normal(0, 0.05, (n, SIDE, SIDE))
    for i in range(n):
        images[i] = np.roll(images[i], random.integers(-1, 2, 2), (0, 1))
    return Samples(images[..., None].astype(dtype), y, np.ones(n))


LAYERS = [
    SpatialTransform([Flatten(), Dense(4), ReLU()], "translation", (4, 4)),
    Standardize([0.2], [0.4]),
    Flatten(),
    Dense(8),
    ReLU(),
    Dropout(0.2),
    Dense(CLASSES, "glorot"),
]


def network_of(layers=LAYERS, dtype=np.float32):
    return Network(layers, (1, SIDE, SIDE), rng(), dtype)


DEFAULTS = Settings(
    solver="adam", learning_rate_init=0.01, learning_rate="constant",
    localization_learning_rate_ratio=0.5, batch_size=40, max_iter=5, tol=0.0,
    n_iter_no_change=100, alpha=0.0, max_norm=10.0, seed=3, n_jobs=1,
)  # fmt: skip


def settings(**changes):
    return dataclasses.replace(DEFAULTS, **changes)


def trained(data=None, validation=None, listener=None, layers=LAYERS, augment=None, **changes):
    network = network_of(layers)
    objective = Classification(data or samples(), validation, augment)
    return network, train(Trainer(network, settings(**changes), objective), listener)


def one_step(layers=LAYERS, data=None, **changes):
    """(vector before, vector after) of one step on all samples, without dropout, float64."""
    network = network_of([layer for layer in layers if not isinstance(layer, Dropout)], np.float64)
    data = data or samples(24, dtype=np.float64)
    before = network.vector.copy()
    given = {"solver": "sgd", "batch_size": len(data), **changes}
    Trainer(network, settings(**given), Classification(data)).epoch()
    return before, network.vector


# What training gives


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_loss_goes_down(solver, schedule):
    rate = 0.02 if solver == "adam" else 0.05
    network, history = trained(
        solver=solver, learning_rate_init=rate, learning_rate=schedule, max_iter=12
    )
    assert history.losses[-1] < 0.7 * history.losses[0]
    assert evaluate(network, samples(), 1)[1] > 0.6
    assert len(history.losses) == 12 and history.scores == []


def shaken(images, random):
    return images + random.normal(0, 0.1, images.shape)


@pytest.mark.parametrize("batch_size", [40, 80])
def test_training_is_bit_identical_for_any_number_of_threads(small_slices, batch_size):
    """Dropout and augmentation included."""
    results = [
        trained(samples(130), samples(70, 1), n_jobs=n_jobs, augment=shaken, batch_size=batch_size,
                max_iter=3)
        for n_jobs in (1, 2, 4, None)
    ]  # fmt: skip
    for network, history in results[1:]:
        np.testing.assert_array_equal(network.vector, results[0][0].vector)
        assert history == results[0][1]


def test_the_seed_decides():
    vectors = [trained(seed=seed, max_iter=2)[0].vector for seed in (3, 3, 4)]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert (vectors[0] != vectors[2]).any()


def test_nothing_that_came_is_written_to():
    data, validation = samples(), samples(30, 1)
    for array in (data.images, data.y, data.weights, validation.images):
        array.flags.writeable = False
    trained(data, validation, augment=lambda images, random: np.add(images, 1, out=images))


# The loss


def distance(outputs, y):
    """The squared distance of outputs to ones and zeros."""
    off = outputs - (np.arange(len(outputs))[:, None] == y)
    return (off * off).sum(axis=0).astype(np.float64), 2 * off


def test_a_loss_is_trained_and_evaluated_by():
    """It takes one function: the gradient, the best epoch and the untrained loss follow it."""
    network, data = network_of(), samples()
    objective = Classification(data, loss=distance)
    assert objective.untrained_loss(network) == 1
    trainer = Trainer(network, settings(max_iter=8), objective)

    def mean_distance():
        outputs, _ = network.forward(data.images.transpose(3, 1, 2, 0))
        return distance(outputs, data.y)[0].mean()

    before = trainer.evaluate().loss
    assert before == pytest.approx(mean_distance(), rel=1e-5)
    history = train(trainer)
    assert trainer.evaluate().loss == pytest.approx(mean_distance(), rel=1e-5)
    assert mean_distance() < 0.5 * before and history.best_epoch > 0


def test_the_untrained_loss_is_that_of_equal_outputs():
    assert Classification(samples()).untrained_loss(network_of()) == pytest.approx(math.log(3))


# The best epoch


@pytest.mark.parametrize("validated", [False, True])
def test_the_best_epoch_is_kept(validated):
    network = network_of()
    validation = samples(31, 1) if validated else None
    vectors = []
    history = train(
        # so high a rate that epochs get worse too
        Trainer(
            network,
            settings(learning_rate_init=0.25, learning_rate="constant", max_iter=15),
            Classification(samples(), validation),
        ),
        lambda epoch: vectors.append(network.vector.copy()),
    )
    np.testing.assert_array_equal(network.vector, vectors[history.best_epoch - 1])
    assert 0 < history.best_epoch < 15, "the best epoch must not be the last, to be of any use here"

    def rank(vector):
        network.vector[:] = vector
        loss, accuracy = evaluate(network, validation or samples(), 1)
        return (-accuracy if validated else 0, loss)

    ranks = [rank(vector) for vector in vectors]
    assert ranks.index(min(ranks)) == history.best_epoch - 1
    if validated:
        np.testing.assert_allclose(history.scores, [-rank[0] for rank in ranks])


def test_training_stops_when_nothing_improves():
    _, history = trained(tol=10.0, n_iter_no_change=2, max_iter=50)
    assert len(history.losses) == 3
    _, history = trained(
        tol=10.0, n_iter_no_change=2, max_iter=7, learning_rate="one_cycle", learning_rate_init=0.02
    )
    assert len(history.losses) == 7  # one cycle runs its course


def test_a_listener_is_told_and_can_stop():
    heard = []

    def listener(epoch):
        heard.append(epoch)
        return epoch.number == 2

    _, history = trained(samples(), samples(30, 1), listener)
    assert [(epoch.number, epoch.of) for epoch in heard] == [(1, 5), (2, 5)]
    assert [epoch.loss for epoch in heard] == history.losses
    assert [epoch.score for epoch in heard] == history.scores
    heard.clear()
    trained(listener=listener)
    assert heard[0].score is None


# What ends it early


def interrupt_at(number):
    def listener(epoch):
        if epoch.number == number:
            raise KeyboardInterrupt

    return listener


def test_ctrl_c_warns_and_keeps_the_best_so_far():
    with pytest.warns(UserWarning, match="interrupted: the best epoch so far is kept"):
        network, history = trained(listener=interrupt_at(3))
    assert history.interrupted and len(history.losses) == 3
    again, whole = trained(max_iter=3, learning_rate="constant")
    assert whole.best_epoch == history.best_epoch and not whole.interrupted
    np.testing.assert_array_equal(network.vector, again.vector)


def test_ctrl_c_in_the_first_epoch_keeps_the_start():
    def augment(images, random):
        if next(calls) >= 2:
            raise KeyboardInterrupt
        return images

    calls = itertools.count()
    start = network_of().vector
    with pytest.warns(UserWarning, match="interrupted"):
        network, history = trained(augment=augment)
    assert history.best_epoch == 0 and history.interrupted
    np.testing.assert_array_equal(network.vector, start)


def check_divergence(solver, seed):
    """Either the training says that it diverged, or what it returns is finite and better."""
    network = network_of()
    start = network.vector.copy()
    loss, _ = evaluate(network, samples(), 1)
    mad = settings(solver=solver, learning_rate_init=1e6, seed=seed)
    try:
        history = train(Trainer(network, mad, Classification(samples())))
        assert history.best_epoch > 0 and evaluate(network, samples(), 1)[0] < loss
    except TrainingDiverged as error:
        assert "use a smaller learning_rate_init than 1e+06" in str(error)
        np.testing.assert_array_equal(network.vector, start)
    assert np.isfinite(network.vector).all()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", range(3))
def test_a_mad_learning_rate_diverges_or_gives_finite_weights(solver, seed):
    check_divergence(solver, seed)


@pytest.mark.long
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", range(20))
def test_a_mad_learning_rate_on_all_seeds(solver, seed):
    check_divergence(solver, seed)


def test_no_epoch_better_than_the_start_is_a_divergence():
    """Labels that nothing explains, from a start that is the best there is."""
    data = samples(30)
    data.images[:] = 0
    layers = [LAYERS[0], Flatten(), Dense(CLASSES, "zeros")]
    with pytest.raises(TrainingDiverged, match="none of 5 epochs had a lower loss"):
        trained(data, layers=layers, batch_size=7, learning_rate_init=1.0)


def test_validation_samples_dearly_told_wrong_are_no_divergence():
    """The start gives all to class 0, of which none is held out; training tells a few right."""
    seen = samples(60)
    seen.images[:] = np.random.default_rng(0).normal(size=seen.images.shape)
    right = (np.arange(60) % 4 == 0) & (seen.y > 0)
    held_out = dataclasses.replace(seen, y=np.where(right, seen.y, np.where(seen.y == 1, 2, 1)))
    layers = [LAYERS[0], Flatten(), Dense(CLASSES, "zeros")]
    network, history = trained(seen, held_out, layers=layers, batch_size=20)
    assert history.best_epoch and history.scores[history.best_epoch - 1] > 0
    loss = Classification(seen, held_out).evaluate(network, settings()).loss
    assert loss > np.log(CLASSES)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("size", [1e20, 1e38])
def test_samples_that_overflow_are_a_divergence(small_slices, size, n_jobs):
    """Told by our error alone, without NumPy's warnings."""
    data = samples()
    data.images[:] *= np.float32(size)
    with pytest.raises(
        TrainingDiverged, match=r"bring the images to a range such as \[0, 1\]"
    ) as told:
        trained(data, n_jobs=n_jobs)
    assert ("the loss became" if size == 1e38 else "the gradient's norm became") in str(told.value)


def test_an_error_of_the_user_s_leaves_the_best_weights():
    def listener(epoch):
        if epoch.number == 2:
            raise ZeroDivisionError

    network = network_of()
    with pytest.raises(ZeroDivisionError):
        train(Trainer(network, settings(), Classification(samples())), listener)
    assert evaluate(network, samples(), 1) < evaluate(network_of(), samples(), 1)


# Augmentation


def record(seen):
    def augment(images, random):
        seen.append((images.shape, random.random()))
        return images + 0.01 * random.normal(size=images.shape)

    return augment


def test_augmentation_is_new_each_epoch_and_the_same_in_each_run():
    runs = []
    for _ in range(2):
        seen = []
        trained(samples(100), samples(30, 1), augment=record(seen), max_iter=3)
        runs.append(seen)
    assert runs[0] == runs[1]
    numbers = [number for _, number in runs[0]]
    assert len(set(numbers)) == len(numbers) == 3 * 2  # epochs, parts of 64
    assert {shape[1:] for shape, _ in runs[0]} == {(SIDE, SIDE, 1)}


def test_augmentation_does_not_depend_on_the_batches():
    seen = []
    for batch_size in (10, 100):
        trained(samples(100), samples(30, 1), augment=record(seen), batch_size=batch_size)
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]


@pytest.mark.parametrize("augment", [lambda x, random: x[:, 1:], lambda x, random: x[..., 0]])
def test_augmentation_must_keep_the_shape(augment):
    with pytest.raises(InvalidInputError, match=r"augment returned shape .* it must keep the sha"):
        trained(augment=augment)


def test_augmentation_may_change_the_dtype():
    wide, _ = trained(augment=lambda images, random: images.astype(np.float64), max_iter=1)
    same, _ = trained(augment=lambda images, random: images, max_iter=1)
    np.testing.assert_array_equal(wide.vector, same.vector)


# Steps


def test_a_weight_counts_as_so_many_copies():
    data = samples(20, dtype=np.float64)
    twice = np.repeat(np.arange(20), np.arange(20) % 3 + 1)
    weighted = Samples(data.images, data.y, (np.arange(20) % 3 + 1).astype(float))
    _, one = one_step(data=weighted, solver="adam")
    _, other = one_step(data=data.take(twice), solver="adam")
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    network = network_of(dtype=np.float64)
    given, wanted = evaluate(network, weighted, 1), evaluate(network, data.take(twice), 1)
    np.testing.assert_allclose(given, wanted, rtol=1e-12)


def test_weight_decay_pulls_weights_and_not_biases():
    before, without = one_step(learning_rate_init=0.1)
    _, decayed = one_step(learning_rate_init=0.1, alpha=0.01)
    mask = network_of(LAYERS[:5] + LAYERS[6:], np.float64).decay_mask()
    assert 0 < mask.sum() < mask.size
    np.testing.assert_allclose(decayed - without, -0.1 * 0.01 * mask * before, atol=1e-15)


SIDE_BY_SIDE = [
    Conv2D(2, 3, 1),
    Parallel([[SpatialTransform([Flatten(), Dense(3), ReLU()], "translation", (4, 4))]] * 2),
    Flatten(),
    Dense(CLASSES, "glorot"),
]


def test_localizations_on_maps_and_side_by_side_learn_at_their_own_rate():
    def after(ratio):
        network = network_of(SIDE_BY_SIDE, np.float64)
        network.vector[:] += rng(1).normal(0, 0.1, network.vector.size)
        before = network.vector.copy()
        chosen = settings(solver="sgd", localization_learning_rate_ratio=ratio)
        Trainer(network, chosen, Classification(samples(20, dtype=np.float64))).epoch()
        return network.vector - before

    own = network_of(SIDE_BY_SIDE).localization_mask()
    full, slow = after(1.0), after(0.25)
    assert 0 < own.sum() < own.size and full[own].any() and full[~own].all()
    np.testing.assert_allclose(slow[own], 0.25 * full[own], rtol=1e-9, atol=1e-16)
    np.testing.assert_allclose(slow[~own], full[~own], rtol=1e-14)


def two_marks(n, seed):
    """A bar that stands or lies on the left, another on the right, each anywhere in its half."""
    random = rng(seed)
    images, y = np.zeros((n, 10, 20, 1), np.float32), np.arange(n) % 4
    for image, label in zip(images, y, strict=True):
        for half, lies in enumerate((label % 2, label // 2)):
            row, column = random.integers(0, 6, 2)
            mark = np.ones((2, 5) if lies else (5, 2))
            image[row : row + len(mark), 10 * half + column :, 0][:, : mark.shape[1]] = mark
    return Samples(images, y, np.ones(n))


def test_two_transforms_side_by_side_both_learn():
    """A linear head cannot read the two marks where they stand; of two looks at them it can."""
    look = [AveragePool(2), Flatten(), Dense(32), ReLU()]
    looks = Parallel([[SpatialTransform(look, "attention", (6, 6))] for _ in range(2)])
    chosen = settings(learning_rate_init=0.02, max_iter=30)
    accuracies = []
    for front in ([], [looks]):
        network = Network([*front, Flatten(), Dense(4, "zeros")], (1, 10, 20), rng(2))
        train(Trainer(network, chosen, Classification(two_marks(600, 0))))
        accuracies.append(evaluate(network, two_marks(400, 1), 1)[1])
    assert accuracies[0] < 0.75 and accuracies[1] > 0.9
    images = two_marks(50, 3).images.transpose(3, 1, 2, 0)
    one, other = (branch.layers[0].warp_parameters(images) for branch in network.layers[0].networks)
    assert min(one.std(axis=0).max(), other.std(axis=0).max()) > 0.1  # both follow the marks
    assert np.abs(one - other).max() > 0.1  # each in its own way


def test_the_localization_learns_at_its_own_rate():
    count = network_of().layers[0].parameters[0].size
    before, full = one_step(localization_learning_rate_ratio=1.0)
    for ratio in (0.0, 0.25):
        _, after = one_step(localization_learning_rate_ratio=ratio)
        np.testing.assert_allclose(after[count:], full[count:], rtol=1e-14)
        moved = full[:count] - before[:count]
        np.testing.assert_allclose(after[:count] - before[:count], ratio * moved, atol=1e-16)
        assert moved.any()


def test_a_gradient_that_is_too_long_is_shortened():
    before, free = one_step(max_norm=math.inf, localization_learning_rate_ratio=1.0)
    moved = free - before
    length = np.linalg.norm(moved) / (
        1.9 * 0.01
    )  # a first step of Nesterov's is 1.9 of a plain one
    for max_norm in (length / 4, length * 2):
        _, after = one_step(max_norm=max_norm, localization_learning_rate_ratio=1.0)
        np.testing.assert_allclose(
            after - before, moved * min(1, max_norm / length), rtol=1e-9, atol=1e-15
        )


def adam(x, gradients, rate):
    mean = square = 0.0
    for t, g in enumerate(gradients, 1):
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g
        x = x - rate * (mean / (1 - 0.9**t)) / (math.sqrt(square / (1 - 0.999**t)) + 1e-8)
    return x


def sgd(x, gradients, rate):
    velocity = 0.0
    for g in gradients:
        velocity = 0.9 * velocity - rate * g
        x = x + 0.9 * velocity - rate * g
    return x


@pytest.mark.parametrize(("name", "slow"), [("adam", adam), ("sgd", sgd)])
def test_a_solver_is_its_slow_twin(name, slow):
    gradients = rng(1).normal(size=(6, 5))
    vector, rates = rng(2).normal(size=5), np.array([1, 1, 0.5, 0, 2])
    wanted = [slow(vector[i], gradients[:, i], 0.1 * rates[i]) for i in range(5)]
    solver = SOLVERS[name](vector, rates)
    for gradient in gradients:
        kept = gradient.copy()
        solver.step(vector, gradient, 0.1)
        np.testing.assert_array_equal(gradient, kept)
    np.testing.assert_allclose(vector, wanted, rtol=1e-13)


def test_the_schedules():
    progress = np.linspace(0, 1, 301)
    values = {name: [rate(p) for p in progress] for name, rate in SCHEDULES.items()}
    assert set(values) == {"constant", "one_cycle", "step"}
    assert set(values["constant"]) == {1.0}
    cycle = np.array(values["one_cycle"])
    assert cycle[0] == pytest.approx(0.04) and cycle[-1] == pytest.approx(1e-4)
    assert cycle.max() == cycle[90] == 1
    assert (np.diff(cycle[:91]) > 0).all() and (np.diff(cycle[90:]) < 0).all()
    np.testing.assert_allclose([SCHEDULES["step"](p) for p in (0, 0.3, 0.34, 0.66, 0.67, 1)],
                               [1, 1, 0.1, 0.1, 0.01, 0.01])  # fmt: skip


def test_the_rate_follows_the_schedule_and_no_further_than_its_end():
    """More epochs than planned, as partial_fit runs them, stay at the last rate."""
    network = network_of()
    cycle = settings(learning_rate="one_cycle", max_iter=2, batch_size=8)
    trainer = Trainer(network, cycle, Classification(samples()))
    moves = []
    for _ in range(5):
        before = network.vector.copy()
        trainer.epoch()
        moves.append(np.linalg.norm(network.vector - before))
    assert moves[4] < 0.01 * moves[1]


# What is looked at on the way


def test_outside_is_that_of_the_first_layer(small_slices):
    network = network_of()
    data = samples(70)
    np.testing.assert_array_equal(shares_outside(network, data.images, 1), 0)
    network.layers[0].network.layers[-1].parameters[1][:] = [1.0, 0]
    np.testing.assert_allclose(shares_outside(network, data.images, 2), np.full(70, 0.5), atol=0.05)


def test_evaluation_does_not_drop_out_and_counts_weights(small_slices):
    network = network_of()
    data = samples(50)
    assert evaluate(network, data, 1) == evaluate(network, data, 2)
    right = Samples(data.images, data.y, np.where(np.arange(50) == 7, 1.0, 1e-12))
    assert evaluate(network, right, 1)[1] in (pytest.approx(0, abs=1e-9), pytest.approx(1))
