"""The loop that measures: draw parameters, warm up, calibrate, time a round.

The timed expression is exactly `backend.wait(kernel.gradient(X, y, w, b))`, on arrays that are already placed. No
timed call gets parameters that its worker has seen. Separate from worker.py, which answers requests.
"""

from __future__ import annotations

import gc
import os
import resource
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from bench.host import procfs
from bench.worker import shared_arrays
from bench.worker.messages import WARMUP_SECONDS, CalibrateResponse, KernelResult, RoundResponse
from bench.workloads.parameters import parameters
from kernels import Gradient, Kernel

ROUND_SECONDS = 0.005
"""The shortest round: 10⁵ times the timer's resolution, and longer than the scheduler's tick of 4 ms."""
_SPIN_COUNT = 2000
"""Iterations of an empty Python loop, about 50 µs, whose duration shows changes of the core's speed."""
_PLACING_SECONDS = 0.5
"""The longest time for placing the parameters of a round. A kernel that needs longer is computing during placing."""
_TRIALS = 3
"""Timings for each number of calls; the minimum counts. With a single timing, other processes made rounds up to twice
too short."""
_SETTLING_SECONDS = 0.04
"""Duration of untimed calls before calibration: ten time slices of the scheduler. Two threads that were pinned to one
core for the previous workload share it for some more slices; calibrated then, a call took 4 ms instead of 40 µs."""
_OBSERVED_SECONDS = 0.05
"""How long threads are observed: ten ticks, because the system accounts the time of a running thread by ticks."""
_BUSY_FRACTION = 0.02
"""A thread that runs for this fraction of the time counts as computing."""


@dataclass
class PlacedKernel:
    """A kernel and the workload that is placed where it computes."""

    kernel: Kernel
    workload: str
    launch_seed: int
    n: int
    dtype: np.dtype[Any]
    X: Any = None
    y: Any = None
    drawn: np.ndarray = field(default_factory=lambda: np.empty(0))
    """The weights of the last draw; the kernel has no reference to this array."""
    passed: list[np.ndarray] = field(default_factory=list)
    """The same weights, in the arrays that the kernel was passed."""

    def draw_parameters(self, draw: int, count: int, seed: int | None = None) -> tuple[list[tuple[Any, Any]], float]:
        """Placed parameters for `count` calls, each new, and the seconds that placing those of one call took."""
        asarray = self.kernel.backend.asarray
        seed = self.launch_seed if seed is None else seed
        w, b = parameters(self.workload, self.n, self.dtype, draw, count, seed)
        self.drawn, self.passed = w, [shared_arrays.aligned(row) for row in w]
        start = perf_counter()
        placed = [(asarray(row), asarray(intercept)) for row, intercept in zip(self.passed, b, strict=True)]
        return placed, (perf_counter() - start) / count

    def time_calls(self, placed: list[tuple[Any, Any]]) -> float:
        """Seconds for one call with each of the parameters."""
        gradient, wait, X, y = self.kernel.gradient, self.kernel.backend.wait, self.X, self.y
        start = perf_counter()
        for w, b in placed:
            wait(gradient(X, y, w, b))
        return perf_counter() - start

    def warm_up(self, draw: int, seconds: float) -> tuple[Any, Any]:
        """Make untimed calls for this long, at least one. Returns their parameters."""
        (pair,), _ = self.draw_parameters(draw, 1, seed=0)  # another seed: other parameters than the timed ones
        elapsed = 0.0
        while elapsed < seconds:
            elapsed += self.time_calls([pair])
        return pair

    def to_numpy(self, result: Any) -> tuple[KernelResult, float]:
        """The result as NumPy arrays, and the seconds that the conversion took."""
        start = perf_counter()
        converted = to_numpy(self.kernel, result, self.n, self.dtype)
        return converted, perf_counter() - start


def calibrate(placed_kernel: PlacedKernel, draw: int, iterations: int | None) -> CalibrateResponse:
    """Choose the number of calls in a round, unless it is given, and count the threads that compute in them."""
    gc.collect()
    gc.freeze()  # compilation leaves many objects: collecting them again took 27 ms of each round with Numba
    gc.disable()  # until the workload is released: no collection while it is timed
    batches = 1
    if iterations is None:
        iterations, batches, draw = _choose_iterations(placed_kernel, draw)
    return _observe_threads(placed_kernel, draw + _TRIALS, iterations, batches)


def _choose_iterations(placed_kernel: PlacedKernel, draw: int) -> tuple[int, int, int]:
    """The number of calls in a round; how many batches of these calls to observe; and the draw of the last trials."""
    calls = 1
    placed_kernel.warm_up(draw, _SETTLING_SECONDS)
    elapsed, placing = _shortest_trial(placed_kernel, draw, calls)
    while elapsed < ROUND_SECONDS and calls * placing < _PLACING_SECONDS:
        # at most tenfold: the first call is slower than the others
        calls = ceil(calls * min(10.0, 1.1 * ROUND_SECONDS / elapsed))
        draw += _TRIALS
        elapsed, placing = _shortest_trial(placed_kernel, draw, calls)
    batches = ceil(_OBSERVED_SECONDS / elapsed) if calls * placing < _PLACING_SECONDS else 1
    return calls, batches, draw


