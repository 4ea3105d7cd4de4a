"""In which order the workers of a launch start, and on which cores: no process is started."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from bench.host import resources
from bench.results.samples import KernelSamples
from bench.runner import cold, launch
from bench.runner.inputs import CheckCase, WorkloadInputs
from bench.runner.kernel_run import KernelRun
from bench.runner.launch import Launch
from bench.runner.race_setup import RaceSetup
from bench.runner.worker_resources import WorkerResources, cores_of
from bench.worker.messages import LoadResponse, Request, WorkerFailed
from bench.worker.process import Limits
from kernels import load_operation
from kernels.ceilings import specs
from tests.support.problems import TINY, inputs


@pytest.mark.parametrize(
    ("position", "threads", "cores"),
    [(0, 1, [3]), (1, 1, [5]), (2, 1, [7]), (3, 1, [3]), (0, 2, [3, 5]), (2, 2, [7, 3]), (1, 9, [5, 7, 3])],
)
def test_each_worker_starts_on_other_cores(position: int, threads: int, cores: list[int]) -> None:
    assert cores_of(position, threads, [3, 5, 7]) == cores


def test_workers_start_in_random_order(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = LoadResponse(0.1, "numpy", "cpu", 2, "")
    monkeypatch.setattr(launch, "WorkerProcess", lambda *_: object())
    monkeypatch.setattr(launch, "run_concurrently", lambda generators, _at_once: dict.fromkeys(generators, loaded))
    orders = set()
    for _ in range(50):
        one = Launch(0, WorkerResources(1, [0, 1], Limits(1.0, 1), Path()))
        one._start(dict.fromkeys("abc", "numpy"), "gradient")
        orders.add("".join(one._workers))
    assert len(orders) > 1


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EMFILE, "Too many open files; raise the limit of open files, ulimit -n"),
        (errno.EAGAIN, "Resource temporarily unavailable; raise the limit of processes, ulimit -u"),
        (errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_a_worker_that_cannot_start_is_the_outcome_of_its_kernel(
    number: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    class Worker:
        def __init__(self, *_: object) -> None:
            if len(started) == 2:
                raise OSError(number, os.strerror(number))
            started.append("started")

        def kill(self) -> None:
            started.remove("started")

    loaded = LoadResponse(0.1, "numpy", "cpu", 2, "")
    monkeypatch.setattr(launch, "WorkerProcess", Worker)
    monkeypatch.setattr(launch, "run_concurrently", lambda generators, _at_once: dict.fromkeys(generators, loaded))
    one = Launch(0, WorkerResources(1, [0, 1], Limits(1.0, 1), Path()))
    one._start(dict.fromkeys("abc", "numpy"), "gradient")
    ((name, samples),) = one._not_loaded.items()
    assert (samples.outcome, samples.reason) == ("crashed", f"its process could not be started: {reason}")
    assert set(one._workers) == set("abc") - {name}
    one.close()
    assert started == []


class Measured:
    """A launch without processes, whose kernels are prepared and then fail: what `measure` decides until then."""

    def __init__(self, patch: pytest.MonkeyPatch, setup: RaceSetup, made: WorkloadInputs, number: int = 1) -> None:
        """The name of a kernel must be its spec."""
        self.probes: dict[str, list[CheckCase]] = {}
        """Kernel → the probes that it is checked on."""
        self.timed: dict[str, bool] = {}
        self.reading: list[float] = []
        """Whether X may be in a cache when a call begins, as the calibration is told."""
        patch.setattr(launch, "WorkerProcess", IdleWorker)
        patch.setattr(launch, "run_concurrently", self.run)
        patch.setattr(launch, "prepare", self.prepare)
        patch.setattr(launch, "calibrate_all", lambda *arguments: self.reading.append(arguments[-1]))
        one = Launch(number, WorkerResources(1, [0, 1], Limits(1.0, 1), Path()))
        one.measure(setup, made, lambda _step: None)
        one.close()

    def run(self, generators: Mapping[Any, Generator[Request, Any, Any]], _at_once: int) -> dict[Any, Any]:
        outcomes: dict[Any, Any] = {}
        for worker, generator in generators.items():
            request = next(generator, None)
            loaded = request and LoadResponse(0.1, "numpy", "cpu", 2, request.arguments["spec"])
            outcomes[worker] = loaded or WorkerFailed("crashed", "SIGSEGV")
        return outcomes

    def prepare(
        self, kernel_run: KernelRun, _inputs: WorkloadInputs, probes: Sequence[CheckCase], timed: bool
    ) -> Generator[Request, Any, None]:
        name = kernel_run.samples.kernel["of"]
        self.probes[name], self.timed[name] = list(probes), timed
        yield from ()


class IdleWorker:
    """A worker that does nothing."""

    output_bytes, output_tail, cpu_seconds = 0, "", 0.0

    def __init__(self, *_: object) -> None: ...

    def kill(self) -> None: ...


@pytest.mark.parametrize("number", [0, 1, 4])
@pytest.mark.parametrize("workload", [TINY, f"descend:{TINY}@steps=3"])
def test_a_kernel_without_an_earlier_calibration_gets_all_probes_and_each_other_the_same_one(
    workload: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the launch's number: a kernel may be new in a later one, after --resume for example."""
    made, seen = inputs(workload), set[str]()
    setup = RaceSetup(dict(zip("abc", "abc", strict=True)), 1.0, {"b": {"iterations": 1}, "c": {"iterations": 1}})
    for _ in range(20 * len(made.probes)):
        probes = Measured(monkeypatch, setup, made, number).probes
        assert probes["a"] == made.probes
        (probe,) = probes["b"]
        assert probes["c"] == [probe]
        seen.add(probe.check)
    # each of k probes is missed by 20 k random choices with a probability below e^-20
    assert seen == {probe.check for probe in made.probes if not probe.change}  # those are for NumPy alone


