"""The benchmarks: one test for each workload, kernel and number of threads. `pytest --benchmark` runs them."""

from bench.results.record import Record


def test_gradient(measured: Record) -> None:
    """The kernel must pass all checks. Its rounds go to pytest-benchmark."""
    assert measured.outcome == "ok"
