"""What runs with `pytest --benchmark`: which benchmarks there are, their races, and each one's record.

pytest-benchmark takes a race's rounds through its public interfaces: the marker's `timer` is a clock that replays
them, and `pedantic` takes them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.report.progress import Progress
from bench.results import record
from bench.results.record import Record
from bench.results.samples import LaunchResult
from bench.runner.session import Session
from bench.workloads import catalog
from kernels import registry

NAME = "logitbench"
"""What pytest knows the benchmarks by, and pytest-benchmark's JSON their results."""
CELL = ("workload", "kernel", "threads")
"""The parameters that make a test a benchmark."""


class Benchmarks:
    """The hooks that choose what runs, and what the fixtures ask.

    file: where the results go; None where nothing is timed.
    complete: whether all that was chosen has been measured.
    statistics: pytest-benchmark's, of each benchmark that it was handed.
    """

    def __init__(self, config: pytest.Config, session: Session, rewrite: Callable[[str], None]) -> None:
        """rewrite: puts the line that says what runs now in the place of the last one."""
        self._config = config
        self._session = session
        self._rewrite = rewrite
        self.statistics: list[Any] = []
        self.file: Path | None = None
        self.complete = False
        self._tests: set[tuple[str, str, int]] = set()
        if session.settings.seconds:
            folder = config.getoption("results")
            try:
                self.file = session.reserve(folder)
            except OSError as error:
                where = os.path.relpath(folder)
                raise pytest.UsageError(f"results cannot be written to {where}: {error.strerror}") from error

    @property
    def session(self) -> Session:
        """What is measured."""
        return self._session

    def cells(self, names: Sequence[str]) -> list[Any]:
        """The benchmarks' parameters of these names, which are some of workload, kernel and threads."""
        settings, workloads = self._session.settings, self._session.workloads
        several = len({threads for workload in workloads for threads in settings.threads_of(workload)}) > 1
        cells = [
            {"workload": workload, "kernel": kernel, "threads": threads}
            for workload in workloads
            for threads in settings.threads_of(workload)
            for kernel in self._session.candidates
        ]
        chosen: dict[tuple[Any, ...], None] = dict.fromkeys(tuple(one[name] for name in names) for one in cells)
        return [
            pytest.param(*one, id="-".join([*one[:-1], *([f"{one[-1]}t"] if several or len(names) == 1 else [])]))
            for one in chosen
        ]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """pytest-benchmark selects by its fixture's name, which ours ask for late: it is added meanwhile."""
        ours = [item for item in items if isinstance(item, pytest.Function) and cell(item)]
        before = [item.fixturenames for item in ours]
        for item in ours:
            item.fixturenames = [*item.fixturenames, "benchmark"]
        yield
        for item, names in zip(ours, before, strict=True):
            item.fixturenames = names

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What is left after -k and the like is raced."""
        cells = [found for found in map(cell, session.items) if found]
        self._tests = set(cells)
        counts: dict[str, dict[int, None]] = {}
        for workload, _, threads in cells:
            counts.setdefault(workload, {})[threads] = None
        left = {workload: tuple(threads) for workload, threads in counts.items()}
        self._session.settings = replace(self._session.settings, threads_on=left)
        self._session.choose((workload, kernel) for workload, kernel, _ in cells)
        if self.file is None or not self._session.plan:
            return
        if self._config.getoption("resume"):
            try:
                self.file = self._session.resume(self.file.parent)
            except ValueError as error:
                raise pytest.UsageError(str(error)) from error
        self._session.keep_journal(self.file)

    def measure(self, workload: str, kernel: str, threads: int) -> Record:
        """What the kernel did on the workload. The first to ask has all races run."""
        if not self._session.ran:
            progress = Progress(self._session.estimated_seconds(), self._rewrite)
            most = self._config.getoption("maxfail")
            self.complete = True
            try:
                self._session.run(progress.tick, self._stops_after(most) if most else lambda _block: False)
            except BaseException:
                self.complete = False
                raise
            self._rewrite("")
        return self._session.record(workload, kernel, threads)

    def _stops_after(self, most: int) -> Callable[[LaunchResult], bool]:
        """With -x or --maxfail: no more is measured once so many have failed."""
        failed: set[tuple[str, str, int]] = set()

        def stops(block: LaunchResult) -> bool:
            for name, entry in block.entries.items():
                fails = entry.outcome not in ("ok", "skipped", "unavailable")
                fails = fails or (entry.outcome == "unavailable" and self.asked_for(name))
                if fails and (block.workload, name, block.threads) in self._tests:
                    failed.add((block.workload, name, block.threads))
            self.complete = len(failed) < most
            return not self.complete

        return stops

    def asked_for(self, kernel: str) -> bool:
        """Whether the kernel was asked for by name: then that it is unavailable is a failure."""
        return kernel in self._session.candidates and self._session.candidates[kernel].requested

    def replay(self, request: pytest.FixtureRequest, measured: Record) -> None:
        """Hand a record's rounds to pytest-benchmark, whose fixture must not be asked for without any."""
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
        several = len(self._session.counts) > 1
        return f"{measured.workload}, threads: {measured.threads}" if several else measured.workload


def cell(item: pytest.Item) -> tuple[str, str, int] | None:
    """The workload, kernel and threads of a benchmark, as results call them; None for any other test."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if not set(CELL) <= set(parameters):
        return None
    workload, kernel, threads = (parameters[name] for name in CELL)
    known = known_as(lambda name: catalog.named(name).name, workload)
    return known, known_as(registry.identify, kernel), threads


def known_as(identify: Callable[[str], str], name: str) -> str:
    """The name that it has in results; its own where there is no such thing, which will be told."""
    try:
        return identify(name)
    except ValueError:
        return name
