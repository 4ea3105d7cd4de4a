"""The pytest glue: `pytest --benchmark` runs the races, and pytest-benchmark shows, saves and compares them.

pytest-benchmark stays the front, through its public interfaces. What runs is in benchmarks.py, what is printed in
terminal.py, what is kept in storage.py: each a plugin of its own, registered here.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from bench.plugin.benchmarks import CELL, NAME, Benchmarks, cell, known_as
from bench.plugin.options import chosen_session
from bench.plugin.storage import Storage
from bench.plugin.terminal import Terminal, rewrite
from bench.results.record import Record
from kernels import registry

_NOT_TIMED = pytest.mark.skip(reason="nothing is timed without --benchmark")


def pytest_configure(config: pytest.Config) -> None:
    """With --benchmark: choose what to race, and put the benchmarks in the place of the tests."""
    if not config.getoption("benchmark"):
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(Path(__file__).parents[1])]
    # -rs is on for the tests; here the summary lists what is skipped
    config.option.reportchars = config.option.reportchars.replace("s", "")
    benchmarks = Benchmarks(config, chosen_session(config), partial(rewrite, config))
    config.pluginmanager.register(benchmarks, NAME)
    config.pluginmanager.register(Terminal(config, benchmarks), f"{NAME}-terminal")
    config.pluginmanager.register(Storage(config, benchmarks), f"{NAME}-storage")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each workload, kernel and number of threads, a workload at a time."""
    if not set(CELL) <= set(metafunc.fixturenames):
        return
    benchmarks = metafunc.config.pluginmanager.get_plugin(NAME)
    own = {name for mark in metafunc.definition.iter_markers("parametrize") for name in _argnames(mark)}
    left = [name for name in CELL if name not in own]
    if "threads" in own:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: threads are --threads', no test's own")
    none = [pytest.param(*("-", "-", 0)[-len(left) :], marks=_NOT_TIMED, id="not-timed")]
    metafunc.parametrize(left, benchmarks.cells(left) if benchmarks else none)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A kernel of a test's own list is called as in results: no folder is in its benchmark's name."""
    return known_as(registry.identify, val) if argname == "kernel" and isinstance(val, str) else None


@pytest.fixture
def benchmarks(pytestconfig: pytest.Config) -> Benchmarks:
    """What `pytest --benchmark` chose and has measured so far."""
    registered = pytestconfig.pluginmanager.get_plugin(NAME)
    assert isinstance(registered, Benchmarks), "without --benchmark there is one test, and it is skipped"
    return registered


@pytest.fixture
def measured(
    workload: str, kernel: str, threads: int, benchmarks: Benchmarks, request: pytest.FixtureRequest
) -> Record:
    """What the kernel did on the workload; its rounds go to pytest-benchmark."""
    workload, kernel, threads = cell(request.node) or (workload, kernel, threads)
    found = benchmarks.measure(workload, kernel, threads)
    benchmarks.replay(request, found)
    return found


def _argnames(mark: pytest.Mark) -> list[str]:
    names = mark.args[0] if mark.args else mark.kwargs["argnames"]
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
