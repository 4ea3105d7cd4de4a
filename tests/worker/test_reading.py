"""How a round reads its result: what a kernel computes only then shows in the seconds of reading."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.worker import placed_kernel, timing
from bench.workloads.parameters import ROUND_DRAW, fresh_arguments
from kernels import Backend
from kernels.backends import NUMPY, is_known
from kernels.gradient.numpy_vectorized import gradient as correct
from kernels.nests import arrays_of

COMPUTING = 1.0
"""Seconds of a simulated clock."""


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    for module in (timing, placed_kernel):
        monkeypatch.setattr(module, "perf_counter", lambda: now[0])
    monkeypatch.setattr("bench.worker.timing.procfs.waited", lambda _thread: None)
    return now


def response_of(worker: Any, iterations: int) -> Any:
    worker.placed_kernel.earlier_result = [np.zeros(()), np.zeros(3), np.zeros(())]
    worker.warm_up(ROUND_DRAW, None, untimed_calls=False)
    return worker.round(ROUND_DRAW, 7, iterations, iterations - 1)


@pytest.mark.parametrize("look", ["__iter__", "__len__", "__getitem__"])
@pytest.mark.parametrize("iterations", [1, 3, timing._MANY_CALLS])
def test_a_tuple_that_computes_when_it_is_touched_is_touched_in_time(
    look: str, iterations: int, placed: Any, now: list[float]
) -> None:
    class Late(tuple[Any, ...]):
        done = False

    def compute(self: Late, *arguments: Any) -> Any:
        if not self.done:
            self.done = True
            now[0] += COMPUTING
        return getattr(tuple, look)(self, *arguments)

    setattr(Late, look, compute)
    response = response_of(placed(lambda *arguments: Late(correct(*arguments))), iterations)
    expected = 0.0 if look == "__getitem__" else COMPUTING  # by which nothing looks
    assert response.result_wait_seconds == expected
    assert (response.seconds, response.copying_seconds) == (0.0, 0.0)


@pytest.mark.parametrize("iterations", [1, 3, timing._MANY_CALLS - 1])
def test_a_backend_of_ones_own_reads_and_places_nothing_before_the_result(
    iterations: int, placed: Any, now: list[float]
) -> None:
    """It could finish the last call there: all of a round of one."""
    pending: list[Any] = []

    def finish(array: Any, *_dtype: Any) -> Any:
        now[0] += COMPUTING * len(pending)
        pending.clear()
        return np.asarray(array)

    def call(*arguments: Any) -> Any:
        pending.append(1)
        return correct(*arguments)

    response = response_of(placed(call, replace(NUMPY, asarray=finish, asnumpy=finish)), iterations)
    assert response.seconds == (iterations - 1) * COMPUTING
    assert (response.result_wait_seconds, response.copying_seconds) == (COMPUTING, 0.0)


@pytest.mark.parametrize(("own", "iterations"), [(False, 1), (True, timing._MANY_CALLS)])
def test_what_is_known_is_read_first_since_a_first_conversion_is_slow(
    own: bool, iterations: int, placed: Any, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def asnumpy(array: Any, _dtype: Any) -> np.ndarray:
        now[0] += 0.0 if read else COMPUTING
        read.append(1)
        return np.asarray(array)

    monkeypatch.setattr(timing, "is_known", lambda _backend: not own)
    response = response_of(placed(correct, replace(NUMPY, asnumpy=asnumpy)), iterations)
    assert (response.result_wait_seconds, response.copying_seconds, len(read)) == (0.0, 0.0, 9)


def test_before_a_few_calls_of_a_backend_of_ones_own_numpys_arrays_are_read_first(
    placed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The conversion's code is in the caches then, as it is when a complete result is read. Else a kernel of another
    commit seemed late beside three busy processes: 40 µs, and 14 µs for complete results."""
    read: list[Backend] = []
    convert = placed_kernel.to_numpy

    def to_numpy(backend: Backend, *arguments: Any) -> Any:
        read.append(backend)
        return convert(backend, *arguments)

    monkeypatch.setattr(placed_kernel, "to_numpy", to_numpy)
    own = replace(NUMPY)
    response_of(placed(correct, own), timing._MANY_CALLS - 1)
    first, *others = read
    assert first is NUMPY
    assert others
    assert all(backend is own for backend in others)


