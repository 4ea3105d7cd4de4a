"""The loop that measures: draw parameters, warm up, calibrate, time a round.

The timed expression is exactly `backend.wait(call(*placed, *fresh))`, on arrays that are already placed (but see
`PlacedKernel.timed_call` for backends that are not the project's). No timed call gets fresh arguments that its worker
has seen. Separate from worker.py, which answers requests.
"""

from __future__ import annotations

import gc
import os
import resource
from contextlib import suppress
from math import ceil
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from bench.host import procfs
from bench.worker.fields import KernelResult
from bench.worker.messages import WARMUP_SECONDS, CalibrateResponse, CallsResponse, RoundResponse
from bench.worker.placed_kernel import Arguments, PlacedKernel, aligned, complete_like
from kernels.backends import NUMPY, is_known
from kernels.nests import map_arrays

ROUND_SECONDS = 0.005
"""The shortest round: 10⁵ times the timer's resolution, and longer than the scheduler's tick of 4 ms."""
_SPIN_COUNT = 2000
"""Iterations of an empty Python loop, about 50 µs, whose duration shows changes of the core's speed."""
_PLACING_SECONDS = 0.5
"""The longest time for placing the arguments of a round. A kernel that needs longer is computing during placing."""
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
_MANY_CALLS = 100
"""From so many calls on, the conversion of a round's result comes after another one in the kernel's own arrays: the
first is slow by over a quarter of a call of less than 50 µs. Before longer calls of a backend that is not the
project's, that other one is of NumPy arrays: its own could finish the last call there, which is a hundredth of a
round of a hundred calls, but all of one."""


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
    _warm_up(placed_kernel, draw, _SETTLING_SECONDS)
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
    arguments, placing = placed_kernel.draw_arguments(draw, calls * batches)
    result = placed_kernel.kernel.backend.wait(placed_kernel.timed_call(*arguments[0]))
    placed_kernel.earlier_result, _ = placed_kernel.to_numpy(result)
    before, start, cpu_start = procfs.thread_seconds(), perf_counter(), process_time()
    repetitions, elapsed = 0, 0.0
    while not repetitions or (batches > 1 and elapsed < _OBSERVED_SECONDS):
        repetitions, elapsed = repetitions + 1, elapsed + time_calls(placed_kernel, arguments)[0]
    elapsed, cpu_seconds = perf_counter() - start, process_time() - cpu_start
    seconds_by_thread = [after - before.get(thread, 0.0) for thread, after in procfs.thread_seconds().items()]
    busy_threads = sum(seconds > _BUSY_FRACTION * elapsed for seconds in seconds_by_thread)
    if busy_threads > 1 and elapsed < _OBSERVED_SECONDS:  # what other threads did before may be counted with it
        cpu_seconds = max(0.0, cpu_seconds - procfs.TICK_SECONDS)
    return CalibrateResponse(
        iterations=calls,
        call_seconds=elapsed / (calls * batches * repetitions),
        placing_seconds=placing,
        cores_used=cpu_seconds / elapsed,
        busy_threads=busy_threads,
    )


def begin_round(placed_kernel: PlacedKernel, draw: int, cores: list[int] | None, untimed_calls: bool) -> float:
    """All that comes before the arguments of a round are known. Returns the seconds that an empty loop took."""
    placed_kernel.allowed_cores = os.sched_getaffinity(0) if cores else set()
    if cores:
        pin_threads(cores)
    gc.collect()  # automatic collection is off while rounds are timed
    start = perf_counter()
    for _ in range(_SPIN_COUNT):
        pass
    spin = perf_counter() - start
    if untimed_calls:
        _warm_up(placed_kernel, draw, WARMUP_SECONDS)
    return spin


def time_round(
    placed_kernel: PlacedKernel, draw: int, seed: int, iterations: int, sampled_call: int
) -> RoundResponse:
    """Time `iterations` calls, and return the result of call number `sampled_call`."""
    # drawn only now, so that no untimed call can compute with these arguments
    arguments, placing = placed_kernel.draw_arguments(draw, iterations, seed)
    usage_start, cpu_start = resource.getrusage(resource.RUSAGE_SELF), process_time()
    seconds, sample, last = time_calls(placed_kernel, arguments, sampled_call)
    cpu_seconds, usage = process_time() - cpu_start, resource.getrusage(resource.RUSAGE_SELF)
    backend = placed_kernel.kernel.backend
    placed_kernel.convert_earlier(backend if is_known(backend) or iterations >= _MANY_CALLS else NUMPY)
    # nothing has touched the result before: to look at its parts may be to compute them
    converted, reading = _read(placed_kernel, last)
    complete = complete_like(placed_kernel, last)
    copying = _read_complete(placed_kernel, complete)
    if sampled_call != iterations - 1:
        converted, of_sample = _read(placed_kernel, sample)
        # as often as results are read: the larger of two is compared with the larger of two
        reading, copying = max(reading, of_sample), max(copying, _read_complete(placed_kernel, complete))
    if len(placed_kernel.allowed_cores) > 1:  # with a single core there is nothing to restore
        os.sched_setaffinity(0, placed_kernel.allowed_cores)
    return RoundResponse(
        seconds=seconds,
        result=converted,
        result_wait_seconds=reading,
        copying_seconds=copying,
        placing_seconds=placing,
        cpu_seconds=cpu_seconds,
        page_faults=usage.ru_minflt - usage_start.ru_minflt,
        switches=usage.ru_nivcsw - usage_start.ru_nivcsw,
        mutated=placed_kernel.mutated,
    )


