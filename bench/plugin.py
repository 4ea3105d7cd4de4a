"""The pytest glue: `pytest --benchmark` runs the races, and pytest-benchmark shows, saves and compares them.

pytest-benchmark stays the front, through its public interfaces: the marker's `timer` is a clock that replays
a race's rounds, `pedantic` takes them, and its hooks name the rows of its table and complete its JSON.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import machine, record
from bench.options import chosen_session
from bench.record import Record
from bench.report import terminal
from bench.report.progress import Progress, clock
from bench.session import Session

_NAME = "logitbench"
_NOT_TIMED = pytest.mark.skip(reason="nothing is timed without --benchmark")


def pytest_configure(config: pytest.Config) -> None:
    """With --benchmark: choose what to race, and put the benchmarks in the place of the tests."""
    if not config.getoption("benchmark"):
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(Path(__file__).parent)]
    # -rs is on for the tests; here the summary lists what is skipped
    config.option.reportchars = config.option.reportchars.replace("s", "")
    config.pluginmanager.register(Benchmarks(config, chosen_session(config)), _NAME)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each workload and kernel, a workload at a time."""
    if not {"workload", "kernel"} <= set(metafunc.fixturenames):
        return
    benchmarks = metafunc.config.pluginmanager.get_plugin(_NAME)
    cells = benchmarks.cells() if benchmarks else [pytest.param("-", "-", marks=_NOT_TIMED, id="not-timed")]
    metafunc.parametrize(("workload", "kernel"), cells)


@pytest.fixture
def benchmarks(pytestconfig: pytest.Config) -> Benchmarks:
    """What `pytest --benchmark` chose and has measured so far."""
    registered = pytestconfig.pluginmanager.get_plugin(_NAME)
    assert isinstance(registered, Benchmarks), "without --benchmark there is one test, and it is skipped"
    return registered


