"""Shared arrays: sealed and read-only, aligned, and released when no array refers to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.worker import shared_arrays
from kernels.gradient.numpy_vectorized import gradient as correct
from tests.support.problems import TINY, inputs


def test_a_worker_has_read_only_copies_of_small_arrays(placed: Any) -> None:
    worker = placed(correct)
    shared = inputs(TINY).arrays
    X, y = worker.placed_kernel.placed
    np.testing.assert_array_equal(X, shared["X"])
    assert not np.shares_memory(X, shared["X"])
    assert X.ctypes.data % shared_arrays.HUGE_PAGE == 0
    probe_X = inputs(TINY).probes[0].fields["X"]
    for array in (X, y, worker.shared[probe_X]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_start_at_cache_lines(dtype: Any) -> None:
    for size in range(1, 20):
        copy = shared_arrays.aligned(np.arange(size, dtype=dtype))
        np.testing.assert_array_equal(copy, np.arange(size))
        assert copy.ctypes.data % 64 == 0
        with pytest.raises(ValueError, match="read-only"):
            copy[0] = 1


@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 4), (1, 1)])
def test_arguments_of_several_dimensions_keep_their_order(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for ordered in (array, np.asfortranarray(array)):
        copy = shared_arrays.aligned(ordered)
        np.testing.assert_array_equal(copy, ordered)
        assert copy.ctypes.data % 64 == 0
        assert (copy.flags.c_contiguous, copy.flags.f_contiguous) == (
            ordered.flags.c_contiguous,
            ordered.flags.f_contiguous,
        )
        assert not np.shares_memory(copy, ordered)
        with pytest.raises(ValueError, match="read-only"):
            copy[...] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            copy.flags.writeable = True


def test_shared_memory_is_sealed() -> None:
    shared = shared_arrays.share_arrays(
        {"X": np.ones((2, 3)), "F": np.asfortranarray(np.arange(6.0).reshape(2, 3))}, 2**20
    )
    try:
        with pytest.raises(PermissionError):
            os.write(shared.descriptor, b"x")
        arrays = shared_arrays.map_arrays(shared.descriptor, shared.table)
        assert arrays["F"].flags.f_contiguous
        np.testing.assert_array_equal(arrays["F"], np.arange(6.0).reshape(2, 3))
        del arrays
    finally:
        shared.close()


def test_large_arrays_start_at_huge_pages_and_are_released() -> None:
    X = np.arange(2.0**19).reshape(-1, 4)
    shared = shared_arrays.share_arrays({"y": np.ones(3), "X": X, "probe": -X}, 2**30)
    arrays = shared_arrays.map_arrays(shared.descriptor, shared.table)
    shared.close()
    start = arrays["y"].ctypes.data
    assert [arrays[name].ctypes.data % shared_arrays.HUGE_PAGE for name in ("X", "probe")] == [0, 0]
    np.testing.assert_array_equal(arrays["X"], X)
    np.testing.assert_array_equal(arrays["probe"], -X)
    kept = arrays["X"][1:]
    arrays.clear()
    assert kept[0, 0] == 4  # mapped as long as an array refers to it
    if (maps := Path("/proc/self/maps")).exists():
        assert f"{start:x}-" in maps.read_text()
        del kept
        assert f"{start:x}-" not in maps.read_text()
