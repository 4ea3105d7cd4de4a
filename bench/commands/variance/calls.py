"""Rounds in which each call is timed by itself: one launch of some kernels on a workload, beside no race.

The workers start, check and calibrate as in a race, and take turns in random order with the others suspended. To
read the clock between two calls takes 0.1 µs, which a race does not spend: its figures come from whole rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, replace
from random import Random
from time import perf_counter
from typing import Any

from bench.results.samples import KernelSamples
from bench.runner import clock, compiled_code
from bench.runner.calibration import calibrate_all
from bench.runner.inputs import WorkloadInputs
from bench.runner.kernel_run import KernelRun
from bench.runner.parallel import run_concurrently
from bench.runner.prepare import prepare
from bench.runner.worker_resources import WorkerResources, cores_of
from bench.worker import environment
from bench.worker.messages import CallsResponse, LoadResponse, Request, Response, WorkerFailed, parse
from bench.worker.process import WorkerProcess
from bench.workloads.parameters import ROUND_DRAW

FEWEST_ROUNDS = 10
"""The median of their calls' deviations is then known to a third."""
_MOST_CALLS = 20_000
"""In a round. More would only take time: their spread is known to 1%."""

Row = dict[str, Any]


def measure(
    specs: Mapping[str, str],
    inputs: WorkloadInputs,
    resources: WorkerResources,
    seconds: float,
    number: int,
    warm: bool,
    tick: Callable[[str], None],
) -> list[Row]:
    """A row for each kernel: its rounds, as CallsResponse has them, or why it failed.

    specs: name in results → spec. seconds: about how long each kernel is timed. number: of the launch
    warm: whether untimed calls come before each round
    """
    inputs.begin_launch()
    order, rows, random = list(specs), dict[str, Row](), Random()
    random.shuffle(order)
    cores = resources.cores
    workers: dict[str, WorkerProcess] = {}
    try:
        for position, name in enumerate(order, start=number):
            folder = compiled_code.folder_of(specs[name], resources.cache)
            variables = environment.of_worker(resources.threads, folder)
            on_cores = cores and cores_of(position, resources.threads, cores)
            workers[name] = WorkerProcess(variables, on_cores, resources.limits)
        kernel_runs = {name: KernelRun(KernelSamples("ok"), form=inputs.form) for name in order}
        tick("starting and checking")
        steps = {
            workers[name]: _ready(kernel_runs[name], specs[name], inputs, resources.limits.bytes) for name in order
        }
        outcomes = run_concurrently(steps, len(cores) if cores else 1)

        def drop(name: str, failure: WorkerFailed | None = None) -> None:
            samples = kernel_runs.pop(name).samples
            outcome, reason = (failure.outcome, failure.reason) if failure else (samples.outcome, samples.reason)
            rows[name] = {"kernel": name, "outcome": outcome, "reason": reason}
            workers[name].kill()

        for name in order:
            if isinstance(outcome := outcomes[workers[name]], WorkerFailed):
                drop(name, outcome)
        calibrate_all(dict(kernel_runs), workers, {}, specs, drop)
        tick("timing calls")
        timed = _time(kernel_runs, workers, resources, seconds, warm, random, drop)
        return [*rows.values(), *({"kernel": name, "outcome": "ok", **row} for name, row in timed.items())]
    finally:
        for worker in workers.values():
            worker.kill()


def _ready(
    kernel_run: KernelRun, spec: str, inputs: WorkloadInputs, data_limit: int
) -> Generator[Request, Response, None]:
    """Load the kernel, place the data, compile, and check on the workload's own data. Raises WorkerFailed."""
    operation = inputs.workload.operation
    arguments = {"spec": spec, "operation": operation, "data_limit": data_limit}
    loaded = parse(LoadResponse, (yield Request("load", arguments)))
    kernel_run.samples = replace(kernel_run.samples, kernel={"backend": loaded.backend})
    yield from prepare(kernel_run, inputs, probes=(), timed=True)


def _time(
    kernel_runs: dict[str, KernelRun],
    workers: Mapping[str, WorkerProcess],
    resources: WorkerResources,
    seconds: float,
    warm: bool,
    random: Random,
    drop: Callable[[str, WorkerFailed], None],
) -> dict[str, Row]:
    """Time rounds of the kernels in turn, as a race does. The workers are suspended."""
    iterations = {name: min(run.samples.iterations, _MOST_CALLS) for name, run in kernel_runs.items()}
    if not iterations:
        return {}
    one = sum(run.round_seconds for run in kernel_runs.values()) / len(kernel_runs)
    responses: dict[str, list[CallsResponse]] = {name: [] for name in kernel_runs}
    for number in range(max(FEWEST_ROUNDS, round(seconds / one))):
        core = [resources.cores[number % len(resources.cores)]] if resources.cores else None
        for name in random.sample(list(kernel_runs), len(kernel_runs)):
            alone = kernel_runs[name].single_threaded or resources.threads == 1
            arguments = {"draw": ROUND_DRAW + number, "iterations": iterations[name], "warm": warm}
            try:
                response = _request(workers[name], {**arguments, "cores": core if alone else None})
                responses[name].append(response)
            except WorkerFailed as failure:
                drop(name, failure)
    return {name: _row(responses[name], iterations[name]) for name in kernel_runs}


def _request(worker: WorkerProcess, arguments: dict[str, Any]) -> CallsResponse:
    """The response to one request, with the worker suspended before and after. Raises WorkerFailed."""
    worker.resume()
    start = perf_counter()
    response = parse(CallsResponse, worker.request(Request("calls", arguments)))
    clock.require_possible(response.seconds, perf_counter() - start)
    if not 0 < response.median <= response.slowest <= response.seconds:
        raise WorkerFailed("crashed", f"it sent {response.median:g} for median, of calls of {response.slowest:g} s")
    worker.suspend()
    return response


def _row(responses: list[CallsResponse], iterations: int) -> Row:
    """One list for each field, an entry a round; `seconds` are those of a call, as in a race's rounds."""
    columns = {field: [getattr(response, field) for response in responses] for field in asdict(responses[0])}
    return {"iterations": iterations, **columns, "seconds": [s / iterations for s in columns["seconds"]]}
