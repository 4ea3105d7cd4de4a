"""The benchmarks: one test for each workload and kernel. `pytest --benchmark` runs them."""

from bench.results.record import Record


def test_gradient(measured: Record) -> None:
    """The kernel agrees with the reference, and its rounds go to pytest-benchmark."""
    assert measured.outcome == "ok"
