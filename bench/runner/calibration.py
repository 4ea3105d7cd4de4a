"""One worker at a time, before and after the sweeps: how many calls make a round, and does its clock tell the time?

All other workers are suspended meanwhile, as in the sweeps (bench/runner/sweeps.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import sqrt
from time import perf_counter
from typing import Any

from bench.host import resources
from bench.results.samples import CONTROL, Candidate, LaunchResult
from bench.runner import clock
from bench.runner.kernel_run import KernelRun, WorkerHandle
from bench.worker.messages import WARMUP_SECONDS, CalibrateResponse, Request, WorkerFailed, parse
from bench.workloads.parameters import CALIBRATION_DRAW

_ROUND_SECONDS, _DRAWING_SECONDS = 1.5e-3, 3e-6
"""What a round takes besides its calls: waking and suspending the worker, and drawing the arguments of each call."""
_MOST_ITERATIONS = 1_000_000
"""Of calls that long in a round of 5 ms. The race draws the arguments of as many to check one."""


_KEPT = ("busy_threads", "untimed_calls")
"""What a calibration finds, beside the iterations, that is the same in all launches."""
LONG_CALL_SECONDS = 0.02
"""The system moves threads that were resumed on one core apart after one of its ticks, of 4 ms or more: in a longer
call, at most a fifth of it. Without an untimed call before them, a quarter of jax's calls of 13 ms took 1.8 times as
long as the shortest, or more."""
_TIMES_THE_CACHE = 3
"""X that is so many times as large as the last-level cache is not in it when a call begins, whoever called before."""
_READ_BYTES_PER_SECOND, _READING_SHARE = 5e9, 0.02
"""One core of a server reads twice as fast from memory. What changes a call by less gets no verdict either."""


def reading_seconds(bytes_of_x: int) -> float:
    """What the first call after others takes longer because X is no longer in a cache; 0 where it never is."""
    out_of_cache = bytes_of_x >= _TIMES_THE_CACHE * resources.last_level_cache_bytes()
    return 0.0 if out_of_cache else bytes_of_x / _READ_BYTES_PER_SECOND


def has_untimed_calls(iterations: int, call_seconds: float, reading: float) -> bool:
    """Whether untimed calls come before a round: not before a single long call that hardly gains by them.

    reading: `reading_seconds`
    """
    long = iterations == 1 and call_seconds > LONG_CALL_SECONDS
    return not long or reading > _READING_SHARE * call_seconds


def request_calibration(
    kernel_run: KernelRun, worker: WorkerHandle, calibration: Mapping[str, Any], reading: float = 0.0
) -> None:
    """Choose the number of calls in a round, and count the threads that compute in it. Raises WorkerFailed.

    calibration: what an earlier calibration found, which is kept; empty for the first.
    reading: as in `has_untimed_calls`
    """
    request = Request("calibrate", {"draw": CALIBRATION_DRAW, "iterations": calibration.get("iterations")})
    start = perf_counter()
    response = parse(CalibrateResponse, worker.request(request))
    passed = perf_counter() - start
    iterations = response.iterations
    if not 1 <= iterations <= _MOST_ITERATIONS:
        raise WorkerFailed("crashed", f"it sent {iterations} for iterations; expected 1 to {_MOST_ITERATIONS}")
    call_and_placing_seconds = response.call_seconds + response.placing_seconds
    clock.require_possible(call_and_placing_seconds * iterations, passed)
    untimed_calls = has_untimed_calls(iterations, response.call_seconds, reading)
    kernel_run.untimed_calls = calibration.get("untimed_calls", untimed_calls)
    warmup_seconds = max(call_and_placing_seconds, WARMUP_SECONDS) if kernel_run.untimed_calls else 0.0
    drawing_seconds = _ROUND_SECONDS + _DRAWING_SECONDS * iterations
    kernel_run.round_seconds = call_and_placing_seconds * iterations + warmup_seconds + drawing_seconds
    busy_threads = calibration.get("busy_threads", response.busy_threads)
    kernel_run.single_threaded = busy_threads == 1
    counters = kernel_run.samples.counters | {
        "cores_used": response.cores_used,
        "busy_threads": busy_threads,
        "untimed_calls": kernel_run.untimed_calls,
    }
    kernel_run.samples = replace(kernel_run.samples, iterations=iterations, counters=counters)


def calibrate_all(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    calibrations: Mapping[str, Mapping[str, Any]],
    specs: Mapping[str, str],
    on_failure: Callable[[str], None],
    reading: float = 0.0,
) -> None:
    """Suspend all workers, then calibrate one at a time. Calls `on_failure` with the name of a kernel that fails.

    A kernel that is calibrated while others compute gets too few calls in a round. All workers of one kernel get
    the same number of calls: with separate calibrations NumPy differed from itself, in the same direction in
    nearly all launches.
    """
    first_of_spec: dict[str, Mapping[str, Any]] = {}

    def calibrate(name: str) -> None:
        kernel_run = kernel_runs[name]
        calibration = calibrations.get(name) or first_of_spec.get(specs[name], {})
        request_calibration(kernel_run, workers[name], calibration, reading)
        samples = kernel_run.samples
        calibration = {"iterations": samples.iterations} | {key: samples.counters[key] for key in _KEPT}
        first_of_spec.setdefault(specs[name], calibration)

    one_at_a_time(calibrate, kernel_runs, workers, on_failure)


def one_at_a_time(
    act: Callable[[str], None],
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    on_failure: Callable[[str], None],
) -> list[str]:
    """Do this with each kernel while the workers of all others are suspended; so are all in the end.

    Returns the names of those that did not fail.
    """
    done = []
    for name in kernel_runs:
        workers[name].suspend()
    for name, kernel_run in kernel_runs.items():
        workers[name].resume()
        try:
            act(name)
        except WorkerFailed as failure:
            workers[name].kill()
            kernel_run.fail(failure)
            on_failure(name)
            continue
        workers[name].suspend()
        done.append(name)
    return done


def earlier_calibration(
    launch_results: Iterable[LaunchResult], candidates: Iterable[Candidate]
) -> dict[str, dict[str, Any]]:
    """Kernel → what the calibration of its first launch on the workload found; the same for its control."""
    calibrations: dict[str, dict[str, Any]] = {}
    for launch_result in launch_results:
        for name, samples in launch_result.samples.items():
            if samples.iterations:
                found = {key: samples.counters[key] for key in _KEPT if key in samples.counters}
                calibration = {"iterations": samples.iterations} | found
                calibrations.setdefault(name, calibration)
                calibrations.setdefault(CONTROL.format(name), calibration)
    iterations = {name: calibration["iterations"] for name, calibration in calibrations.items()}
    for candidate in candidates:
        if candidate.same_iterations_as in iterations and candidate.name in iterations:
            # the geometric mean: neither kernel's round gets far too short or too long
            mean = sqrt(iterations[candidate.name] * iterations[candidate.same_iterations_as])
            calibrations[candidate.name]["iterations"] = max(1, round(mean))
            both = [
                calibrations[name].get("untimed_calls", True)
                for name in (candidate.name, candidate.same_iterations_as)
            ]
            calibrations[candidate.name]["untimed_calls"] = any(both)
    return calibrations


def watch_clocks(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    first_draw: int,
    on_failure: Callable[[str], None],
) -> None:
    """Let each worker time a round that begins with the request and ends with the response, and time it as well.

    A round of `time_sweeps` does not: its request is also for what is not timed. The others are suspended. A round
    may be disturbed before and after its calls, so it is repeated until the worker's clock explains it. The result is
    in `KernelRun.watched`, for the check `clock`. Calls `on_failure` with the name of a kernel that fails.
    """

    def watch(name: str) -> None:
        kernel_runs[name].watched = clock.watch(kernel_runs[name], workers[name], first_draw)

    for name in one_at_a_time(watch, kernel_runs, workers, on_failure):
        workers[name].resume()