@pytest.mark.parametrize("calibrations", [{}, {"a": {"iterations": 1}}])
def test_a_workload_without_probes_has_none_to_check(
    calibrations: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = copy(inputs(TINY))
    made.probes = []
    assert Measured(monkeypatch, RaceSetup({"a": "a"}, 1.0, calibrations), made).probes == {"a": []}


@pytest.mark.parametrize("seconds", [0.0, 1.0])
@pytest.mark.parametrize("times_the_cache", [2, 3])
def test_kernels_are_told_whether_they_are_timed_and_whether_x_may_be_in_a_cache(
    times_the_cache: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = inputs(TINY)
    cache = made.workload.bytes_of_x // times_the_cache
    monkeypatch.setattr(resources, "last_level_cache_bytes", lambda: cache)
    measured = Measured(monkeypatch, RaceSetup({"a": "a"}, seconds), made)
    assert measured.timed == {"a": seconds > 0}
    assert [reading > 0 for reading in measured.reading] == [times_the_cache < 3]


def test_a_ceiling_is_loaded_as_a_kernel_of_its_own_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: dict[str, Any] = {}

    def run(generators: Mapping[object, Generator[Request, Any, Any]], _at_once: int) -> dict[object, LoadResponse]:
        for generator in generators.values():
            arguments = next(generator).arguments
            requests[arguments["spec"]] = arguments["operation"]
        return dict.fromkeys(generators, LoadResponse(0.1, "numpy", "cpu", 2, ""))

    monkeypatch.setattr(launch, "WorkerProcess", lambda *_: object())
    monkeypatch.setattr(launch, "run_concurrently", run)
    one = Launch(0, WorkerResources(1, [0, 1], Limits(1.0, 1), Path()))
    one._start({"numpy": "numpy", **specs.SPECS}, "descend")
    assert requests == {"numpy": "descend", **dict.fromkeys(specs.SPECS.values(), specs.OPERATION)}
    assert load_operation(specs.OPERATION).name == "ceilings"


def test_where_no_worker_can_start_nothing_is_compiled_with_an_empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(cold, "WorkerProcess", refuse)
    kernel_run = KernelRun(KernelSamples("ok", cold={"from_cache": True, "compile_seconds": 0.1}))
    workers = cold.ColdWorkers(1, Limits(1.0, 1), Path(), 1)
    workers.compile({"a": kernel_run}, {"a": "numba"}, inputs(TINY))
    assert kernel_run.samples.cold == {"from_cache": True, "compile_seconds": 0.1}
