"""The benchmarks: one test for each workload, kernel and number of threads. `pytest --benchmark` runs them.

The names of the file and the test are those of the first operation, because stored runs have them: pytest-benchmark
compares benchmarks by their full name, so with other names no new run would be compared with an earlier one.
"""

from bench.results.record import Record


def test_gradient(measured: Record) -> None:
    """The kernel must pass all checks. Its rounds go to pytest-benchmark."""
    assert measured.outcome == "ok"
