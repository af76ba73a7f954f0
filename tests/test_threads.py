"""How batches are cut, and a stream of items over threads: in order, a few at a time."""

import threading

import pytest

from stn_cv.threads import AHEAD, blas_pools, pinned_blas, run_stream, slices_for


@pytest.mark.parametrize("jobs", [None, 1, 2, 5])
def test_results_come_in_order(jobs):
    gates = [threading.Event() for _ in range(40)]

    def wait_for_the_next(number):
        """Within a pair the later item is done first."""
        if jobs in (2, 5) and number % 2 == 0:
            gates[number + 1].wait(10)
        gates[number].set()
        return number

    assert list(run_stream(wait_for_the_next, range(40), jobs)) == list(range(40))


@pytest.mark.parametrize("jobs", [1, 2])
def test_only_a_few_items_are_taken_ahead_of_the_results(jobs):
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    for count, _ in enumerate(run_stream(lambda number: number, items(), jobs), 1):
        assert len(taken) <= count + AHEAD * jobs


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_a_stop_nothing_is_begun_and_what_was_begun_comes(jobs):
    begun, results, stopped = [], [], threading.Event()

    def work(number):
        assert not stopped.is_set() or len(begun) <= 5 + jobs
        begun.append(number)
        return number

    for result in run_stream(work, range(1000), jobs, stopped.is_set):
        results.append(result)
        if result == 4:
            stopped.set()
    assert results == sorted(begun) and 5 <= len(results) <= 5 + AHEAD * jobs


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_is_raised_where_its_result_would_have_come(jobs):
    stream = run_stream(lambda number: 1 // (3 - number), range(50), jobs)
    assert [next(stream) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(stream)


def test_who_stops_to_listen_waits_for_what_is_under_way():
    started, release, finished = threading.Event(), threading.Event(), []

    def work(number):
        if number == 1:
            started.set()
            release.wait(10)
            finished.append(number)
        return number

    stream = run_stream(work, range(100), 2)
    assert next(stream) == 0
    started.wait(10)
    threading.Timer(0.05, release.set).start()
    stream.close()
    assert finished == [1]


@pytest.mark.parametrize(
    ("n", "values", "has_convolution", "lengths"),
    [
        (0, 784, True, []),
        (1, 784, True, [1]),
        (64, 784, True, [64]),
        (65, 784, True, [33, 32]),
        (200, 784, True, [50, 50, 50, 50]),
        (256, 784, False, [256]),
        (257, 784, False, [129, 128]),
        (65, 224 * 224, False, [33, 32]),
    ],
)
def test_batches_are_cut_into_few_and_about_equal_slices(n, values, has_convolution, lengths):
    slices = slices_for(n, values, has_convolution)
    assert [part.stop - part.start for part in slices] == lengths
    assert [i for part in slices for i in range(n)[part]] == list(range(n))


@pytest.mark.usefixtures("blas_in_threads")
def test_blas_has_one_thread_until_the_last_user_leaves():
    def counts():
        return [pool["num_threads"] for pool in blas_pools() if pool["user_api"] == "blas"]

    before = counts()
    with pinned_blas():
        with pinned_blas():
            assert set(counts()) <= {1}
        assert set(counts()) <= {1}
    assert counts() == before
