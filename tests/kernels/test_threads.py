"""A function called by all of Numba's threads from compiled code, tested by itself."""

from __future__ import annotations

import os
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, strategies as st

from kernels._numba.threads import in_parallel


@numba.njit
def _count(calls: Any, threads: Any, step: int, k: int) -> None:
    calls[k] += step
    threads[k] = numba.get_thread_id()


@numba.njit
def _count_all(count: int, calls: Any, threads: Any, step: int) -> bool:
    return bool(in_parallel(count, _count, (calls, threads, step)))


@numba.njit
def _odd_ones_raise(calls: Any, k: int) -> None:
    if k % 2:
        raise ValueError("odd")
    calls[k] = 1


@numba.njit
def _try_all(count: int, calls: Any) -> bool:
    return bool(in_parallel(count, _odd_ones_raise, (calls,)))


@given(st.integers(0, 300), st.integers(1, 5))
def test_each_number_is_computed_once(count: int, step: int) -> None:
    calls, threads = np.zeros(count + 1, np.int64), np.zeros(count, np.int64)
    assert _count_all(count, calls, threads, step)
    np.testing.assert_array_equal(calls, [step] * count + [0])


def test_every_thread_takes_part_and_their_number_stays() -> None:
    count = numba.config.NUMBA_NUM_THREADS
    calls, threads = np.zeros(count, np.int64), np.zeros(count, np.int64)
    _count_all(1, calls, threads, 1)
    assert numba.get_num_threads() == count
    if numba.threading_layer() != "omp" or "OMP_THREAD_LIMIT" in os.environ:
        pytest.skip("only OpenMP's threads, if none limits them, take equal shares")
    _count_all(count, calls, threads, 1)
    np.testing.assert_array_equal(np.sort(threads), np.arange(count))


def test_that_a_call_has_raised_is_said_and_the_others_are_computed() -> None:
    calls = np.zeros(10, np.int64)
    assert not _try_all(10, calls)
    np.testing.assert_array_equal(calls, [1, 0] * 5)
    assert _try_all(1, calls)
