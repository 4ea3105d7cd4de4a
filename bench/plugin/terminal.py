"""What `pytest --benchmark` prints before and after pytest-benchmark's table, and the names of the table's rows."""

from __future__ import annotations

import os
import shutil
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.host import machine
from bench.host.sanitize import one_line
from bench.plugin.benchmarks import Benchmarks
from bench.report import formatting, headline, terminal
from bench.report.formatting import clock
from bench.results import run_file
from bench.results.journal import SUFFIX
from bench.runner.resume import list_skipped


class Terminal:
    """The hooks that print."""

    def __init__(self, config: pytest.Config, benchmarks: Benchmarks) -> None:
        self._config = config
        self._benchmarks = benchmarks

    def pytest_report_collectionfinish(self) -> list[str]:
        """Before the run: what is measured, and about how long that takes."""
        plan = self._benchmarks.session.plan
        kernels = {candidate.name for candidates in plan.values() for candidate in candidates}
        counts = (
            f"logitbench: {formatting.counted(len(plan), 'workload')}, {formatting.counted(len(kernels), 'kernel')}"
        )
        if not self._benchmarks.session.settings.seconds:
            return [f"{counts}, checked and not timed"]
        duration = clock(self._benchmarks.session.estimated_seconds())
        lines = [f"{counts}, about {duration}, on {machine.identity()}"]
        if (file := self._benchmarks.file) and self._config.getoption("resume") and plan:
            skipped = list_skipped(self._benchmarks.skipped_journals)
            lines.append(one_line(f"resumes {file.with_suffix(SUFFIX).name}{skipped}"))
        return lines

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No letter for each test while the progress line is shown."""
        return (
            (report.outcome, "", "")
            if _has_progress_line(self._config) and (report.when == "call" or report.skipped)
            else None
        )

    def pytest_benchmark_group_stats(self, benchmarks: list[dict[str, Any]], group_by: str) -> Any:
        """pytest-benchmark's table: one group for each workload, in the order of the run, one row for each kernel."""
        if group_by != "group":
            return None  # the user chose another grouping, which pytest-benchmark does itself
        groups: dict[str, list[dict[str, Any]]] = {}
        for benchmark in benchmarks:
            benchmark["name"] = benchmark["params"]["kernel"]
            groups.setdefault(benchmark["group"], []).append(benchmark)
        return list(groups.items())

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the summary after pytest-benchmark's table."""
        if not self._benchmarks.session.races:
            return
        text, width = StringIO(), max(80, shutil.get_terminal_size().columns)
        page = Console(file=text, width=width, force_terminal=terminalreporter.hasmarkup, highlight=False)
        results = run_file.printable_results(self._benchmarks.session.results())
        terminal.summary(page, results)
        headline.print_summary(page, results)
        terminalreporter.ensure_newline()
        terminalreporter.write(text.getvalue())

    def pytest_unconfigure(self) -> None:
        """Print the paths of the results file and of its page as the last lines."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._benchmarks.file and self._benchmarks.file.exists():
            reporter.write_line(f"results: {os.path.relpath(self._benchmarks.file)}")
            if self._benchmarks.complete and not self._config.getoption("no_page"):
                reporter.write_line(_page_line(self._benchmarks.file))


def rewrite(config: pytest.Config, line: str) -> None:
    """Replace the progress line, if there is one."""
    manager = config.pluginmanager
    reporter, capture = manager.get_plugin("terminalreporter"), manager.get_plugin("capturemanager")
    if _has_progress_line(config) and reporter is not None:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            reporter.rewrite(line, erase=True)


def _has_progress_line(config: pytest.Config) -> bool:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reporter is not None and bool(reporter.isatty) and config.get_verbosity() == 0


def _page_line(file: Path) -> str:
    from bench.report.output import page_line

    try:
        return page_line(file)
    except Exception as error:  # the results are saved: a failure to make the page must not fail the run
        return f"no page: {error}"
