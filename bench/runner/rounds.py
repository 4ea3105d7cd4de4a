"""Calibration of the kernels of a workload, and their interleaved timed rounds.

While a worker is timed, all others are suspended: their thread pools would spin otherwise. Each round times all
kernels in a new random order and with the same parameters. Kernels that compute in one thread get the same core
in a round, and the rounds rotate over the cores, since cores of one machine differ by 6-9%.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import sqrt
from random import Random
from time import perf_counter
from typing import Any

from bench.results.samples import CONTROL, Candidate, LaunchResult
from bench.runner import clock
from bench.runner.kernel_run import KernelRun, WorkerHandle
from bench.runner.settings import FEWEST_ROUNDS
from bench.worker.messages import (
    WARMUP_SECONDS,
    CalibrateResponse,
    Request,
    RoundResponse,
    WorkerFailed,
    parse,
)
from bench.workloads.parameters import CALIBRATION_DRAW, ROUND_DRAW

_SHORTEST_CALL = 1e-9
"""Seconds. A loop in Python calls the kernel, and then a function that waits: each takes over ten times as long."""
_SHORTEST_SPIN = 1e-7
"""Seconds, of two thousand iterations of a loop in Python: no processor makes one in 0.05 ns."""
_MOST_ITERATIONS = 1_000_000
"""Of calls that long in a round of 5 ms. The race draws the arguments of as many to check one."""


def request_calibration(kernel_run: KernelRun, worker: WorkerHandle, calibration: Mapping[str, Any]) -> None:
    """Choose the number of calls in a round, and count the threads that compute in it. Raises WorkerFailed.

    calibration: `iterations` and `busy_threads` of an earlier calibration, which are kept; empty for the first.
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
    warmup_seconds = max(call_and_placing_seconds, WARMUP_SECONDS)
    kernel_run.round_and_warmup_seconds = call_and_placing_seconds * iterations + warmup_seconds
    busy_threads = calibration["busy_threads"] if calibration else response.busy_threads
    kernel_run.single_threaded = busy_threads == 1
    counters = kernel_run.samples.counters | {"cores_used": response.cores_used, "busy_threads": busy_threads}
    kernel_run.samples = replace(kernel_run.samples, iterations=iterations, counters=counters)


def calibrate_all(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    calibrations: Mapping[str, Mapping[str, Any]],
    specs: Mapping[str, str],
    on_failure: Callable[[str], None],
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
        request_calibration(kernel_run, workers[name], calibration)
        samples = kernel_run.samples
        calibration = {"iterations": samples.iterations, "busy_threads": samples.counters["busy_threads"]}
        first_of_spec.setdefault(specs[name], calibration)

    _one_at_a_time(calibrate, kernel_runs, workers, on_failure)


def _one_at_a_time(
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
    """Kernel → `iterations` and `busy_threads` of its first launch on the workload; the same for its control."""
    calibrations: dict[str, dict[str, Any]] = {}
    for launch_result in launch_results:
        for name, samples in launch_result.samples.items():
            if samples.iterations:
                busy_threads = samples.counters.get("busy_threads")
                calibration = {"iterations": samples.iterations, "busy_threads": busy_threads}
                calibrations.setdefault(name, calibration)
                calibrations.setdefault(CONTROL.format(name), calibration)
    iterations = {name: calibration["iterations"] for name, calibration in calibrations.items()}
    for candidate in candidates:
        if candidate.same_iterations_as in iterations and candidate.name in iterations:
            # the geometric mean: neither kernel's round gets far too short or too long
            mean = sqrt(iterations[candidate.name] * iterations[candidate.same_iterations_as])
            calibrations[candidate.name]["iterations"] = max(1, round(mean))
    return calibrations


def round_count(kernel_runs: Mapping[str, KernelRun], seconds: float) -> int:
    """The number of rounds that take, for each kernel on average, about so many seconds; 0 without kernels."""
    one_round = sum(kernel_run.round_and_warmup_seconds for kernel_run in kernel_runs.values())
    return max(FEWEST_ROUNDS, round(seconds * len(kernel_runs) / one_round)) if one_round else 0


def time_rounds(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    rounds: int,
    threads: int,
    cores: Sequence[int] | None,
    rng: Random,
    on_failure: Callable[[str], None],
    tick: Callable[[int], None] = lambda _round: None,
) -> None:
    """Time the rounds, with all kernels interleaved. Each request runs Worker.round, which calls timing.time_round.

    The workers must be suspended. When a kernel fails, `on_failure` is called with its name; the others continue.
    Odd rounds return the result of the last call, to test that it exists when the call returns. Even rounds return
    the result of a random call. The rounds whose results are checked are chosen later.
    """
    running = list(kernel_runs)
    for round_number in range(rounds):
        tick(round_number)
        core = [cores[round_number % len(cores)]] if cores else None
        sampled_fraction = rng.random()
        order = rng.sample(running, len(running))
        for position, name in enumerate(order):
            kernel_run, worker = kernel_runs[name], workers[name]
            iterations = kernel_run.samples.iterations
            sampled_call = iterations - 1 if round_number % 2 else int(sampled_fraction * iterations)
            arguments = {
                "draw": ROUND_DRAW + round_number,
                "iterations": iterations,
                "sampled_call": sampled_call,
                "cores": core if kernel_run.single_threaded or threads == 1 else None,
            }
            worker.resume()
            try:
                start = perf_counter()
                response = parse(RoundResponse, worker.request(Request("round", arguments)))
                _validate(response, kernel_run, perf_counter() - start)
                kernel_run.responses.append(response)
                kernel_run.sampled_calls.append(sampled_call)
                kernel_run.positions.append(position)
            except WorkerFailed as failure:
                worker.kill()
                running.remove(name)
                kernel_run.fail(failure)
                on_failure(name)
                continue
            worker.suspend()
    for name in running:
        workers[name].resume()


def watch_clocks(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    first_draw: int,
    on_failure: Callable[[str], None],
) -> None:
    """Let each worker time a round that begins with the request and ends with the response, and time it as well.

    A round of `time_rounds` does not: its request is also for what is not timed. The others are suspended. A round
    may be disturbed before and after its calls, so it is repeated until the worker's clock explains it. The result is
    in `KernelRun.watched`, for the check `clock`. Calls `on_failure` with the name of a kernel that fails.
    """

    def watch(name: str) -> None:
        kernel_runs[name].watched = clock.watch(kernel_runs[name], workers[name], first_draw)

    for name in _one_at_a_time(watch, kernel_runs, workers, on_failure):
        workers[name].resume()


def _validate(response: RoundResponse, kernel_run: KernelRun, passed: float) -> None:
    """Raise WorkerFailed for a round that cannot count. passed: seconds between request and response"""
    iterations = kernel_run.samples.iterations
    if response.seconds < iterations * _SHORTEST_CALL:
        raise WorkerFailed("crashed", f"it sent {response.seconds:g} for seconds, of a round of {iterations} calls")
    if response.spin_seconds < _SHORTEST_SPIN:
        raise WorkerFailed("crashed", f"it sent {response.spin_seconds:g} for spin_seconds")
    placing_and_round = response.placing_seconds * iterations + response.seconds
    clock.require_possible(response.spin_seconds + WARMUP_SECONDS + placing_and_round, passed)
    if response.mutated:
        raise WorkerFailed("wrong", "timed: it wrote into its arguments, which are read-only")
    if kernel_run.form:
        kernel_run.form.require(response.result)
