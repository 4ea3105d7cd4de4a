"""What compiling costs with an empty cache: once a run, after the first launch on a workload has been timed.

The workers that are timed load compiled code that an earlier run left (bench/runner/compiled_code.py). So what a
first user waits for is measured by other workers, each with an empty folder of its own, two or more at a time.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from bench.runner.inputs import WorkloadInputs
from bench.runner.kernel_run import KernelRun
from bench.runner.parallel import run_concurrently
from bench.worker import environment
from bench.worker.messages import (
    CompileResponse,
    LoadResponse,
    PlaceResponse,
    ReleaseResponse,
    Request,
    Response,
    WorkerFailed,
    parse,
)
from bench.worker.process import Limits, WorkerProcess
from bench.workloads.parameters import COMPILE_DRAW


@dataclass
class ColdWorkers:
    """The workers that compile with an empty cache, by kernel: one for all workloads of the first launch."""

    threads: int
    limits: Limits
    folder: Path
    """An empty one, in which each has its own."""
    at_once: int
    _workers: dict[str, WorkerProcess] = field(default_factory=dict)

    def compile(self, kernel_runs: Mapping[str, KernelRun], specs: Mapping[str, str], inputs: WorkloadInputs) -> None:
        """Compile the kernels whose code came from a cache, and keep the seconds in their samples.

        A kernel that fails here keeps its times, and has no cold compilation.
        """
        loaded = [name for name, kernel_run in kernel_runs.items() if kernel_run.samples.cold.get("from_cache")]
        generators = {}
        for name in Random().sample(loaded, len(loaded)):
            started = name in self._workers
            if not started:
                try:
                    variables = environment.of_worker(self.threads, self.folder / f"cold-{len(self._workers)}")
                    self._workers[name] = WorkerProcess(variables, None, self.limits)
                except OSError:  # the limit of open files or of processes
                    continue
            spec = None if started else specs[name]
            generators[self._workers[name]] = _compile(spec, inputs, self.limits.bytes)
        outcomes = run_concurrently(generators, self.at_once)
        for name in [name for name in loaded if name in self._workers]:
            outcome = outcomes[self._workers[name]]
            if isinstance(outcome, WorkerFailed):
                self._workers.pop(name).kill()
            elif outcome.compile_seconds is not None and not outcome.from_cache:
                samples = kernel_runs[name].samples
                cold = samples.cold | {"compile_seconds": outcome.compile_seconds, "from_cache": False}
                kernel_runs[name].samples = replace(samples, cold=cold)

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers.values():
            worker.kill()
        self._workers.clear()


def _compile(
    spec: str | None, inputs: WorkloadInputs, data_limit: int
) -> Generator[Request, Response, CompileResponse]:
    """spec: of the kernel; None for a worker that has loaded it"""
    if spec is not None:
        arguments = {"spec": spec, "operation": inputs.workload.operation, "data_limit": data_limit}
        parse(LoadResponse, (yield Request("load", arguments)))
    parse(PlaceResponse, (yield inputs.place_request()))
    compiled = parse(CompileResponse, (yield Request("compile", {"draw": COMPILE_DRAW})))
    parse(ReleaseResponse, (yield Request("release", {})))
    return compiled
