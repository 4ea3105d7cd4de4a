"""The results file of `pytest --benchmark`: pytest-benchmark's JSON, with our results added by its hooks."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.host import machine
from bench.plugin.benchmarks import NAME, Benchmarks
from bench.report import output
from bench.results import json_text, run_file

_IN_RECORD = ("outcome", "max_ulps", "speedup", "baseline", "gigabytes_per_second", "first_call_seconds")
"""The keys of `extra_info` that a benchmark's record has as well."""


def without_repetitions(document: dict[str, Any]) -> dict[str, Any]:
    """The document whose benchmarks lack the rounds, which its races have, and what its records have.

    They also lack `options`, the settings of a measurement that pytest-benchmark did not make, and `param`, which is
    a part of their names. All that its own `compare` reads stays.
    """
    omitted = {"stats": ("data",), "extra_info": _IN_RECORD}
    benchmarks = [
        {
            key: _without(value, omitted.get(key, ()))
            for key, value in benchmark.items()
            if key not in ("options", "param")
        }
        for benchmark in document["benchmarks"]
    ]
    return document | {"benchmarks": benchmarks}


def _without(value: Any, keys: Sequence[str]) -> Any:
    return {key: part for key, part in value.items() if key not in keys} if keys else value


class Storage:
    """The hooks that save results."""

    def __init__(self, config: pytest.Config, benchmarks: Benchmarks) -> None:
        self._config = config
        self._benchmarks = benchmarks
        self._copy: Path | None = config.getoption("benchmark_json")
        # pytest-benchmark would write that file before the results are saved, and end the run if it cannot
        config.option.benchmark_json = None
        self._lines: list[str] = []

    def pytest_benchmark_update_machine_info(self, machine_info: dict[str, Any]) -> None:
        """Replace the host's name, which pytest-benchmark writes there: results are published."""
        machine_info["node"] = machine.identity()

    def pytest_benchmark_update_commit_info(self, commit_info: dict[str, Any]) -> None:
        """Remove the checkout's folder and branch, and error messages of git, for the same reason."""
        commit_info["project"] = NAME
        for key in ("branch", "error"):
            commit_info.pop(key, None)

    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Add our results to every JSON that pytest-benchmark makes."""
        output_json[NAME] = self._benchmarks.session.results().as_json()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Write the results file, after an interruption too, before pytest-benchmark saves what it was asked to.

        A file that cannot be written is a line at the end of the output, and the run fails.
        """
        saved = self._save()
        try:
            yield
        except OSError as error:
            self._lines.append(f"error: pytest-benchmark cannot write {error.filename}: {error.strerror}")
            saved = False
        if not saved and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        """Print which files could not be written."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            for line in self._lines:
                reporter.write_line(line)

    def _save(self) -> bool:
        """Write the results file and the file of --benchmark-json; whether all that was asked for is written.

        The latter has all that pytest-benchmark writes, and the same results.
        """
        benchmarks, journal = self._benchmarks, self._benchmarks.session.journal
        if benchmarks.file is None or journal is None:
            return True
        if not benchmarks.session.races:
            journal.remove()
            return True
        file, document = benchmarks.file, self._document()
        if not benchmarks.complete:  # the journal is kept for --resume
            file = file.with_stem(f"{file.stem}-interrupted")
        saved = True
        try:
            benchmarks.file = run_file.write(file, without_repetitions(document))
        except OSError as error:
            benchmarks.file, saved = None, False
            line = f"error: {output.relative(file)} cannot be written: {error.strerror}"
            if journal.is_kept():
                line += f"; pytest --benchmark --resume continues from {output.relative(journal.path)}"
            self._lines.append(line)
        if saved and benchmarks.complete:
            journal.remove()
        else:
            journal.close()
        return self._save_copy(document) and saved

    def _save_copy(self, document: dict[str, Any]) -> bool:
        if self._copy is None:
            return True
        try:
            output.write(self._copy, json_text.text(document))
        except ValueError as error:
            self._lines.append(f"error: --benchmark-json={error}")
            return False
        return True

    def _document(self) -> dict[str, Any]:
        """pytest-benchmark's JSON, made by its hooks even if it has nothing to save itself."""
        hook, config = self._config.hook, self._config
        machine_info = hook.pytest_benchmark_generate_machine_info(config=config)
        hook.pytest_benchmark_update_machine_info(config=config, machine_info=machine_info)
        commit_info = hook.pytest_benchmark_generate_commit_info(config=config)
        hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit_info)
        document: dict[str, Any] = hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=self._benchmarks.statistics,
            include_data=True,
            machine_info=machine_info,
            commit_info=commit_info,
        )
        hook.pytest_benchmark_update_json(config=config, benchmarks=self._benchmarks.statistics, output_json=document)
        return document