def _observe_threads(placed_kernel: PlacedKernel, draw: int, calls: int, batches: int) -> CalibrateResponse:
    """Make this many batches of calls, and count the threads that compute in them."""
    pairs, placing = placed_kernel.draw_parameters(draw, calls * batches)
    before, start, cpu_start = procfs.thread_seconds(), perf_counter(), process_time()
    repetitions, elapsed = 0, 0.0
    while not repetitions or (batches > 1 and elapsed < _OBSERVED_SECONDS):
        repetitions, elapsed = repetitions + 1, elapsed + placed_kernel.time_calls(pairs)
    elapsed, cpu_seconds = perf_counter() - start, process_time() - cpu_start
    seconds_by_thread = [after - before.get(thread, 0.0) for thread, after in procfs.thread_seconds().items()]
    return CalibrateResponse(
        iterations=calls,
        call_seconds=elapsed / (calls * batches * repetitions),
        placing_seconds=placing,
        cores_used=cpu_seconds / elapsed,
        busy_threads=sum(seconds > _BUSY_FRACTION * elapsed for seconds in seconds_by_thread),
    )


def time_round(
    placed_kernel: PlacedKernel, draw: int, iterations: int, sampled_call: int, cores: list[int] | None
) -> RoundResponse:
    """Time `iterations` calls after some untimed ones, and return the result of call number `sampled_call`."""
    allowed = os.sched_getaffinity(0) if cores else set()
    if cores:
        pin_threads(cores)
    gc.collect()  # automatic collection is off while rounds are timed
    start = perf_counter()
    for _ in range(_SPIN_COUNT):
        pass
    spin = perf_counter() - start
    warmup_pair = placed_kernel.warm_up(draw, WARMUP_SECONDS)
    # drawn only now, so that no untimed call can compute with these parameters
    pairs, placing = placed_kernel.draw_parameters(draw, iterations)
    before, sample, after = pairs[:sampled_call], pairs[sampled_call], pairs[1 + sampled_call :]
    gradient, wait, X, y = (
        placed_kernel.kernel.gradient,
        placed_kernel.kernel.backend.wait,
        placed_kernel.X,
        placed_kernel.y,
    )
    usage_start, cpu_start = resource.getrusage(resource.RUSAGE_SELF), process_time()
    start = perf_counter()
    for w, b in before:
        wait(gradient(X, y, w, b))
    result = wait(gradient(X, y, *sample))
    for w, b in after:
        wait(gradient(X, y, w, b))
    end = perf_counter()
    cpu_seconds, usage = process_time() - cpu_start, resource.getrusage(resource.RUSAGE_SELF)
    complete = _complete_result_like(result, *warmup_pair)
    # the first conversion is slow and does not count; the next two are compared with each other
    placed_kernel.to_numpy(complete)
    _, copying = placed_kernel.to_numpy(complete)
    converted, result_wait = placed_kernel.to_numpy(result)
    if len(allowed) > 1:  # with a single core there is nothing to restore
        os.sched_setaffinity(0, allowed)
    return RoundResponse(
        seconds=end - start,
        result=converted,
        result_wait_seconds=result_wait if not after else None,
        copying_seconds=copying,
        placing_seconds=placing,
        spin_seconds=spin,
        cpu_seconds=cpu_seconds,
        page_faults=usage.ru_minflt - usage_start.ru_minflt,
        switches=usage.ru_nivcsw - usage_start.ru_nivcsw,
        mutated=any(
            not np.array_equal(passed, drawn)
            for passed, drawn in zip(placed_kernel.passed, placed_kernel.drawn, strict=True)
        ),
    )


def _shortest_trial(placed_kernel: PlacedKernel, draw: int, calls: int) -> tuple[float, float]:
    """The least seconds for so many calls, and for placing the parameters of one; other processes only add time."""
    trials = []
    for trial in range(_TRIALS):
        pairs, placing = placed_kernel.draw_parameters(draw + trial, calls)
        trials.append((placed_kernel.time_calls(pairs), placing))
        if trials[0][0] >= ROUND_SECONDS * _TRIALS:
            break  # one trial is enough for long calls
    return min(seconds for seconds, _ in trials), min(placing for _, placing in trials)


def to_numpy(kernel: Kernel, result: Any, n: int, dtype: np.dtype[Any]) -> KernelResult:
    """Copies of cost, dw and db as NumPy arrays, or what is wrong with the form of the result."""
    if not isinstance(result, (tuple, list)) or len(result) != len(Gradient._fields):
        size = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
        return f"it returned a {type(result).__name__}{size}; expected (cost, dw, db)"
    arrays = []
    for name, part, shape in zip(Gradient._fields, result, ((), (n,), ()), strict=True):
        try:
            converted = kernel.backend.asnumpy(part, dtype)
        except (TypeError, ValueError) as error:
            return f"{name} is {error}".partition("\n")[0]
        if converted.dtype != dtype:
            return f"{name} is {converted.dtype}; expected {dtype}"
        if converted.shape != shape:
            return f"{name} has shape {converted.shape}; expected {shape}"
        arrays.append(np.array(converted))  # a copy: values that the kernel writes later do not count
    return arrays


def _complete_result_like(result: Any, w: Any, b: Any) -> tuple[Any, Any, Any]:
    """A complete result of the same types: converting a Python float takes longer than converting a NumPy scalar."""
    well_formed = isinstance(result, (tuple, list)) and len(result) == len(Gradient._fields)
    cost, db = (float(b) if well_formed and type(result[index]) is float else b for index in (0, 2))
    return cost, w, db


def pin_threads(cores: list[int]) -> None:
    """Pin the calling thread to these cores.

    Threads that started while the process had one core inherited that core: pin them, too.
    """
    pin_all = len(os.sched_getaffinity(0)) == 1
    os.sched_setaffinity(0, cores)
    for task in Path("/proc/self/task").glob("*") if pin_all else ():
        with suppress(OSError):
            os.sched_setaffinity(int(task.name), cores)