def test_a_large_earlier_result_is_not_read_first(placed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel could make it so large that it finishes the last call meanwhile."""
    read: list[int] = []
    convert = placed_kernel.to_numpy

    def to_numpy(*arguments: Any) -> Any:
        read.append(1)
        return convert(*arguments)

    monkeypatch.setattr(placed_kernel, "to_numpy", to_numpy)
    worker = placed(correct)
    for numbers, times in ((2**13, 1), (2**13 + 1, 0)):
        worker.placed_kernel.earlier_result = [np.zeros(numbers)]
        read.clear()
        worker.placed_kernel.convert_earlier(NUMPY)
        assert len(read) == times


def test_a_backend_that_is_equal_to_the_projects_is_not_one_of_them() -> None:
    class Equal(Backend):
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, _other: object) -> bool:
            return True

    assert is_known(NUMPY)
    assert not is_known(Equal("mine", "cpu", NUMPY.asarray, NUMPY.wait, NUMPY.asnumpy))
    assert not is_known(replace(NUMPY))


def test_who_knows_the_seed_of_the_worker_knows_no_argument_of_a_round(placed: Any) -> None:
    worker = placed(correct)
    kernel = worker.placed_kernel
    for number in range(3):
        worker.warm_up(ROUND_DRAW + number, None, untimed_calls=True)
        forecast = fresh_arguments(
            kernel.operation, kernel.inputs, kernel.workload, ROUND_DRAW + number, 4, kernel.seed
        )
        worker.round(ROUND_DRAW + number, 7 + number, 4, 0)
        for one, other in zip(kernel.drawn, forecast, strict=True):
            assert not np.array_equal(arrays_of(one)[0], arrays_of(other)[0])
    assert placed(correct).placed_kernel.seed != kernel.seed


@pytest.mark.parametrize(("waiting", "reading"), [(0.0, 3.0), (2.0, 1.0), (3.5, 0.0)])
def test_waiting_for_a_core_is_no_reading(
    waiting: float, reading: float, placed: Any, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process had the core for so long."""
    waited = [0.0]
    monkeypatch.setattr("bench.worker.timing.procfs.waited", lambda _thread: waited[0])

    def asnumpy(array: Any, _dtype: Any) -> np.ndarray:
        now[0] += 1.0
        waited[0] += waiting / 3
        return np.asarray(array)

    response = response_of(placed(correct, replace(NUMPY, asnumpy=asnumpy)), 1)
    assert response.result_wait_seconds == pytest.approx(reading, abs=1e-12)


def test_the_slower_reading_of_the_last_and_the_sampled_call_counts(placed: Any, now: list[float]) -> None:
    """Otherwise a kernel could finish all calls but the last of a round when they are read."""
    calls: list[int] = []

    def call(*arguments: Any) -> Any:
        calls.append(1)
        return correct(*arguments)

    def asnumpy(array: Any, _dtype: Any) -> np.ndarray:
        reads.append(1)
        now[0] += COMPUTING if len(reads) == 7 else 0.0  # the first part of the sampled result
        return np.asarray(array)

    reads: list[int] = []
    worker = placed(call, replace(NUMPY, asnumpy=asnumpy))
    worker.placed_kernel.earlier_result = [np.zeros(()), np.zeros(3), np.zeros(())]
    worker.warm_up(ROUND_DRAW, None, untimed_calls=False)
    response = worker.round(ROUND_DRAW, 7, 4, 1)
    assert (response.result_wait_seconds, len(reads)) == (COMPUTING, 12)


@pytest.mark.parametrize("sampled_call", [1, 3])
def test_complete_results_are_read_like_others_and_as_often(
    sampled_call: int, placed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the system's counters, which take the conversion's code from the caches; the larger of two counts."""
    log: list[str] = []

    def waited(_thread: str) -> None:
        log.append("counters")

    monkeypatch.setattr("bench.worker.timing.procfs.waited", waited)
    convert = placed_kernel.to_numpy

    def logged(*arguments: Any) -> Any:
        log.append("read")
        return convert(*arguments)

    monkeypatch.setattr(placed_kernel, "to_numpy", logged)
    worker = placed(correct)
    worker.placed_kernel.earlier_result = [np.zeros(()), np.zeros(3), np.zeros(())]
    worker.warm_up(ROUND_DRAW, None, untimed_calls=False)
    log.clear()
    worker.round(ROUND_DRAW, 7, 4, sampled_call)
    once = ["counters", "read", "counters", "counters", "read"]  # with the counters after a result, for its waiting
    assert log == ["read", *once, *(once if sampled_call != 3 else [])]


def test_the_larger_of_two_readings_of_complete_results_counts(placed: Any, now: list[float]) -> None:
    reads: list[int] = []

    def asnumpy(array: Any, _dtype: Any) -> np.ndarray:
        reads.append(1)
        now[0] += 2.0 if len(reads) == 10 else 0.0  # the first part of the second complete result
        return np.asarray(array)

    worker = placed(correct, replace(NUMPY, asnumpy=asnumpy))
    worker.placed_kernel.earlier_result = [np.zeros(()), np.zeros(3), np.zeros(())]
    worker.warm_up(ROUND_DRAW, None, untimed_calls=False)
    assert worker.round(ROUND_DRAW, 7, 4, 1).copying_seconds == 2.0
