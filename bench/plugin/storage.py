"""The results file of `pytest --benchmark`: pytest-benchmark's JSON, with our results added by its hooks."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from bench.host import machine
from bench.plugin.benchmarks import NAME, Benchmarks
from bench.results import run_file


class Storage:
    """The hooks that save results."""

    def __init__(self, config: pytest.Config, benchmarks: Benchmarks) -> None:
        self._config = config
        self._benchmarks = benchmarks

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

    def pytest_sessionfinish(self) -> None:
        """Write the results file, after an interruption too. The file of --benchmark-json is a copy of it."""
        benchmarks, journal = self._benchmarks, self._benchmarks.session.journal
        if benchmarks.file is None or journal is None:
            return
        if not benchmarks.session.races:
            journal.remove()
            return
        if benchmarks.complete:
            benchmarks.file = run_file.write(benchmarks.file, self._document())
            journal.remove()
        else:  # the journal is kept for --resume
            file = benchmarks.file
            benchmarks.file = run_file.write(file.with_stem(f"{file.stem}-interrupted"), self._document())
        if copy := self._config.getoption("benchmark_json"):
            shutil.copyfile(benchmarks.file, copy)

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
