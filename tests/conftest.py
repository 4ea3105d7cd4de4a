"""Settings of the tests: shared fixtures, warnings as failures, slow tests, and their distribution over cores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis
import pytest

from bench.host import resources
from tests.support.pytest_run import run

__all__ = ["run"]

# By default the same examples every time, as a check before merging needs; many new ones, by hand:
# make test ARGS="tests/kernels/gradient/test_kernels.py -k bound --hypothesis-profile=thorough -rP"
hypothesis.settings.register_profile("default", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=2000, derandomize=False)
hypothesis.settings.load_profile("default")

_STALE_LANES = "ignore:invalid value encountered in matmul:RuntimeWarning"
"""With 5 features in float32, OpenBLAS's sgemv for AVX-512 also computes with what the stack held before, in lanes
that it then discards. A signalling NaN there raises NumPy's warning though the product is right; a wrong one still
fails its test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --slow."""
    parser.addoption("--slow", action="store_true", help="Run the slow tests as well.")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of slow tests."""
    config.addinivalue_line("markers", "slow: takes long; run with --slow, as .ci/run does")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Make warnings failures in tests, though not in benchmarks; skip slow tests; sort for pytest-xdist."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            ignored = [_STALE_LANES] if item.path.is_relative_to(Path(__file__).parent / "kernels") else []
            item.add_marker(pytest.mark.filterwarnings("error", *ignored))
        if item.get_closest_marker("slow") and not config.getoption("slow", False):
            item.add_marker(pytest.mark.skip(reason="slow; run it with: make test ARGS=--slow"))
    if hasattr(config, "workerinput"):
        from tests.support import sharing

        items.sort(key=lambda item: sharing.sort_key(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: the cores that this process may use, which may be fewer than the machine has."""
    return resources.usable_cores()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Distribute the tests as tests/support/sharing.py says."""
    from tests.support.sharing import Sharing

    config.option.loadscopereorder = False  # `sort_key` has set the order
    return Sharing(config, log)
