"""One launch: its workers are started together and race on one workload after another, all of one operation.

Starting a worker is expensive, so a worker stays for all workloads of the launch. If its kernel fails, a new worker
is started for the next workload.

The order in which workers start and get their data is random. Physical memory is allocated in order of request, and
each launch gets much the same pages; their position in the caches changes times by a few per cent. With a fixed
order, NumPy at 50000x32 was 4% faster than itself in 14 launches out of 14.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from functools import partial
from random import Random

from bench.analysis import guard
from bench.host import noise
from bench.results.samples import KernelSamples, LaunchResult
from bench.runner import compiled_code
from bench.runner.calibration import calibrate_all, reading_seconds, watch_clocks
from bench.runner.cold import ColdWorkers
from bench.runner.inputs import WorkloadInputs
from bench.runner.kernel_run import KernelRun
from bench.runner.new_data import check_new_data
from bench.runner.parallel import run_concurrently
from bench.runner.plan import plan_launch
from bench.runner.prepare import prepare, verify_and_release
from bench.runner.probes import probes_of, refuse
from bench.runner.quiet import ForeignWatch
from bench.runner.race_setup import RaceSetup
from bench.runner.sweeps import SweepSettings, checked_rounds, count_all_if_few, time_sweeps
from bench.runner.worker_resources import WorkerResources, cores_of
from bench.worker import environment
from bench.worker.messages import LoadResponse, Request, Response, WorkerFailed, parse
from bench.worker.process import WorkerProcess
from bench.workloads.parameters import ROUND_DRAW
from kernels.ceilings import specs as ceilings

_PARTS = ("start", "prepare", "rounds", "verify", "cold")
"""What a launch does on a workload, in order."""


class Launch:
    """The workers of a launch, by name."""

    def __init__(self, number: int, worker_resources: WorkerResources) -> None:
        self.number = number
        self._resources = worker_resources
        self._workers: dict[str, WorkerProcess] = {}
        self._loaded: dict[str, LoadResponse] = {}
        self._not_loaded: dict[str, KernelSamples] = {}
        self._random = Random()
        self._cold_workers = ColdWorkers(
            worker_resources.threads, worker_resources.limits, worker_resources.cache, self._at_once
        )

    def _start(self, specs: Mapping[str, str], operation: str) -> None:
        """Start a worker, and load its kernel, for each name that has none yet; not again where loading failed."""
        threads, cores, limits = self._resources.threads, self._resources.cores, self._resources.limits
        missing = [name for name in specs if name not in self._workers and name not in self._not_loaded]
        self._random.shuffle(missing)
        for position, name in enumerate(missing, start=self.number):
            try:
                folder = compiled_code.folder_of(specs[name], self._resources.cache)
                variables = environment.of_worker(threads, folder)
                self._workers[name] = WorkerProcess(variables, cores and cores_of(position, threads, cores), limits)
            except OSError as error:
                self._not_loaded[name] = KernelSamples("crashed", _not_started(error))
        missing = [name for name in missing if name in self._workers]
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

    def measure(self, setup: RaceSetup, inputs: WorkloadInputs, tick: Callable[[str], None]) -> LaunchResult:
        """Check the kernels on the workload, and time them."""
        specs, seconds = setup.specs, setup.seconds
        tick("starting")
        inputs.begin_launch()
        starting = time.perf_counter()
        self._start(specs, inputs.workload.operation)
        began = time.perf_counter()
        kernel_runs = {name: self._kernel_run(name, inputs) for name in specs}
        refuse(kernel_runs, inputs)
        # a kernel that is wrong from the second launch on, as a file may tell it, does not know which probe comes
        again = self._random.random()
        request_generators = {
            name: prepare(one, inputs, probes_of(one, inputs, again, name in setup.calibrations), seconds > 0)
            for name, one in _ok(kernel_runs).items()
        }
        tick("checking")
        self._run_all(kernel_runs, request_generators)
        racing = _ok(kernel_runs) if seconds else {}
        drop_worker = partial(self._drop_worker, kernel_runs)
        reading = reading_seconds(inputs.workload.bytes_of_x)
        calibrate_all(racing, self._workers, setup.calibrations, specs, drop_worker, reading)
        racing, prepared = _ok(racing), time.perf_counter()
        planned = plan_launch(racing, inputs.workload.baseline, seconds, setup.spreads, self._random)
        used, before = {name: worker.cpu_seconds for name, worker in self._workers.items()}, noise.snapshot()
        sweep_settings = SweepSettings(self._resources.threads, self._resources.cores)
        usages = time_sweeps(
            racing, self._workers, planned, sweep_settings, self._random, ForeignWatch(), drop_worker, tick
        )
        after, cpu_seconds = noise.snapshot(), self._cpu_seconds_since(used, racing)
        kernels = {name: kernel_run for name, kernel_run in _ok(racing).items() if kernel_run.is_kernel}
        watch_clocks(kernels, self._workers, ROUND_DRAW + len(usages), drop_worker)
        kernels = {name: kernel_run for name, kernel_run in _ok(racing).items() if kernel_run.is_kernel}
        check_new_data(kernels, self._workers, inputs, ROUND_DRAW + len(usages), self._random, drop_worker)
        timed = time.perf_counter()
        tick("checking again")
        racing = _ok(racing)
        counts_all = count_all_if_few(racing, planned)
        self._verify(racing, inputs)
        verified = time.perf_counter()
        if self.number == 0 and setup.cold_start:
            tick("compiling with an empty cache")
            self._cold_workers.compile(_ok(racing), specs, inputs)
        times = starting, began, prepared, timed, verified, time.perf_counter()
        disturbed = [usage for usage in usages if usage and usage.is_disturbed]
        exposure = guard.usual(usage.exposure for usage in usages if usage)
        return LaunchResult(
            workload=inputs.workload.name,
            threads=self._resources.threads,
            launch=self.number,
            samples={name: kernel_run.samples for name, kernel_run in kernel_runs.items()},
            control_of=setup.control_of,
            seconds={part: end - begin for part, begin, end in zip(_PARTS, times, times[1:], strict=False)},
            noise=noise.usage_between(before, after, cpu_seconds),
            foreign=tuple(round(usage.share, 4) for usage in usages if usage),
            disturbed=len(disturbed),
            hits=guard.as_lists(guard.total(guard.of_sweep(one.foreign, exposure) for one in disturbed)),
            counts_all=counts_all,
        )

    def _verify(self, kernel_runs: Mapping[str, KernelRun], inputs: WorkloadInputs) -> None:
        """Check the results of two rounds, release the data, and keep the end of what the workers printed."""
        request_generators = {
            name: verify_and_release(kernel_run, inputs, checked)
            for name, checked in checked_rounds(kernel_runs, self._random).items()
            if (kernel_run := kernel_runs[name])
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
        self._cold_workers.close()

    def _cpu_seconds_since(self, before: Mapping[str, float], kernel_runs: Mapping[str, KernelRun]) -> float:
        """What all workers used since then; of each kernel it is kept."""
        seconds = {name: worker.cpu_seconds - before[name] for name, worker in self._workers.items()}
        for name in kernel_runs.keys() & seconds:
            kernel_runs[name].cpu_seconds = seconds[name]
        return sum(seconds.values())

    @property
    def _at_once(self) -> int:
        return len(self._resources.cores) if self._resources.cores else 1

    def _kernel_run(self, name: str, inputs: WorkloadInputs) -> KernelRun:
        samples = self._first_samples(name)
        if name in ceilings.SPECS:
            return KernelRun(samples, is_kernel=False)
        return KernelRun(
            samples, form=inputs.form, threads=self._resources.threads if self._resources.cores else None
        )

    def _first_samples(self, name: str) -> KernelSamples:
        if name in self._not_loaded:
            return self._not_loaded[name]
        loaded = self._loaded[name]
        kernel = {key: getattr(loaded, key) for key in ("backend", "device", "passes", "of")}
        if loaded.largest_score is not None:
            kernel["largest_score"] = loaded.largest_score
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


def _not_started(error: OSError) -> str:
    advice = {
        errno.EMFILE: "raise the limit of open files, ulimit -n",
        errno.EAGAIN: "raise the limit of processes, ulimit -u",
    }
    reason = f"its process could not be started: {error.strerror}"
    return f"{reason}; {advice[error.errno]}" if error.errno in advice else reason


def _output_tail(worker: WorkerProcess) -> str:
    omitted = worker.output_bytes - len(worker.output_tail.encode())
    return (f"[{omitted} bytes before this] " if omitted > 0 else "") + worker.output_tail
