"""Calibration of the kernels of a workload, and their interleaved timed rounds.

While a worker is timed, all others are suspended: their thread pools would spin otherwise. Each round times all
kernels in a new random order and with the same parameters. Kernels that compute in one thread get the same core
in a round, and the rounds rotate over the cores, since cores of one machine differ by 6-9%.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

from bench.results.samples import CONTROL, Candidate, LaunchResult
from bench.runner.kernel_run import KernelRun, WorkerHandle
from bench.runner.settings import FEWEST_ROUNDS
from bench.worker.messages import WARMUP_SECONDS, CalibrateResponse, Request, RoundResponse, WorkerFailed, parse
from bench.workloads.parameters import CALIBRATION_DRAW, ROUND_DRAW


def calibrate(kernel_run: KernelRun, worker: WorkerHandle, known: Mapping[str, Any]) -> None:
    """Choose the number of calls in a round, and count the threads that compute in it. Raises WorkerFailed.

    known: `iterations` and `busy_threads` of an earlier calibration, which are kept; empty for the first.
    """
    request = Request("calibrate", {"draw": CALIBRATION_DRAW, "iterations": known.get("iterations")})
    response = parse(CalibrateResponse, worker.request(request))
    iterations = response.iterations
    if iterations < 1:
        raise WorkerFailed("crashed", f"it sent {iterations} for iterations")
    call_seconds = response.call_seconds + response.placing_seconds
    kernel_run.round_seconds = call_seconds * iterations + max(call_seconds, WARMUP_SECONDS)
    busy_threads = known["busy_threads"] if known else response.busy_threads
    kernel_run.single_threaded = busy_threads == 1
    seen = {"cores_used": response.cores_used, "busy_threads": busy_threads}
    kernel_run.samples = replace(kernel_run.samples, iterations=iterations, seen=kernel_run.samples.seen | seen)


def calibrate_all(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    known: Mapping[str, Mapping[str, Any]],
    specs: Mapping[str, str],
) -> Iterator[tuple[str, WorkerFailed]]:
    """Suspend all workers, then calibrate one at a time. Yields the name of each kernel that failed, and how.

    A kernel that is calibrated while others compute gets too few calls in a round. All workers of one kernel get
    the same number of calls: with separate calibrations NumPy differed from itself, in the same direction in
    nearly all launches.
    """
    first_of_spec: dict[str, Mapping[str, Any]] = {}
    for name in kernel_runs:
        workers[name].suspend()
    for name, kernel_run in kernel_runs.items():
        workers[name].resume()
        try:
            calibrate(kernel_run, workers[name], known.get(name) or first_of_spec.get(specs[name], {}))
        except WorkerFailed as failure:
            workers[name].kill()
            kernel_run.fail(failure)
            yield name, failure
            continue
        workers[name].suspend()
        samples = kernel_run.samples
        calibrated = {"iterations": samples.iterations, "busy_threads": samples.seen["busy_threads"]}
        first_of_spec.setdefault(specs[name], calibrated)


def earlier_calibration(
    launch_results: Iterable[LaunchResult], candidates: Iterable[Candidate]
) -> dict[str, dict[str, Any]]:
    """Kernel → `iterations` and `busy_threads` of its first launch on the workload; the same for its control."""
    known: dict[str, dict[str, Any]] = {}
    for launch_result in launch_results:
        for name, samples in launch_result.entries.items():
            if samples.iterations:
                calibrated = {"iterations": samples.iterations, "busy_threads": samples.seen.get("busy_threads")}
                known.setdefault(name, calibrated)
                known.setdefault(CONTROL.format(name), calibrated)
    iterations = {name: calibrated["iterations"] for name, calibrated in known.items()}
    for candidate in candidates:
        if candidate.same_iterations_as in iterations and candidate.name in iterations:
            # the geometric mean: neither kernel's round gets far too short or too long
            mean = sqrt(iterations[candidate.name] * iterations[candidate.same_iterations_as])
            known[candidate.name]["iterations"] = max(1, round(mean))
    return known


def round_count(kernel_runs: Mapping[str, KernelRun], seconds: float) -> int:
    """The number of rounds that take, for each kernel on average, about so many seconds; 0 without kernels."""
    one_round = sum(kernel_run.round_seconds for kernel_run in kernel_runs.values())
    return max(FEWEST_ROUNDS, round(seconds * len(kernel_runs) / one_round)) if one_round else 0


def interleave(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    rounds: int,
    threads: int,
    cores: Sequence[int] | None,
    random: random.Random,
    tick: Callable[[int], None] = lambda _round: None,
) -> Iterator[tuple[str, WorkerFailed]]:
    """Time the rounds. Yields the name of each kernel that failed, and how; the others continue.

    The workers must be suspended. Each round returns the result of one call: in every second round of the last
    call, whose result must exist as soon as the call returns, in the others of a random call. The rounds whose
    results are checked are chosen later.
    """
    running = list(kernel_runs)
    for round_number in range(rounds):
        tick(round_number)
        core = [cores[round_number % len(cores)]] if cores else None
        sampled_fraction = random.random()
        order = random.sample(running, len(running))
        for position, name in enumerate(order):
            kernel_run, worker = kernel_runs[name], workers[name]
            iterations = kernel_run.samples.iterations
            sampled = iterations - 1 if round_number % 2 else int(sampled_fraction * iterations)
            arguments = {
                "draw": ROUND_DRAW + round_number,
                "iterations": iterations,
                "sampled": sampled,
                "cores": core if kernel_run.single_threaded or threads == 1 else None,
            }
            worker.resume()
            try:
                response = parse(RoundResponse, worker.request(Request("round", arguments)))
                kernel_run.responses.append(_validated(response))
                kernel_run.sampled_calls.append(sampled)
                kernel_run.positions.append(position)
            except WorkerFailed as failure:
                worker.kill()
                running.remove(name)
                kernel_run.fail(failure)
                yield name, failure
                continue
            worker.suspend()
    for name in running:
        workers[name].resume()


def _validated(response: RoundResponse) -> RoundResponse:
    """Raises WorkerFailed for a round that cannot count."""
    if response.seconds <= 0:
        raise WorkerFailed("crashed", "it reported a round of no time")
    if response.mutated:
        raise WorkerFailed("wrong", "timed: it wrote into w, which is read-only")
    return response
