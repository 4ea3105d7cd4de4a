"""Settings of the tests: what they share, that a warning is a failure, what is slow, and how the cores share them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis
import pytest

from bench.host import resources
from tests.support.pytest_run import run

__all__ = ["run"]

# The same examples each time where it is checked before a change lands; many and new ones by hand:
# make test ARGS="tests/kernels/test_kernels.py -k bound --hypothesis-profile=thorough -rP"
hypothesis.settings.register_profile("default", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=2000, derandomize=False)
hypothesis.settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Slow tests are asked for."""
    parser.addoption("--slow", action="store_true", help="Run the slow tests, too.")


def pytest_configure(config: pytest.Config) -> None:
    """The marker of slow tests."""
    config.addinivalue_line("markers", "slow: takes long; run with --slow, as .ci/run does")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For tests only: a user's own kernel may warn while it is measured."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("error"))
        if item.get_closest_marker("slow") and not config.getoption("slow"):
            item.add_marker(pytest.mark.skip(reason="slow; to run it too: make test ARGS=--slow"))
    if hasattr(config, "workerinput"):
        from tests.support import sharing

        items.sort(key=lambda item: sharing.place(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: as many as there are cores for this process, which may be fewer than the machine has."""
    return resources.usable_cores()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests that share something stay together."""
    from tests.support.sharing import Sharing

    config.option.loadscopereorder = False  # the order is already that of `place`
    return Sharing(config, log)
