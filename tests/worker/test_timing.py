"""The measuring loop, without a process: new parameters for each call, and rounds of the promised length."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.host import procfs
from bench.runner.inputs import CheckCase
from bench.worker import placed_kernel, timing
from bench.worker.messages import RoundResponse
from bench.worker.worker import Worker
from bench.workloads.parameters import CALIBRATION_DRAW, FIRST_DRAW, ROUND_DRAW, fresh_arguments
from kernels import Gradient, load
from kernels.backends import NUMPY, is_known
from kernels.gradient.numpy_vectorized import gradient as correct
from kernels.nests import arrays_of
from tests.support.problems import TINY, inputs
from tests.support.wire import received

SEED = 9


@pytest.mark.parametrize("name", [TINY, "descend:50x3@steps=2"])
def test_no_timed_call_gets_arguments_that_the_kernel_has_seen(placed: Any, name: str) -> None:
    workload, received = inputs(name).workload, list[bytes]()
    compute = load("numpy", workload.operation).built(workload.static)

    def recording(*arguments: Any) -> Any:
        fresh = arguments[len(workload.definition.fields) :]
        received.append(b"".join(array.tobytes() for array in arrays_of(fresh)))
        return compute(*arguments)

    worker = placed(recording, workload=name)
    worker.call(FIRST_DRAW)
    for case in (inputs(name).data, *inputs(name).probes, inputs(name).unseen):
        _check(worker, case)
    calls = worker.calibrate(CALIBRATION_DRAW, None).iterations
    for number in range(3):
        whole_round(worker, ROUND_DRAW + number, calls)
        timed, earlier = received[-calls:], received[:-calls]
        assert len(set(timed)) == calls
        assert not set(timed) & set(earlier)


def whole_round(worker: Worker, draw: int, iterations: int, sampled_call: int = 0) -> RoundResponse:
    """A round with what comes before it."""
    worker.warm_up(draw, None, untimed_calls=True)
    return worker.round(draw, SEED, iterations, sampled_call)


def _check(worker: Worker, case: CheckCase) -> None:
    assert not case.judge(worker.check(**received(case.request().arguments)).result).failure


def simulate_clock(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    """The measuring code reads the time from `now`."""
    for module in (timing, placed_kernel):
        monkeypatch.setattr(module, "perf_counter", lambda: now[0])


def test_a_round_has_the_promised_length(placed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a simulated clock: a call takes 1 ms, so a round has 5 or 6 calls. Multiples of 2⁻¹⁰ s are exact."""
    now, millisecond = [0.0], 2.0**-10

    def one_millisecond(X: Any, y: Any, w: Any, b: Any) -> Any:
        now[0] += millisecond
        return correct(X, y, w, b)

    worker = placed(one_millisecond)
    simulate_clock(monkeypatch, now)
    calibrated = worker.calibrate(CALIBRATION_DRAW, None)
    assert (calibrated.iterations, calibrated.call_seconds) == (6, pytest.approx(millisecond))
    assert now[0] > timing._SETTLING_SECONDS + timing._OBSERVED_SECONDS
    assert worker.calibrate(CALIBRATION_DRAW, 9).iterations == 9
    start = now[0]
    assert whole_round(worker, ROUND_DRAW, 6, 5).seconds == 6 * millisecond
    assert now[0] - start == (6 + 3) * millisecond  # three untimed calls: at least 2 ms
    start = now[0]
    assert worker.warm_up(ROUND_DRAW + 1, None, untimed_calls=False).spin_seconds == 0
    assert now[0] == start
    assert worker.round(ROUND_DRAW + 1, SEED, 6, 5).seconds == 6 * millisecond
    assert now[0] - start == 6 * millisecond
    assert worker.call(FIRST_DRAW).seconds == millisecond


