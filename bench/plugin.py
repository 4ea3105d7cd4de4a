"""The pytest glue: `pytest --benchmark` runs the races, and pytest-benchmark shows, saves and compares them.

pytest-benchmark stays the front, through its public interfaces: the marker's `timer` is a clock that replays
a race's rounds, `pedantic` takes them, and its hooks name the rows of its table and complete its JSON.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import machine, record, selection
from bench.datasets import DatasetUnavailable
from bench.race import Race, estimated_seconds, race
from bench.record import Record, Results, flat
from bench.report import terminal
from bench.report.progress import Progress, clock
from bench.selection import Entrant
from bench.workloads import Workload, preparation_seconds
from kernels import _jit_cache

RESULTS = Path(__file__).parent.parent / "results"
_NOT_TIMED = pytest.mark.skip(reason="nothing is timed without --benchmark")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the main job, in pytest-benchmark's own group."""
    group = parser.getgroup("benchmark")
    group.addoption("--benchmark", action="store_true", help="Check and time the kernels: the main job.")
    group.addoption(
        "--kernels",
        metavar="A,B",
        help="Only these kernels: names (python -m bench kernels) or your own, path/to/file.py:ATTRIBUTE "
        "or package.module:ATTRIBUTE, a Kernel or a function gradient(X, y, w, b) -> (cost, dw, db).",
    )
    group.addoption("--workloads", metavar="A,B", help="Only these workloads: names (python -m bench workloads) or MxN.")
    group.addoption("--data", metavar="FILE", type=Path, help="Your own data: .npz (X, y), .csv, .parquet or .svm.")
    group.addoption("--target", metavar="COLUMN", help="The column of --data that holds the labels 0 and 1 (default: y).")


