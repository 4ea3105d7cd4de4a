"""The benchmarks: one test for each workload and kernel. `pytest --benchmark` runs them."""

from collections.abc import Callable

import pytest

from bench.record import Record


def test_gradient(measured: Record, replay: Callable[[Record], None], asked_for: bool) -> None:
    """The kernel agrees with the reference, and its rounds go to pytest-benchmark."""
    if measured.outcome == "skipped" or (measured.outcome == "unavailable" and not asked_for):
        pytest.skip(measured.reason)
    if measured.outcome != "ok":
        pytest.fail(
            f"{measured.kernel} on {measured.workload}: {measured.outcome}: {measured.reason}", pytrace=False
        )
    replay(measured)