def _read(placed_kernel: PlacedKernel, result: Any) -> tuple[KernelResult, float]:
    """A result as NumPy arrays, and the seconds that this took, without those in which others had the core."""
    before = procfs.waited("thread-self")
    converted, seconds = placed_kernel.to_numpy(result)
    after = procfs.waited("thread-self")
    return converted, seconds if before is None or after is None else max(0.0, seconds - (after - before))


def _read_complete(placed_kernel: PlacedKernel, result: Any) -> float:
    """The seconds that reading a complete result takes, with those in which others had the core.

    The system's counters are read before it as before any result. That displaces code which the conversion needs from
    the caches: NumPy's results of 1000x32 seemed 1.5 times as slow to read as complete ones.
    """
    procfs.waited("thread-self")
    return placed_kernel.to_numpy(result)[1]


def time_calls(placed_kernel: PlacedKernel, arguments: Arguments, sampled_call: int = 0) -> tuple[float, Any, Any]:
    """Seconds for one call with each of the arguments, and the results of call number `sampled_call` and the last."""
    before, sample, after = arguments[:sampled_call], arguments[sampled_call], arguments[1 + sampled_call :]
    call, wait = placed_kernel.timed_call, placed_kernel.kernel.backend.wait
    start = perf_counter()
    for of_call in before:
        wait(call(*of_call))
    result = last = wait(call(*sample))
    for of_call in after:
        last = wait(call(*of_call))
    return perf_counter() - start, result, last


def time_each_call(
    placed_kernel: PlacedKernel, draw: int, iterations: int, warm: bool, cores: list[int] | None
) -> CallsResponse:
    """Time each call of a round by itself. warm: whether untimed calls come first, as in `time_round`."""
    allowed = os.sched_getaffinity(0) if cores else set()
    if cores:
        pin_threads(cores)
    gc.collect()
    if warm:
        _warm_up(placed_kernel, draw, WARMUP_SECONDS)
    arguments, _ = placed_kernel.draw_arguments(draw, iterations)
    call, wait = placed_kernel.timed_call, placed_kernel.kernel.backend.wait
    readings = [perf_counter()]
    for of_call in arguments:
        wait(call(*of_call))
        readings.append(perf_counter())
    if len(allowed) > 1:  # with a single core there is nothing to restore
        os.sched_setaffinity(0, allowed)
    calls = np.diff(readings)
    middle = float(np.median(calls))
    deviation = float(np.median(np.abs(calls - middle)))
    return CallsResponse(
        float(calls.sum()), middle, deviation, float(calls.std()), float(calls[0]), float(calls.max())
    )


def time_mirrored(placed_kernel: PlacedKernel, draw: int, seed: int) -> tuple[float, float, KernelResult]:
    """The seconds of one call on the data in a mirror and of one on the workload's own, and the result of the former.

    seed: of the mirror and the fresh arguments
    """
    operation, inputs, backend = placed_kernel.operation, placed_kernel.inputs, placed_kernel.kernel.backend
    if operation.mirror is None:
        raise ValueError(f"the operation {operation.name} has no mirror")
    rng = np.random.default_rng(seed)
    mirror = operation.mirror(inputs, rng)
    fresh = map_arrays(aligned, operation.fresh(inputs, rng))
    placed = [backend.asarray(aligned(array)) for array in mirror.inputs().placed.values()]
    arguments = map_arrays(backend.asarray, fresh) if is_known(backend) else fresh
    _warm_up(placed_kernel, draw, WARMUP_SECONDS)
    known, *_ = time_calls(placed_kernel, placed_kernel.draw_arguments(draw, 1, seed)[0])
    seconds, result, _ = time_calls(placed_kernel, [(*placed, *arguments)])
    return seconds, known, placed_kernel.to_numpy(result)[0]


def _warm_up(placed_kernel: PlacedKernel, draw: int, seconds: float) -> None:
    """Make untimed calls for this long, at least one."""
    arguments, _ = placed_kernel.draw_arguments(draw, 1, seed=0)  # another seed: other arguments than the timed ones
    elapsed = 0.0
    while elapsed < seconds:
        elapsed += time_calls(placed_kernel, arguments)[0]


def _shortest_trial(placed_kernel: PlacedKernel, draw: int, calls: int) -> tuple[float, float]:
    """The least seconds for so many calls, and for placing the arguments of one; other processes only add time."""
    trials = []
    for trial in range(_TRIALS):
        arguments, placing = placed_kernel.draw_arguments(draw + trial, calls)
        trials.append((time_calls(placed_kernel, arguments)[0], placing))
        if trials[0][0] >= ROUND_SECONDS * _TRIALS:
            break  # one trial is enough for long calls
    return min(seconds for seconds, _ in trials), min(placing for _, placing in trials)


def pin_threads(cores: list[int]) -> None:
    """Pin the calling thread to these cores.

    Threads that started while the process had one core inherited that core: pin them, too.
    """
    pin_all = len(os.sched_getaffinity(0)) == 1
    os.sched_setaffinity(0, cores)
    for task in Path("/proc/self/task").glob("*") if pin_all else ():
        with suppress(OSError):
            os.sched_setaffinity(int(task.name), cores)