def test_calibration_uses_each_draw_once(placed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a kernel that keeps its results would get too many calls in a round. With a simulated clock."""
    now, draws = [0.0], list[tuple[int, int]]()

    def one_millisecond(X: Any, y: Any, w: Any, b: Any) -> Any:
        now[0] += 2.0**-10
        return correct(X, y, w, b)

    def recording(operation: Any, inputs: Any, name: str, draw: int, count: int, launch_seed: int) -> Any:
        draws.append((draw, launch_seed))
        return fresh_arguments(operation, inputs, name, draw, count, launch_seed)

    worker = placed(one_millisecond)
    simulate_clock(monkeypatch, now)
    monkeypatch.setattr(placed_kernel, "fresh_arguments", recording)
    worker.calibrate(CALIBRATION_DRAW, None)
    whole_round(worker, ROUND_DRAW, 6)
    # calibration: settling, trials of one call and of six, observing; the round: warming up, timing
    assert len(draws) == 1 + 2 * timing._TRIALS + 1 + 2
    assert len(set(draws)) == len(draws)


def test_there_is_no_garbage_collection_while_rounds_are_timed(placed: Any) -> None:
    collecting = []

    def looks(X: Any, y: Any, w: Any, b: Any) -> Any:
        collecting.append(gc.isenabled())
        return correct(X, y, w, b)

    worker = placed(looks)
    try:
        worker.calibrate(CALIBRATION_DRAW, 2)
        whole_round(worker, ROUND_DRAW, 2)
    finally:
        worker.release()
        gc.unfreeze()
    assert set(collecting) == {False}
    assert gc.isenabled()


def test_waiting_for_the_result_is_timed(placed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now, millisecond = [0.0], 2.0**-10

    def waits(result: Any) -> Any:
        now[0] += millisecond
        return result

    worker = placed(correct, replace(NUMPY, wait=waits))
    simulate_clock(monkeypatch, now)
    assert worker.call(FIRST_DRAW).seconds == millisecond
    assert worker.calibrate(CALIBRATION_DRAW, None).call_seconds == pytest.approx(millisecond)
    assert whole_round(worker, ROUND_DRAW, 6, 2).seconds == 6 * millisecond


def test_threads_are_observed_long_enough(placed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls take 10 ms, and 0.1 ms after calibration: too few of them then, so that they are repeated."""
    now, calls, observed_at = [0.0], [0], list[float]()

    def quicker_later(X: Any, y: Any, w: Any, b: Any) -> Any:
        calls[0] += 1
        now[0] += 1e-2 if calls[0] <= 4 + timing._TRIALS else 1e-4
        return correct(X, y, w, b)

    def thread_seconds() -> dict[str, float]:
        observed_at.append(now[0])
        return {}

    worker = placed(quicker_later)
    simulate_clock(monkeypatch, now)
    monkeypatch.setattr(procfs, "thread_seconds", thread_seconds)
    calibrated = worker.calibrate(CALIBRATION_DRAW, None)
    start, end = observed_at
    assert end - start >= timing._OBSERVED_SECONDS
    assert (calibrated.iterations, calibrated.call_seconds) == (1, pytest.approx(1e-4))


def test_a_short_disturbance_does_not_shorten_the_rounds(placed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call of the calibration takes 10 ms, and every other call 1 ms."""
    now, delays = [0.0], [9e-3]

    def disturbed_once(X: Any, y: Any, w: Any, b: Any) -> Any:
        now[0] += 1e-3 + (delays.pop() if delays and now[0] > timing._SETTLING_SECONDS else 0.0)
        return correct(X, y, w, b)

    worker = placed(disturbed_once)
    simulate_clock(monkeypatch, now)
    assert worker.calibrate(CALIBRATION_DRAW, None).iterations == 6


@pytest.mark.parametrize("sampled_call", [0, 2, 3])
def test_the_sampled_result_is_that_of_its_call(placed: Any, sampled_call: int) -> None:
    response = whole_round(placed(correct), ROUND_DRAW, 4, sampled_call)
    assert not inputs(TINY).timed(ROUND_DRAW, SEED, sampled_call).judge(response.result).failure
    assert inputs(TINY).timed(ROUND_DRAW, SEED, 1 + sampled_call).judge(response.result).failure


def test_each_seed_has_its_own_expected_results(placed: Any) -> None:
    for seed in (SEED, SEED + 1):
        response = placed(correct).round(ROUND_DRAW, seed, 2, 1)
        assert not inputs(TINY).timed(ROUND_DRAW, seed, 1).judge(response.result).failure
        assert inputs(TINY).timed(ROUND_DRAW, seed + 1, 1).judge(response.result).failure


def test_a_write_into_the_parameters_is_reported(placed: Any) -> None:
    def writes(X: Any, y: Any, w: Any, b: Any) -> Any:
        ctypes.memset(w.ctypes.data, 0, w.nbytes)
        return correct(X, y, w, b)

    last: list[Any] = []

    def writes_into_those_of_the_previous_call(X: Any, y: Any, w: Any, b: Any) -> Any:
        for previous in last:
            ctypes.memset(previous.ctypes.data, 0, previous.nbytes)
        last[:] = [w]
        return correct(X, y, w, b)

    assert whole_round(placed(writes_into_those_of_the_previous_call), ROUND_DRAW, 2, 0).mutated is True
    assert whole_round(placed(writes), ROUND_DRAW, 2, 0).mutated is True
    assert whole_round(placed(correct), ROUND_DRAW, 2, 0).mutated is False


def own_backend(asarray: Any) -> Any:
    """A backend that is not the project's."""
    return replace(NUMPY, asarray=asarray)


def test_a_backend_of_ones_own_gets_the_arguments_of_one_call_at_a_time(placed: Any) -> None:
    """With those of a whole round it could compute all results in the first call."""
    waiting: list[Any] = []
    most = 0

    def asarray(array: Any) -> Any:
        if np.ndim(array) < 2 and np.size(array) != len(inputs(TINY).arrays["y"]):
            waiting.append(array)
        return NUMPY.asarray(array)

    def gradient(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        nonlocal most
        most = max(most, len(waiting))
        waiting.clear()
        return correct(X, y, w, b)

    made = placed(gradient, own_backend(asarray))
    timing.calibrate(made.placed_kernel, 1, None)
    waiting.clear()
    most = 0
    timing.begin_round(made.placed_kernel, 50, None, untimed_calls=True)
    timing.time_round(made.placed_kernel, 50, 7, 9, 4)
    assert most == 2  # w and b


@pytest.mark.parametrize("in_thread", [False, True])
def test_what_a_backend_of_ones_own_does_to_place_arguments_is_timed(placed: Any, in_thread: bool) -> None:
    def asarray(array: Any) -> Any:
        if np.ndim(array) == 0:
            time.sleep(0.002)
        return NUMPY.asarray(array)

    def started(array: Any) -> Any:
        if np.ndim(array) == 0:
            pending.append(threading.Thread(target=time.sleep, args=(0.002,)))
            pending[-1].start()
        return NUMPY.asarray(array)

    def gradient(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        while pending:
            pending.pop().join()
        return correct(X, y, w, b)

    pending: list[threading.Thread] = []
    made = placed(gradient, own_backend(started if in_thread else asarray))
    timing.calibrate(made.placed_kernel, 1, 5)
    assert timing.time_round(made.placed_kernel, 50, 7, 5, 2).seconds >= 5 * 0.002


def test_the_projects_backends_place_before_the_timer_starts() -> None:
    assert all(is_known(load(name).backend) for name in ("loops", "numpy", "numba", "jax", "sklearn"))
    assert not is_known(own_backend(np.asarray))
