"""BLAS in compiled code that runs on threads without Python's lock.

Numba looks up each of BLAS's functions in its first call, and takes the lock for it. Threads of `in_parallel` would
wait for it for ever, since their caller has it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np


@numba.njit(error_model="numpy")
def _products(two: Any) -> None:
    """A product of every kind: of matrices, of a matrix and a vector, and of vectors."""
    column, row = two[:, :1].copy(), two[:1].copy()
    np.dot(two, two.copy(), two.copy())
    np.dot(two, column, column.copy())
    np.dot(row, two, row.copy())
    np.dot(row, column, np.empty((1, 1), two.dtype))


@cache
def look_up(dtype: np.dtype[Any]) -> None:
    """Let Numba find the functions for products of matrices of this dtype, once in a process."""
    _products(np.ones((2, 2), dtype))
