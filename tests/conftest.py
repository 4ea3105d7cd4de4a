"""Settings of the tests: how many examples Hypothesis tries, and that a warning is a failure."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

# The same examples each time where it is checked before a change lands; many and new ones by hand:
# make test ARGS="tests/test_kernels.py -k bound --hypothesis-profile=thorough -rP"
hypothesis.settings.register_profile("default", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=2000, derandomize=False)
hypothesis.settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For tests only: a user's own kernel may warn while it is measured."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("error"))