class Benchmarks:
    """The hooks and fixtures of a run with --benchmark."""

    def __init__(self, config: pytest.Config, session: Session) -> None:
        self._config = config
        self._session = session
        self._statistics: list[Any] = []
        self._progress: Progress | None = None
        self._file: Path | None = None
        if session.seconds:
            folder = config.getoption("results")
            try:
                self._file = session.reserve(folder)
            except OSError as error:
                where = os.path.relpath(folder)
                raise pytest.UsageError(f"results cannot be written to {where}: {error.strerror}") from error

    def cells(self) -> list[Any]:
        """The parameters of the benchmarks."""
        return [
            pytest.param(workload, kernel, id=f"{workload}-{kernel}")
            for workload in self._session.workloads
            for kernel in self._session.entrants
        ]

    # -- what runs --

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """pytest-benchmark selects by its fixture's name, which ours ask for late: it is added meanwhile."""
        ours = [item for item in items if isinstance(item, pytest.Function) and _cell(item)]
        before = [item.fixturenames for item in ours]
        for item in ours:
            item.fixturenames = [*item.fixturenames, "benchmark"]
        yield
        for item, names in zip(ours, before, strict=True):
            item.fixturenames = names

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What is left after -k and the like is raced."""
        self._session.choose(filter(None, map(_cell, session.items)))
        self._progress = Progress(self._session.estimates(), self._rewrite)

    def measure(self, workload: str, kernel: str) -> Record:
        """What the kernel did on the workload."""
        assert self._progress is not None, "tests run after collection"
        found = self._session.record(workload, kernel, self._progress.tick)
        self._rewrite("")
        return found

    def asked_for(self, kernel: str) -> bool:
        """Whether the kernel was asked for by name: then that it is unavailable is a failure."""
        return self._session.entrants[kernel].by_name

    def replay(self, request: pytest.FixtureRequest, measured: Record) -> None:
        """Hand a record's rounds to pytest-benchmark, whose fixture must not be asked for without any."""
        rounds = self._session.races[measured.workload].rounds.get(measured.kernel)
        if rounds is None:
            return
        readings = iter([reading for seconds in rounds for reading in (0.0, seconds * measured.iterations)])

        def race_clock() -> float:
            return next(readings)

        request.node.add_marker(pytest.mark.benchmark(group=measured.workload, timer=race_clock))
        benchmark = request.getfixturevalue("benchmark")
        benchmark.extra_info.update(record.flat(measured))
        benchmark.pedantic(lambda: None, rounds=len(rounds), iterations=measured.iterations)
        self._statistics.append(benchmark.stats)

    # -- what a person sees --

    def pytest_report_collectionfinish(self) -> list[str]:
        """How long it will take, before anything starts."""
        plan = self._session.plan
        kernels = {entrant.name for entrants in plan.values() for entrant in entrants}
        what = f"logitbench: {_counted(len(plan), 'workload')}, {_counted(len(kernels), 'kernel')}"
        if not self._session.seconds:
            return [f"{what}, checked and not timed"]
        took = clock(sum(self._session.estimates().values()))
        return [f"{what}, about {took}, on {machine.identity()}"]

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Where the live line stands, pytest prints no letters."""
        return (report.outcome, "", "") if self._live and (report.when == "call" or report.skipped) else None

    def pytest_benchmark_group_stats(self, benchmarks: list[dict[str, Any]], group_by: str) -> Any:
        """In pytest-benchmark's table: a group a workload, in the order of the run, a row a kernel."""
        if group_by != "group":
            return None  # somebody asked for another grouping: pytest-benchmark's own
        groups: dict[str, list[dict[str, Any]]] = {}
        for benchmark in benchmarks:
            benchmark["name"] = benchmark["params"]["kernel"]
            groups.setdefault(benchmark["group"], []).append(benchmark)
        return list(groups.items())

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """After pytest-benchmark's table: the summary."""
        if not self._session.races:
            return
        text, width = StringIO(), max(80, shutil.get_terminal_size().columns)
        page = Console(file=text, width=width, force_terminal=terminalreporter.hasmarkup, highlight=False)
        terminal.summary(page, self._session.results())
        terminalreporter.ensure_newline()
        terminalreporter.write(text.getvalue())

    def pytest_unconfigure(self) -> None:
        """The last line of all: where the results are."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._file and self._file.exists():
            reporter.write_line(f"results: {os.path.relpath(self._file)}")

    @property
    def _live(self) -> bool:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        return reporter is not None and bool(reporter.isatty) and self._config.get_verbosity() == 0

    def _rewrite(self, line: str) -> None:
        manager = self._config.pluginmanager
        reporter, capture = manager.get_plugin("terminalreporter"), manager.get_plugin("capturemanager")
        if self._live and reporter is not None:
            with capture.global_and_fixture_disabled() if capture else nullcontext():
                reporter.rewrite(line, erase=True)

    # -- what is kept --

    def pytest_benchmark_update_machine_info(self, machine_info: dict[str, Any]) -> None:
        """pytest-benchmark writes the host's name there; results are shared."""
        machine_info["node"] = machine.identity()

    def pytest_benchmark_update_commit_info(self, commit_info: dict[str, Any]) -> None:
        """And there the checkout's folder and branch."""
        commit_info["project"] = _NAME
        commit_info.pop("branch", None)

    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """The one key of ours, in every JSON that pytest-benchmark makes."""
        output_json[_NAME] = self._session.results().as_json()

    def pytest_sessionfinish(self) -> None:
        """Keep what was measured, after an interruption too; a --benchmark-json of the user's is a copy."""
        if self._file is None or not self._session.races:
            return
        self._file = record.write(self._file, self._document())
        if copy := self._config.getoption("benchmark_json"):
            shutil.copyfile(self._file, copy)

    def _document(self) -> dict[str, Any]:
        """pytest-benchmark's JSON, made by its hooks, also where it has nothing to save itself."""
        hook, config = self._config.hook, self._config
        machine_info = hook.pytest_benchmark_generate_machine_info(config=config)
        hook.pytest_benchmark_update_machine_info(config=config, machine_info=machine_info)
        commit_info = hook.pytest_benchmark_generate_commit_info(config=config)
        hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit_info)
        document: dict[str, Any] = hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=self._statistics,
            include_data=True,
            machine_info=machine_info,
            commit_info=commit_info,
        )
        hook.pytest_benchmark_update_json(config=config, benchmarks=self._statistics, output_json=document)
        return document


def _cell(item: pytest.Item) -> tuple[str, str] | None:
    """The workload and the kernel of a benchmark; None for any other test."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if {"workload", "kernel"} <= set(parameters):
        return parameters["workload"], parameters["kernel"]
    return None


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
