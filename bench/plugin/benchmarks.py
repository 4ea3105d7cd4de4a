"""The benchmarks of `pytest --benchmark`: which tests there are, their races, and each test's record.

The races are already timed. pytest-benchmark is given a clock that returns these times, so that its table shows them.
Our own table is printed by report/terminal.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.host.sanitize import one_line
from bench.report.progress import Progress
from bench.results import record
from bench.results.journal import JournalUnwritable
from bench.results.record import Record
from bench.results.samples import LaunchResult
from bench.runner.session import Session
from bench.workloads import catalog
from kernels import registry

NAME = "logitbench"
"""The name of the plugin in pytest, and the key of the results in pytest-benchmark's JSON."""
CELL = ("workload", "kernel", "threads")
"""The parameters that make a test a benchmark."""


class Benchmarks:
    """The hooks that choose what runs, and the methods that the fixtures call.

    file: the results file; None if nothing is timed
    complete: whether everything that was chosen has been measured
    statistics: pytest-benchmark's statistics of each benchmark
    skipped_journals: of a run that is resumed, the later journals, each with why it was not taken
    """

    def __init__(self, config: pytest.Config, session: Session, rewrite: Callable[[str], None]) -> None:
        """rewrite: replaces the progress line in the terminal"""
        self._config = config
        self._session = session
        self._rewrite = rewrite
        self.statistics: list[Any] = []
        self.file: Path | None = None
        self.complete = False
        self.skipped_journals: Sequence[str] = ()
        self._tests: set[tuple[str, str, int]] = set()
        if session.settings.seconds:
            folder = config.getoption("results")
            try:
                self.file = session.reserve(folder)
            except OSError as error:
                raise _results_unwritable(folder, error) from error

    @property
    def session(self) -> Session:
        """The session that measures."""
        return self._session

    def cells(self, names: Sequence[str]) -> list[Any]:
        """Parameter sets for the benchmarks. names: those of CELL that the test does not set itself"""
        settings, workloads = self._session.settings, self._session.workloads
        several = len({threads for workload in workloads for threads in settings.threads_of(workload)}) > 1
        cells = [
            {"workload": workload, "kernel": kernel, "threads": threads}
            for workload, chosen in workloads.items()
            for threads in settings.threads_of(workload)
            for kernel, candidate in self._session.candidates.items()
            if chosen.definition.name in candidate.operations
        ]
        chosen: dict[tuple[Any, ...], None] = dict.fromkeys(tuple(one[name] for name in names) for one in cells)
        with_threads = several or len(names) == 1
        return [
            pytest.param(*values, id="-".join([*values[:-1], *([f"{values[-1]}t"] if with_threads else [])]))
            for values in chosen
        ]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """pytest-benchmark selects tests by the fixture name `benchmark`: add it while it selects, then remove it."""
        benchmarks = [item for item in items if isinstance(item, pytest.Function) and cell(item)]
        fixture_names = [item.fixturenames for item in benchmarks]
        for item in benchmarks:
            item.fixturenames = [*item.fixturenames, "benchmark"]
        yield
        for item, names in zip(benchmarks, fixture_names, strict=True):
            item.fixturenames = names

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Plan races of the tests that -k and the like have left."""
        cells = [its_cell for its_cell in map(cell, session.items) if its_cell]
        self._tests = set(cells)
        thread_counts: dict[str, dict[int, None]] = {}
        for workload, _, threads in cells:
            thread_counts.setdefault(workload, {})[threads] = None
        threads_on = {workload: tuple(threads) for workload, threads in thread_counts.items()}
        self._session.settings = replace(self._session.settings, threads_on=threads_on)
        self._session.choose((workload, kernel) for workload, kernel, _ in cells)
        if self.file is None or not self._session.plan:
            return
        try:
            if self._config.getoption("resume"):
                self.file, self.skipped_journals = self._session.resume(self.file.parent)
            else:
                self.file = self._session.keep_journal(self.file)
        except ValueError as error:
            raise pytest.UsageError(one_line(str(error))) from error
        except OSError as error:
            raise _results_unwritable(self.file.parent, error) from error

    def measure(self, workload: str, kernel: str, threads: int) -> Record:
        """The kernel's record on the workload. The first call runs all races."""
        if not self._session.ran:
            progress = Progress(self._session.estimated_seconds(), self._rewrite)
            maxfail = self._config.getoption("maxfail")
            self.complete = True
            try:
                self._session.run(progress.tick, self._stops_after(maxfail) if maxfail else lambda _result: False)
            except JournalUnwritable as error:
                self.complete = False
                line = one_line(f"the run has stopped, and --resume continues it: {error}")
                pytest.exit(line, returncode=pytest.ExitCode.TESTS_FAILED)
            except BaseException:
                self.complete = False
                raise
            self._rewrite("")
        return self._session.record(workload, kernel, threads)

    def _stops_after(self, maxfail: int) -> Callable[[LaunchResult], bool]:
        """For -x and --maxfail: whether so many benchmarks have failed that the run must end."""
        failed: set[tuple[str, str, int]] = set()

        def stops(launch_result: LaunchResult) -> bool:
            for name, samples in launch_result.samples.items():
                fails = samples.outcome not in ("ok", "skipped", "unavailable")
                fails = fails or (samples.outcome == "unavailable" and self.is_requested(name))
                key = launch_result.workload, name, launch_result.threads
                if fails and key in self._tests:
                    failed.add(key)
            self.complete = len(failed) < maxfail
            return not self.complete

        return stops

    def is_requested(self, kernel: str) -> bool:
        """Whether the user named the kernel: then it is a failure if it is unavailable."""
        return kernel in self._session.candidates and self._session.candidates[kernel].requested

    def replay(self, request: pytest.FixtureRequest, measured: Record) -> None:
        """Hand a record's rounds to pytest-benchmark. Without rounds its fixture must not be requested."""
        race = self._session.race(measured.workload, measured.threads)
        rounds = race.rounds(measured.kernel) if race else []
        if not rounds:
            return
        readings = iter([reading for seconds in rounds for reading in (0.0, seconds * measured.iterations)])

        def race_clock() -> float:
            return next(readings)

        request.node.add_marker(pytest.mark.benchmark(group=self._group(measured), timer=race_clock))
        benchmark = request.getfixturevalue("benchmark")
        benchmark.params = {**benchmark.params, "workload": measured.workload, "kernel": measured.kernel}
        benchmark.extra_info.update(record.extra_info(measured))
        benchmark.pedantic(lambda: None, rounds=len(rounds), iterations=measured.iterations)
        self.statistics.append(benchmark.stats)

    def _group(self, measured: Record) -> str:
        several = len(self._session.thread_counts) > 1
        return f"{measured.workload}, threads: {measured.threads}" if several else measured.workload


def _results_unwritable(folder: Path, error: OSError) -> pytest.UsageError:
    return pytest.UsageError(f"results cannot be written to {os.path.relpath(folder)}: {error.strerror}")


def cell(item: pytest.Item) -> tuple[str, str, int] | None:
    """The workload, kernel and threads of a benchmark, by their names in results; None for any other test."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if not set(CELL) <= set(parameters):
        return None
    workload, kernel, threads = (parameters[name] for name in CELL)
    workload = name_in_results(lambda name: catalog.named(name).name, workload)
    return workload, name_in_results(registry.identify, kernel), threads


def name_in_results(identify: Callable[[str], str], name: str) -> str:
    """The name in results; the given name if it is unknown, which is reported later."""
    try:
        return identify(name)
    except ValueError:
        return name
