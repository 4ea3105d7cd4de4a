"""The variables of a worker: all kernels get the same threads, whatever is installed or set."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.worker import environment


@pytest.mark.parametrize("threads", [1, 3])
def test_every_library_is_told_the_number_of_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    variables = environment.of_worker(threads, None)
    assert {variables[name] for name in variables if name.endswith("_NUM_THREADS")} == {str(threads)}


def test_numba_asks_for_openmp_before_tbb() -> None:
    """TBB may come with another library, and would be its first choice."""
    code = "from numba import config; print(*config.THREADING_LAYER_PRIORITY)"
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment.of_worker(1, None), capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["omp", "tbb", "workqueue"]
