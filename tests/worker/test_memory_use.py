"""What a workload takes of memory: copies of the data and one call, not what the process had before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.host import procfs
from bench.host.checkout import CHECKOUT
from bench.worker import environment
from bench.worker.memory_use import MemoryUse
from bench.worker.worker import Worker
from bench.workloads.parameters import CALIBRATION_DRAW, FIRST_DRAW
from kernels.backends import NUMPY
from kernels.contract import Backend
from kernels.gradient.numpy_vectorized import gradient
from tests.support.problems import inputs
from tests.support.wire import received

_MB = 2**20
_SLACK = 2 * _MB


@pytest.fixture(autouse=True)
def _the_system_can_tell() -> None:
    if not procfs.reset_peak() or procfs.peak_bytes() is None:
        pytest.skip("this system cannot reset the peak of a process's memory")


def taken(megabytes: int) -> None:
    """Take this much memory and free it."""
    np.ones(megabytes * _MB, np.uint8)


@pytest.mark.parametrize("megabytes", [20, 100])
def test_it_is_what_was_added_and_freed_again_whatever_came_before(megabytes: int) -> None:
    memory = MemoryUse()
    for _ in range(2):  # 20 MB lie in glibc's heap, which keeps them after the first time
        taken(300)
        with memory.watch("call_bytes"):
            taken(megabytes)
        assert memory.call_bytes == pytest.approx(megabytes * _MB, abs=_SLACK)
    assert memory.placed_bytes is None


def test_memory_that_a_workers_allocator_keeps_counts_again() -> None:
    """With a worker's variables, glibc gives nothing back by itself, and later calls would take what is there."""
    program = (
        "from tests.worker.test_memory_use import taken, MemoryUse\n"
        "memory = MemoryUse()\n"
        "taken(20)\n"
        "with memory.watch('call_bytes'):\n"
        "    taken(20)\n"
        "print(memory.call_bytes)"
    )
    variables = environment.of_worker(1, None)
    said = subprocess.run(
        [sys.executable, "-c", program], env=variables, cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert int(said.stdout) == pytest.approx(20 * _MB, abs=_SLACK)


def test_the_peak_is_that_of_this_workload_alone() -> None:
    taken(500)
    memory = MemoryUse()
    before = procfs.peak_bytes()
    assert before is not None
    with memory.watch("placed_bytes"):
        taken(200)
    with memory.watch("call_bytes"):
        taken(50)
    assert memory.ended().peak_bytes == pytest.approx(before + 200 * _MB, abs=50 * _MB)


def test_where_the_system_cannot_reset_a_peak_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procfs, "reset_peak", lambda: False)
    memory = MemoryUse()
    with memory.watch("call_bytes"):
        taken(100)
    assert (memory.ended().peak_bytes, memory.call_bytes) == (None, None)


def test_a_worker_reports_the_copies_of_the_data_and_the_arrays_of_a_call(placed: Callable[..., Worker]) -> None:
    workload = "100000x64-f64"
    x_bytes, unseen = 100_000 * 64 * 8, inputs(workload).unseen

    def wasteful(X: Any, y: Any, w: Any, b: Any) -> Any:
        return gradient(X + 0.0, y, w, b)

    copying = Backend("copying", "cpu", np.array, NUMPY.wait, NUMPY.asnumpy)
    for call, backend, copies, arrays in (
        (gradient, NUMPY, 0, 0),
        (wasteful, NUMPY, 0, 1),
        (gradient, copying, 1, 0),
    ):
        worker = placed(call, backend, workload)
        worker.call(FIRST_DRAW)
        worker.calibrate(CALIBRATION_DRAW, 1)
        worker.check(**received(unseen.request().arguments))
        released = worker.release()
        assert released.placed_bytes == pytest.approx(copies * x_bytes, abs=x_bytes / 10)
        assert released.call_bytes == pytest.approx(arrays * x_bytes, abs=x_bytes / 5)
        assert released.peak_bytes