def pytest_configure(config: pytest.Config) -> None:
    """With --benchmark: choose what to race, and put the benchmarks in the place of the tests."""
    if not config.getoption("benchmark"):
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(Path(__file__).parent)]
    config.addinivalue_line("filterwarnings", "default")  # a user's kernel may warn; only our tests must not
    try:
        entrants = selection.choose_kernels(config.getoption("kernels"))
        chosen = selection.choose_workloads(*map(config.getoption, ("workloads", "data", "target")))
    except (ValueError, DatasetUnavailable) as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(Benchmarks(config, entrants, chosen), Benchmarks.NAME)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each workload and kernel."""
    if {"workload", "kernel"} <= set(metafunc.fixturenames):
        benchmarks = metafunc.config.pluginmanager.get_plugin(Benchmarks.NAME)
        cells = benchmarks.cells() if benchmarks else [pytest.param("-", "-", marks=_NOT_TIMED, id="not-timed")]
        metafunc.parametrize(("workload", "kernel"), cells)


class Benchmarks:
    """The hooks and fixtures of a run with --benchmark, and what it has measured so far."""

    NAME = "logitbench"

    def __init__(self, config: pytest.Config, entrants: list[Entrant], chosen: list[Workload]) -> None:
        self._config = config
        self._entrants = {entrant.name: entrant for entrant in entrants}
        self._workloads = {workload.name: workload for workload in chosen}
        self._times = _times(config)
        self._seconds = float(config.getoption("benchmark_max_time")) if self._times else 0.0
        self._plan: dict[str, list[Entrant]] = {}
        self._races: dict[str, Race] = {}
        self._statistics: list[Any] = []
        self._progress: Progress | None = None
        self._began = datetime.now(UTC)
        self._compiled_before = _jit_cache.folder().exists()
        self._file = self._writable_file() if self._times else None

    def cells(self) -> list[Any]:
        """The parameters of the benchmarks, a workload at a time."""
        return [
            pytest.param(workload, kernel, id=f"{workload}-{kernel}")
            for workload in self._workloads
            for kernel in self._entrants
        ]

    # -- what runs ------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """--benchmark-only and --benchmark-skip look for the fixture's name, which ours ask for later."""
        ours = [item for item in items if isinstance(item, pytest.Function) and _is_cell(item)]
        before = {item: item.fixturenames for item in ours}
        for item in ours:
            item.fixturenames = [*item.fixturenames, "benchmark"]
        yield
        for item in ours:
            item.fixturenames = before[item]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What is left after -k and the like is raced, with its baselines."""
        for item in session.items:
            if _is_cell(item):
                workload, kernel = item.callspec.params["workload"], item.callspec.params["kernel"]
                self._plan.setdefault(workload, []).append(self._entrants[kernel])
        for workload, entrants in self._plan.items():
            self._plan[workload] = selection.with_baselines(entrants, self._workloads[workload])
        self._progress = Progress(self._estimates(), self._rewrite)

    def pytest_report_collectionfinish(self) -> list[str]:
        """How long it will take, before anything starts."""
        if not self._plan:
            return []
        kernels = len({entrant.name for entrants in self._plan.values() for entrant in entrants})
        what = f"{len(self._plan)} workloads, {kernels} kernels"
        if self._file is None:
            return [f"logitbench: {what}, checked and not timed"]
        total = sum(self._estimates().values())
        return [f"logitbench: {what}, about {clock(total)} min on {machine.fingerprint()['id']}"]

    @pytest.fixture
    def asked_for(self, workload: str, kernel: str) -> bool:
        """Whether the kernel or the workload was asked for by name: then its absence is a failure."""
        by_name = self._config.getoption("workloads") is not None
        return by_name or self._entrants[kernel].by_name

    @pytest.fixture
    def measured(self, workload: str, kernel: str) -> Record:
        """What the kernel did on the workload. The first to ask has the workload's race run."""
        if workload not in self._races:
            tick = partial(self._progress.tick, workload) if self._progress else lambda _: None
            self._races[workload] = race(self._plan[workload], self._workloads[workload], self._seconds, tick)
            self._rewrite("")
        return next(record for record in self._races[workload].records if record.kernel == kernel)

    @pytest.fixture
    def replay(self, request: pytest.FixtureRequest) -> Callable[[Record], None]:
        """Hands a record's rounds to pytest-benchmark. Its fixture must not be asked for without rounds."""

        def replay(record: Record) -> None:
            rounds = self._races[record.workload].rounds.get(record.kernel)
            if rounds is None:
                return
            readings = iter([reading for seconds in rounds for reading in (0.0, seconds * record.iterations)])

            def race_clock() -> float:
                return next(readings)

            request.node.add_marker(pytest.mark.benchmark(group=record.workload, timer=race_clock))
            benchmark = request.getfixturevalue("benchmark")
            benchmark.extra_info.update(flat(record))
            benchmark.pedantic(lambda: None, rounds=len(rounds), iterations=record.iterations)
            self._statistics.append(benchmark.stats)

        return replay

    # -- what a person sees ---------------------------------------------------------------------------------

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Where the live line stands, pytest prints no letters."""
        if self._live and report.when == "call" or report.outcome == "skipped":
            return report.outcome, "", ""
        return None

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
        """After pytest-benchmark's table: the summary, and where the results are."""
        if not self._races:
            return
        styled = terminalreporter.hasmarkup
        page = Console(file=StringIO(), width=max(80, shutil.get_terminal_size().columns), force_terminal=styled, highlight=False)
        terminal.summary(page, self.results())
        terminalreporter.ensure_newline()
        terminalreporter.write(page.file.getvalue())
        if self._file and self._file.exists():
            terminalreporter.write_line(f"results: {os.path.relpath(self._file)}")

    # -- what is kept ---------------------------------------------------------------------------------------

    def results(self) -> Results:
        """All that was measured so far."""
        run = {
            "began": self._began.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - self._began).total_seconds(), 1),
            "seconds_per_kernel": self._seconds,
            "jit_cache_warm": self._compiled_before,
        }
        records = tuple(record for race in self._races.values() for record in race.records)
        return Results(run, machine.fingerprint(), tuple(race.as_json() for race in self._races.values()), records)

    def pytest_benchmark_update_machine_info(self, machine_info: dict[str, Any]) -> None:
        """pytest-benchmark writes the host's name there; results are shared."""
        machine_info["node"] = machine.fingerprint()["id"]

    def pytest_benchmark_update_commit_info(self, commit_info: dict[str, Any]) -> None:
        """And there the checkout's folder."""
        commit_info["project"] = "logitbench"

    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """The one key of ours, in every JSON that pytest-benchmark makes."""
        output_json["logitbench"] = self.results().as_json()

    def pytest_sessionfinish(self) -> None:
        """Keep what was measured, also after an interruption; a --benchmark-json of the user's is a copy."""
        if self._file is None or not self._races:
            return
        hook, config = self._config.hook, self._config
        machine_info = hook.pytest_benchmark_generate_machine_info(config=config)
        hook.pytest_benchmark_update_machine_info(config=config, machine_info=machine_info)
        commit_info = hook.pytest_benchmark_generate_commit_info(config=config)
        hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit_info)
        document = hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=self._statistics,
            include_data=True,
            machine_info=machine_info,
            commit_info=commit_info,
        )
        hook.pytest_benchmark_update_json(config=config, benchmarks=self._statistics, output_json=document)
        record.write(self._file, document)
        if copy := config.getoption("benchmark_json"):
            shutil.copyfile(self._file, copy)

    def _writable_file(self) -> Path:
        """Where this run's results will be; found out to be writable before anything is measured."""
        folder = RESULTS / machine.fingerprint()["id"]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise pytest.UsageError(f"results/ cannot be written to: {error.strerror}: {os.path.relpath(folder)}") from error
        return folder / f"{self._began:%Y%m%dT%H%M%SZ}-{record.commit(RESULTS.parent)}.json"

    def _estimates(self) -> dict[tuple[str, str], float]:
        return {
            (name, entrant.name): estimated_seconds(entrant, self._workloads[name], self._seconds)
            + (preparation_seconds(self._workloads[name]) if entrant is entrants[0] else 0.0)
            for name, entrants in self._plan.items()
            for entrant in entrants
        }

    @property
    def _live(self) -> bool:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        return bool(reporter and reporter.isatty and self._config.get_verbosity() == 0)

    def _rewrite(self, line: str) -> None:
        if self._live:
            reporter = self._config.pluginmanager.get_plugin("terminalreporter")
            with self._config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
                reporter.rewrite(line, erase=True)


def _times(config: pytest.Config) -> bool:
    """Whether anything is timed: pytest-benchmark times nothing when disabled, skipped or under xdist."""
    disabled = config.getoption("benchmark_disable") and not config.getoption("benchmark_enable")
    distributed = config.getoption("dist", "no") != "no" or "PYTEST_XDIST_WORKER" in os.environ
    skipped = config.getoption("benchmark_skip") and not config.getoption("benchmark_only")
    return not (disabled or distributed or skipped or config.getoption("collectonly"))


def _is_cell(item: pytest.Item) -> bool:
    return {"workload", "kernel"} <= set(getattr(getattr(item, "callspec", None), "params", ()))
