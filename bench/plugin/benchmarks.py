"""The pytest glue: `pytest --benchmark` runs the races, and pytest-benchmark shows, saves and compares them.

pytest-benchmark stays the front, through its public interfaces: the marker's `timer` is a clock that replays
a race's rounds, `pedantic` takes them, and its hooks name the rows of its table and complete its JSON.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.host import machine
from bench.plugin.options import chosen_session
from bench.report import formatting, headline, terminal
from bench.report.formatting import clock
from bench.report.progress import Progress
from bench.results import record, run_file
from bench.results.record import Record
from bench.results.samples import Block
from bench.runner.session import Session
from bench.workloads import catalog
from kernels import registry

_NAME = "logitbench"
_CELL = ("workload", "kernel", "threads")
_NOT_TIMED = pytest.mark.skip(reason="nothing is timed without --benchmark")


def pytest_configure(config: pytest.Config) -> None:
    """With --benchmark: choose what to race, and put the benchmarks in the place of the tests."""
    if not config.getoption("benchmark"):
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(Path(__file__).parents[1])]
    # -rs is on for the tests; here the summary lists what is skipped
    config.option.reportchars = config.option.reportchars.replace("s", "")
    config.pluginmanager.register(Benchmarks(config, chosen_session(config)), _NAME)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each workload, kernel and number of threads, a workload at a time."""
    if not set(_CELL) <= set(metafunc.fixturenames):
        return
    benchmarks = metafunc.config.pluginmanager.get_plugin(_NAME)
    own = {name for mark in metafunc.definition.iter_markers("parametrize") for name in _argnames(mark)}
    left = [name for name in _CELL if name not in own]
    if "threads" in own:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: threads are --threads', no test's own")
    none = [pytest.param(*("-", "-", 0)[-len(left) :], marks=_NOT_TIMED, id="not-timed")]
    metafunc.parametrize(left, benchmarks.cells(left) if benchmarks else none)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A kernel of a test's own list is called as in results: no folder is in its benchmark's name."""
    return _known_as(registry.identify, val) if argname == "kernel" and isinstance(val, str) else None


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
        self._file: Path | None = None
        self._complete = False
        self._tests: set[tuple[str, str, int]] = set()
        if session.settings.seconds:
            folder = config.getoption("results")
            try:
                self._file = session.reserve(folder)
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
            for kernel in self._session.entrants
        ]
        chosen: dict[tuple[Any, ...], None] = dict.fromkeys(tuple(one[name] for name in names) for one in cells)
        return [
            pytest.param(*one, id="-".join([*one[:-1], *([f"{one[-1]}t"] if several or len(names) == 1 else [])]))
            for one in chosen
        ]

    # -- what runs --

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
        if self._file is None or not self._session.plan:
            return
        if self._config.getoption("resume"):
            try:
                self._file = self._session.resume(self._file.parent)
            except ValueError as error:
                raise pytest.UsageError(str(error)) from error
        self._session.keep_journal(self._file)

    def measure(self, workload: str, kernel: str, threads: int) -> Record:
        """What the kernel did on the workload. The first to ask has all races run."""
        if not self._session.ran:
            progress = Progress(self._session.estimated_seconds(), self._rewrite)
            most = self._config.getoption("maxfail")
            self._complete = True
            try:
                self._session.run(progress.tick, self._stops_after(most) if most else lambda _block: False)
            except BaseException:
                self._complete = False
                raise
            self._rewrite("")
        return self._session.record(workload, kernel, threads)

    def _stops_after(self, most: int) -> Callable[[Block], bool]:
        """With -x or --maxfail: no more is measured once so many have failed."""
        failed: set[tuple[str, str, int]] = set()

        def stops(block: Block) -> bool:
            for name, entry in block.entries.items():
                fails = entry.outcome not in ("ok", "skipped", "unavailable")
                fails = fails or (entry.outcome == "unavailable" and self.asked_for(name))
                if fails and (block.workload, name, block.threads) in self._tests:
                    failed.add((block.workload, name, block.threads))
            self._complete = len(failed) < most
            return not self._complete

        return stops

    def asked_for(self, kernel: str) -> bool:
        """Whether the kernel was asked for by name: then that it is unavailable is a failure."""
        return kernel in self._session.entrants and self._session.entrants[kernel].by_name

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
        benchmark.extra_info.update(record.flat(measured))
        benchmark.pedantic(lambda: None, rounds=len(rounds), iterations=measured.iterations)
        self._statistics.append(benchmark.stats)

    def _group(self, measured: Record) -> str:
        several = len(self._session.counts) > 1
        return f"{measured.workload}, threads: {measured.threads}" if several else measured.workload

    # -- what a person sees --

    def pytest_report_collectionfinish(self) -> list[str]:
        """How long it will take, before anything starts."""
        plan = self._session.plan
        kernels = {entrant.name for entrants in plan.values() for entrant in entrants}
        what = (
            f"logitbench: {formatting.counted(len(plan), 'workload')}, {formatting.counted(len(kernels), 'kernel')}"
        )
        if not self._session.settings.seconds:
            return [f"{what}, checked and not timed"]
        took = clock(self._session.estimated_seconds())
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
        results = run_file.readable(self._session.results())
        terminal.summary(page, results)
        headline.closing(page, results)
        terminalreporter.ensure_newline()
        terminalreporter.write(text.getvalue())

    def pytest_unconfigure(self) -> None:
        """The last lines of all: where the results are, and their page."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._file and self._file.exists():
            reporter.write_line(f"results: {os.path.relpath(self._file)}")
            if self._complete and not self._config.getoption("no_page"):
                reporter.write_line(_page_line(self._file))

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
        """And there the checkout's folder and branch, and git's own words where it would not answer."""
        commit_info["project"] = _NAME
        for key in ("branch", "error"):
            commit_info.pop(key, None)

    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """The one key of ours, in every JSON that pytest-benchmark makes."""
        output_json[_NAME] = self._session.results().as_json()

    def pytest_sessionfinish(self) -> None:
        """Keep what was measured, after an interruption too; a --benchmark-json of the user's is a copy."""
        journal = self._session.journal
        if self._file is None or journal is None:
            return
        if not self._session.races:
            journal.remove()
            return
        if self._complete:
            self._file = run_file.write(self._file, self._document())
            journal.remove()
        else:  # the journal stays, for --resume
            self._file = run_file.write(self._file.with_stem(f"{self._file.stem}-interrupted"), self._document())
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


def cell(item: pytest.Item) -> tuple[str, str, int] | None:
    """The workload, kernel and threads of a benchmark, as results call them; None for any other test."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if not set(_CELL) <= set(parameters):
        return None
    workload, kernel, threads = (parameters[name] for name in _CELL)
    known = _known_as(lambda name: catalog.named(name).name, workload)
    return known, _known_as(registry.identify, kernel), threads


def _known_as(identify: Callable[[str], str], name: str) -> str:
    """The name that it has in results; its own where there is no such thing, which will be told."""
    try:
        return identify(name)
    except ValueError:
        return name


def _argnames(mark: pytest.Mark) -> list[str]:
    names = mark.args[0] if mark.args else mark.kwargs["argnames"]
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)


def _page_line(file: Path) -> str:
    from bench.report.output import page_line

    try:
        return page_line(file)
    except Exception as error:  # the results are kept, and what is wrong with a page must not fail the run
        return f"no page: {error}"
