"""One launch: its workers are started together and race on one workload after another, all of one operation.

Starting a worker is expensive, so a worker stays for all workloads of the launch. If its kernel fails, a new worker
is started for the next workload.

The order in which workers start and get their data is random. Physical memory is allocated in order of request, and
each launch gets much the same pages; their position in the caches changes times by a few per cent. With a fixed
order, NumPy at 50000x32 was 4% faster than itself in 14 launches out of 14.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from bench.host import noise, resources
from bench.results.samples import KernelSamples, LaunchResult
from bench.runner.inputs import WorkloadInputs
from bench.runner.kernel_run import KernelRun
from bench.runner.parallel import run_concurrently
from bench.runner.prepare import prepare, verify_and_release
from bench.runner.rounds import calibrate_all, round_count, time_rounds, watch_clocks
from bench.worker import environment
from bench.worker.messages import LoadResponse, Request, Response, WorkerFailed, parse
from bench.worker.process import Limits, WorkerProcess
from bench.workloads.parameters import ROUND_DRAW
from kernels.ceilings import specs as ceilings

_WORKER_MEMORY_SHARE = 0.5
"""The largest part of the free memory that one worker may hold."""


@dataclass(frozen=True)
class WorkerResources:
    """What every worker may use."""

    threads: int
    cores: Sequence[int] | None
    """All cores that workers may use; None where the system cannot pin a process to cores."""
    limits: Limits
    cache: Path
    """Folder for compiled code."""


class Launch:
    """The workers of a launch, by name."""

    def __init__(self, number: int, worker_resources: WorkerResources) -> None:
        self.number = number
        self._resources = worker_resources
        self._workers: dict[str, WorkerProcess] = {}
        self._loaded: dict[str, LoadResponse] = {}
        self._not_loaded: dict[str, KernelSamples] = {}
        self._random = Random()

    def _start(self, specs: Mapping[str, str], operation: str) -> None:
        """Start a worker, and load its kernel, for each name that has none yet; not again where loading failed."""
        threads, cores, limits = self._resources.threads, self._resources.cores, self._resources.limits
        variables = environment.of_worker(threads, self._resources.cache)
        missing = [name for name in specs if name not in self._workers and name not in self._not_loaded]
        self._random.shuffle(missing)
        for position, name in enumerate(missing, start=self.number):
            self._workers[name] = WorkerProcess(variables, cores and cores_of(position, threads, cores), limits)
        started = {name: self._workers[name] for name in missing}
        operations = {name: ceilings.OPERATION if name in ceilings.SPECS else operation for name in missing}
        request_generators = {started[name]: _load(specs[name], operations[name], limits.bytes) for name in missing}
        outcomes = run_concurrently(request_generators, self._at_once)
        for name, worker in started.items():
            outcome = outcomes[worker]
            if isinstance(outcome, WorkerFailed):
                self._workers.pop(name).kill()
                output_tail = _output_tail(worker)
                self._not_loaded[name] = KernelSamples(outcome.outcome, outcome.reason, output_tail=output_tail)
            else:
                self._loaded[name] = outcome

    def measure(
        self,
        specs: Mapping[str, str],
        inputs: WorkloadInputs,
        seconds: float,
        calibrations: Mapping[str, Mapping[str, Any]],
        control_of: str | None,
        tick: Callable[[str], None],
    ) -> LaunchResult:
        """Check these kernels on the workload, and time each for about so many seconds; 0: check only.

        specs: name in results → spec of the kernel
        calibrations: name → calibration of an earlier launch
        control_of: the kernel that a second worker runs as control
        """
        tick("starting")
        inputs.begin_launch()
        starting = time.perf_counter()
        self._start(specs, inputs.workload.operation)
        began = time.perf_counter()
        kernel_runs = {name: self._kernel_run(name, inputs) for name in specs}
        request_generators = {
            name: prepare(kernel_run, inputs, skip_probes=name in calibrations, timed=seconds > 0)
            for name, kernel_run in kernel_runs.items()
            if name in self._workers
        }
        tick("checking")
        self._run_all(kernel_runs, request_generators)
        racing = _ok(kernel_runs) if seconds else {}
        drop_worker = partial(self._drop_worker, kernel_runs)
        calibrate_all(racing, self._workers, calibrations, specs, drop_worker)
        racing = _ok(racing)
        prepared = time.perf_counter()
        rounds = round_count(racing, seconds)
        cpu_seconds, before = -self._cpu_seconds(), noise.snapshot()
        self._time_rounds(racing, rounds, tick)
        after, cpu_seconds = noise.snapshot(), cpu_seconds + self._cpu_seconds()
        kernels = {name: kernel_run for name, kernel_run in _ok(racing).items() if kernel_run.is_kernel}
        watch_clocks(kernels, self._workers, ROUND_DRAW + rounds, drop_worker)
        timed = time.perf_counter()
        tick("checking again")
        self._verify(_ok(racing), inputs, rounds)
        return LaunchResult(
            workload=inputs.workload.name,
            threads=self._resources.threads,
            launch=self.number,
            samples={name: kernel_run.samples for name, kernel_run in kernel_runs.items()},
            control_of=control_of,
            seconds={
                "start": began - starting,
                "prepare": prepared - began,
                "rounds": timed - prepared,
                "verify": time.perf_counter() - timed,
            },
            noise=noise.usage_between(before, after, cpu_seconds),
        )

    def _time_rounds(self, kernel_runs: Mapping[str, KernelRun], rounds: int, tick: Callable[[str], None]) -> None:
        """Time the rounds, and drop the workers of kernels that fail."""
        time_rounds(
            kernel_runs,
            self._workers,
            rounds,
            self._resources.threads,
            self._resources.cores,
            self._random,
            partial(self._drop_worker, kernel_runs),
            lambda number: tick(f"round {number + 1} of {rounds}"),
        )

    def _verify(self, kernel_runs: Mapping[str, KernelRun], inputs: WorkloadInputs, rounds: int) -> None:
        """Check the results of two rounds, release the data, and keep the end of what the workers printed."""
        # an odd round, which returned the result of its last call, and an even one, of a random call
        checked_rounds = [self._random.randrange(parity, rounds, 2) for parity in (0, 1)] if rounds else []
        request_generators = {
            name: verify_and_release(kernel_run, inputs, checked_rounds) for name, kernel_run in kernel_runs.items()
        }
        self._run_all(kernel_runs, request_generators)
        for name, kernel_run in kernel_runs.items():
            if name in self._workers and (output_tail := _output_tail(self._workers[name])):
                kernel_run.samples = replace(kernel_run.samples, output_tail=output_tail)

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers.values():
            worker.kill()
        self._workers.clear()

    def _cpu_seconds(self) -> float:
        return sum(worker.cpu_seconds for worker in self._workers.values())

    @property
    def _at_once(self) -> int:
        return len(self._resources.cores) if self._resources.cores else 1

    def _kernel_run(self, name: str, inputs: WorkloadInputs) -> KernelRun:
        samples = self._first_samples(name)
        if name in ceilings.SPECS:
            return KernelRun(samples, is_kernel=False)
        return KernelRun(samples, form=inputs.form)

    def _first_samples(self, name: str) -> KernelSamples:
        if name in self._not_loaded:
            return self._not_loaded[name]
        loaded = self._loaded[name]
        kernel = {key: getattr(loaded, key) for key in ("backend", "device", "passes", "of")}
        return KernelSamples("ok", kernel=kernel, cold={"import_seconds": loaded.import_seconds})

    def _run_all(
        self,
        kernel_runs: Mapping[str, KernelRun],
        request_generators: Mapping[str, Generator[Request, Response, None]],
    ) -> None:
        """Send the workers their requests, in random order, and record the failures."""
        order = self._random.sample(list(request_generators), len(request_generators))
        outcomes = run_concurrently({self._workers[name]: request_generators[name] for name in order}, self._at_once)
        for name in order:
            outcome = outcomes[self._workers[name]]
            if isinstance(outcome, WorkerFailed):
                kernel_runs[name].fail(outcome)
                self._drop_worker(kernel_runs, name)

    def _drop_worker(self, kernel_runs: Mapping[str, KernelRun], name: str) -> None:
        """End the worker of a kernel that failed, and keep the end of what it printed."""
        worker, kernel_run = self._workers.pop(name), kernel_runs[name]
        worker.kill()
        kernel_run.samples = replace(kernel_run.samples, output_tail=_output_tail(worker))


def _ok(kernel_runs: Mapping[str, KernelRun]) -> dict[str, KernelRun]:
    return {name: kernel_run for name, kernel_run in kernel_runs.items() if kernel_run.samples.outcome == "ok"}


def _load(spec: str, operation: str, data_limit: int) -> Generator[Request, Response, LoadResponse]:
    arguments = {"spec": spec, "operation": operation, "data_limit": data_limit}
    return parse(LoadResponse, (yield Request("load", arguments)))


def _output_tail(worker: WorkerProcess) -> str:
    omitted = worker.output_bytes - len(worker.output_tail.encode())
    return (f"[{omitted} bytes before this] " if omitted > 0 else "") + worker.output_tail


def cores_of(position: int, threads: int, available: Sequence[int]) -> list[int]:
    """The cores that a worker starts with: one for each thread, rotated by its position and the launch."""
    return [available[(position + step) % len(available)] for step in range(min(threads, len(available)))]


def resources_for(threads: int, cache: Path, timeout: float) -> WorkerResources:
    """What workers of so many threads may use on this machine. timeout: seconds for one request."""
    cores = None
    if hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))[: resources.usable_cores()]
    limits = Limits(timeout, int(_WORKER_MEMORY_SHARE * resources.available_bytes()))
    return WorkerResources(threads, cores, limits, cache)
