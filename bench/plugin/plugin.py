"""The pytest plugin: `pytest --benchmark` runs the races, and pytest-benchmark shows, saves and compares the results.

It registers one plugin for each part: benchmarks.py for what runs, terminal.py for what is printed, storage.py for
what is saved. All use only public interfaces of pytest-benchmark.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from bench.plugin.benchmarks import CELL, NAME, Benchmarks, cell, name_in_results
from bench.plugin.options import chosen_session
from bench.plugin.storage import Storage
from bench.plugin.terminal import Terminal, rewrite
from bench.results.record import Record
from kernels import registry

_NOT_TIMED = pytest.mark.skip(reason="nothing is timed without --benchmark")


def pytest_configure(config: pytest.Config) -> None:
    """With --benchmark: choose what to race, and run the benchmarks instead of the tests."""
    if not config.getoption("benchmark"):
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(Path(__file__).parents[1])]
    # the tests use -rs; here the summary lists what was skipped
    config.option.reportchars = config.option.reportchars.replace("s", "")
    benchmarks = Benchmarks(config, chosen_session(config), partial(rewrite, config))
    config.pluginmanager.register(benchmarks, NAME)
    config.pluginmanager.register(Terminal(config, benchmarks), f"{NAME}-terminal")
    config.pluginmanager.register(Storage(config, benchmarks), f"{NAME}-storage")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test for each workload, kernel and number of threads."""
    if not set(CELL) <= set(metafunc.fixturenames):
        return
    benchmarks = metafunc.config.pluginmanager.get_plugin(NAME)
    set_by_test = {name for mark in metafunc.definition.iter_markers("parametrize") for name in _argnames(mark)}
    open_names = [name for name in CELL if name not in set_by_test]
    if "threads" in set_by_test:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: a test cannot set threads; use --threads")
    not_timed = [pytest.param(*("-", "-", 0)[-len(open_names) :], marks=_NOT_TIMED, id="not-timed")]
    metafunc.parametrize(open_names, benchmarks.cells(open_names) if benchmarks else not_timed)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a kernel that a test lists as in results, so that the test's id contains no path."""
    return name_in_results(registry.identify, val) if argname == "kernel" and isinstance(val, str) else None


@pytest.fixture
def benchmarks(pytestconfig: pytest.Config) -> Benchmarks:
    """The benchmarks of this run, and what they have measured so far."""
    registered = pytestconfig.pluginmanager.get_plugin(NAME)
    assert isinstance(registered, Benchmarks), "without --benchmark every benchmark is skipped"
    return registered


@pytest.fixture
def measured(
    workload: str, kernel: str, threads: int, benchmarks: Benchmarks, request: pytest.FixtureRequest
) -> Record:
    """The kernel's record on the workload. The first benchmark runs all races; the others only read their record."""
    workload, kernel, threads = cell(request.node) or (workload, kernel, threads)
    record = benchmarks.measure(workload, kernel, threads)
    benchmarks.replay(request, record)
    return record


def _argnames(mark: pytest.Mark) -> list[str]:
    names = mark.args[0] if mark.args else mark.kwargs["argnames"]
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
