"""One launch: the workers are started together and taken through the run's workloads, a block each.

Starting is what costs, so a worker stays for all workloads; one whose kernel failed is started anew for the next.

They start, and are given their data, in a new random order each time. Physical memory comes in the order of asking,
launch after launch in much the same pages, and where these lie in the caches is worth some per cent: with a fixed
order NumPy at 50000x32 came out 4% faster than itself, 14 launches running.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any

from bench.host import noise, resources
from bench.results.samples import KernelSamples, LaunchResult
from bench.runner.inputs import WorkloadInputs
from bench.runner.kernel_run import KernelRun
from bench.runner.parallel import run_concurrently
from bench.runner.prepare import prepare, verify_and_release
from bench.runner.rounds import calibrate_all, interleave, round_count
from bench.worker import environment
from bench.worker.messages import Request, Response, WorkerFailed
from bench.worker.process import Limits, WorkerProcess
from kernels.ceilings import specs as ceilings


@dataclass(frozen=True)
class Resources:
    """What every worker is given."""

    threads: int
    cores: Sequence[int] | None
    """All that workers may use, one after another or together; None where the system cannot pin."""
    limits: Limits
    cache: Path
    """For compiled code."""


class Launch:
    """The workers, by name; a kernel that cannot be loaded has none."""

    def __init__(self, number: int, resources: Resources) -> None:
        self.number = number
        self._resources = resources
        self._workers: dict[str, WorkerProcess] = {}
        self._loaded: dict[str, Response] = {}
        self._without: dict[str, KernelSamples] = {}
        self._random = Random()

    def _start(self, specs: Mapping[str, str]) -> None:
        """Start a worker for each name that has none yet."""
        threads, cores, limits = self._resources.threads, self._resources.cores, self._resources.limits
        variables = environment.of_worker(threads, self._resources.cache)
        missing = [name for name in specs if name not in self._workers and name not in self._without]
        self._random.shuffle(missing)
        started = {
            name: WorkerProcess(variables, cores and cores_of(place, threads, cores), limits)
            for place, name in enumerate(missing, start=self.number)
        }
        self._workers |= started
        scripts = {started[name]: _load(specs[name], limits.bytes) for name in missing}
        came = run_concurrently(scripts, self._at_once)
        for name, process in started.items():
            loaded = came[process]
            if isinstance(loaded, WorkerFailed):
                self._without[name] = KernelSamples(loaded.outcome, loaded.reason, printed=self._printed(name))
                self._workers.pop(name).kill()
            else:
                self._loaded[name] = loaded

    def block(
        self,
        specs: Mapping[str, str],
        inputs: WorkloadInputs,
        seconds: float,
        known: Mapping[str, Mapping[str, Any]],
        control_of: str | None,
        tick: Callable[[str], None],
    ) -> LaunchResult:
        """Race these on the workload, each for about so many seconds; 0 checks them only.

        known: of those that an earlier launch has admitted, what it chose and saw.
        """
        tick("starting")
        inputs.begin_launch()
        starting = time.perf_counter()
        self._start(specs)
        began = time.perf_counter()
        kernel_runs = {name: KernelRun(self._entry(name), is_kernel=name not in ceilings.SPECS) for name in specs}
        scripts = {
            name: prepare(kernel_run, inputs, known.get(name, {}), seconds > 0)
            for name, kernel_run in kernel_runs.items()
            if name in self._workers
        }
        tick("checking")
        self._run_all(kernel_runs, scripts)
        racing = _ok(kernel_runs) if seconds else {}
        for name, _ in calibrate_all(racing, self._workers, known, specs):
            self._drop_worker(name, kernel_runs[name])
        racing = _ok(racing)
        admitted = time.perf_counter()
        rounds = round_count(racing, seconds)
        used, before = -self._cpu_seconds(), noise.snapshot()
        self._time(racing, rounds, tick)
        after, used = noise.snapshot(), used + self._cpu_seconds()
        timed = time.perf_counter()
        tick("checking again")
        self._verify(_ok(racing), inputs, rounds)
        return LaunchResult(
            workload=inputs.workload.name,
            threads=self._resources.threads,
            launch=self.number,
            entries={name: kernel_run.entry for name, kernel_run in kernel_runs.items()},
            control_of=control_of,
            seconds={
                "start": began - starting,
                "admission": admitted - began,
                "rounds": timed - admitted,
                "dismissal": time.perf_counter() - timed,
            },
            noise=noise.usage_between(before, after, used),
        )

    def _time(self, kernel_runs: Mapping[str, KernelRun], rounds: int, tick: Callable[[str], None]) -> None:
        """Time the rounds; whose kernel fails meanwhile is dropped."""
        ended = interleave(
            kernel_runs,
            self._workers,
            rounds,
            self._resources.threads,
            self._resources.cores,
            self._random,
            lambda number: tick(f"round {number + 1} of {rounds}"),
        )
        for name, _ in ended:
            self._drop_worker(name, kernel_runs[name])

    def _verify(self, kernel_runs: Mapping[str, KernelRun], inputs: WorkloadInputs, rounds: int) -> None:
        """Judge what was sampled of the rounds, let the workload go, and keep what was printed."""
        # one round whose last call is sampled, and one where it may be any
        sampled = [self._random.randrange(kind, rounds, 2) for kind in (0, 1)] if rounds else []
        self._run_all(
            kernel_runs,
            {name: verify_and_release(kernel_run, inputs, sampled) for name, kernel_run in kernel_runs.items()},
        )
        for name, kernel_run in kernel_runs.items():
            if name in self._workers and (printed := _output_tail(self._workers[name])):
                kernel_run.entry = replace(kernel_run.entry, printed=printed)

    def close(self) -> None:
        """End all workers."""
        for process in self._workers.values():
            process.kill()
        self._workers.clear()

    def _cpu_seconds(self) -> float:
        return sum(process.cpu_seconds for process in self._workers.values())

    @property
    def _at_once(self) -> int:
        return len(self._resources.cores) if self._resources.cores else 1

    def _entry(self, name: str) -> KernelSamples:
        if name in self._without:
            return self._without[name]
        loaded = self._loaded[name]
        kernel = {key: loaded.get(key) for key in ("backend", "device", "compiles")}
        kernel["passes"] = _finite(loaded.get("passes"))
        return KernelSamples("ok", kernel=kernel, cold={"import_seconds": _finite(loaded.get("import_seconds"))})

    def _run_all(
        self, kernel_runs: Mapping[str, KernelRun], scripts: Mapping[str, Generator[Request, Response, None]]
    ) -> None:
        """Take workers through their steps; who ends is noted in its lane."""
        order = self._random.sample(list(scripts), len(scripts))
        by_process = {self._workers[name]: scripts[name] for name in order}
        names = {process: name for name, process in self._workers.items()}
        for process, came in run_concurrently(by_process, self._at_once).items():
            if isinstance(came, WorkerFailed):
                kernel_runs[names[process]].ended(came)
                self._drop_worker(names[process], kernel_runs[names[process]])

    def _drop_worker(self, name: str, kernel_run: KernelRun) -> None:
        """A worker whose kernel failed is not used again."""
        process = self._workers.pop(name)
        process.kill()
        kernel_run.entry = replace(kernel_run.entry, printed=_output_tail(process))

    def _printed(self, name: str) -> str:
        process = self._workers[name]
        process.kill()
        return _output_tail(process)


def _finite(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and isfinite(value) else None


def _ok(kernel_runs: Mapping[str, KernelRun]) -> dict[str, KernelRun]:
    return {name: kernel_run for name, kernel_run in kernel_runs.items() if kernel_run.entry.outcome == "ok"}


def _load(spec: str, data_limit: int) -> Generator[Request, Response, Response]:
    reply = yield Request("load", {"spec": spec, "data_limit": data_limit})
    return reply


def _output_tail(process: WorkerProcess) -> str:
    more = process.printed_bytes - len(process.printed.encode())
    return (f"[{more} bytes before this] " if more > 0 else "") + process.printed


def cores_of(place: int, threads: int, available: Sequence[int]) -> list[int]:
    """The cores that a worker starts with: as many as threads, and others for each worker and launch."""
    return [available[(place + step) % len(available)] for step in range(min(threads, len(available)))]


_SHARE_OF_MEMORY = 0.5
"""Of what is free: the most that a worker may hold."""


def resources_for(threads: int, cache: Path, timeout: float) -> Resources:
    """What workers of so many threads are given on this machine. timeout: seconds for one order."""
    cores = None
    if hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))[: resources.usable_cores()]
    return Resources(threads, cores, Limits(timeout, int(_SHARE_OF_MEMORY * resources.available_bytes())), cache)
