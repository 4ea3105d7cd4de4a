"""The benchmarks: one test for each workload and kernel. `pytest --benchmark` runs them."""

import pytest

from bench.plugin import Benchmarks


def test_gradient(
    workload: str, kernel: str, threads: int, benchmarks: Benchmarks, request: pytest.FixtureRequest
) -> None:
    """The kernel agrees with the reference, and its rounds go to pytest-benchmark."""
    measured = benchmarks.measure(workload, kernel, threads)
    outcome, reason = measured.outcome, measured.reason
    if outcome == "skipped" or (outcome == "unavailable" and not benchmarks.asked_for(kernel)):
        pytest.skip(reason)
    if outcome != "ok":
        pytest.fail(f"{kernel} on {workload}: {outcome}: {reason}", pytrace=False)
    benchmarks.replay(request, measured)
