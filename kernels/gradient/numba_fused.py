"""numba: the whole computation in one pass over X, a few examples at a time.

A few examples at a time go through z = Xw + b, dz = σ(z) − y and dw += dzᵀX while they are in cache, so that X is
read from memory once, where array expressions read it twice. The sigmoid and the loss are polynomials on vectors
(_numba/elementary.py). Each thread has an equal range of examples and its own sums, which are then added in the
order of the threads: for a given number of threads the result is the same to the bit. Short sums are in X's dtype,
and sums of these are in double, so that no precision is lost as m grows. Workspaces are aligned to cache lines.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from kernels import _jit_cache
from kernels._numba.traversals import run, workspace_size
from kernels.backends import NUMPY
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient

_PARALLEL_FROM = 2**15
"""Elements of X. With fewer, waking the other threads (5 µs) costs more than they save."""
_LINE = 8
"""Doubles in a cache line."""


@numba.njit
def _lines(parts: int, doubles: int) -> Any:
    """Zeros, (parts, doubles), with each row aligned to a cache line."""
    across = (doubles + _LINE - 1) // _LINE * _LINE
    buffer = np.zeros(parts * across + _LINE)
    first = -buffer.ctypes.data % (8 * _LINE) // 8
    return buffer[first : first + parts * across].reshape(parts, across)


@numba.njit
def _sums(X: Array) -> Any:
    """n + 2, rounded up to whole cache lines and vectors."""
    return (X.shape[1] + 2 + 15) // 16 * 16


@numba.njit(error_model="numpy")
def _part(X: Array, y: Array, w: Array, b: Array, first: int, last: int, row: Array) -> None:
    """Write Σ dz_i x_ij, Σ L_i and Σ dz_i over examples first to last − 1 to the beginning of row."""
    n, size = X.shape[1], _sums(X)
    row[n], row[n + 1] = run(X, y, w, b, first, last, row[size:].view(X.dtype), row[:size])


@numba.njit(parallel=True)
def _parts(X: Array, y: Array, w: Array, b: Array, rows: Array) -> None:
    """Compute the part of each row of `rows`, in parallel."""
    m, parts = X.shape[0], len(rows)
    for t in numba.prange(parts):
        # multiples of 16 examples, so that every part begins at a cache line
        first, last = m * t // parts // 16 * 16, m * (t + 1) // parts // 16 * 16
        _part(X, y, w, b, first, m if t == parts - 1 else last, rows[t])


def _gradient(parallel_from: int | None) -> Any:
    """parallel_from: the smallest number of elements of X for which all threads are used; None: never.

    The number of threads is read here, since Numba cannot cache a compiled function that reads it.
    """
    threads = numba.config.NUMBA_NUM_THREADS

    @numba.njit(cache=True, error_model="numpy")
    def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
        """One fused pass."""
        m, n = X.shape
        parts = 1
        if parallel_from is not None and X.size >= parallel_from:
            parts = min(threads, m)
        rows = _lines(parts, _sums(X) + (workspace_size(X) * X.itemsize + 7) // 8)
        if parallel_from is not None and parts > 1:
            _parts(X, y, w, b, rows)
            for t in range(1, parts):
                for j in range(n + 2):
                    rows[0, j] += rows[t, j]
        else:
            _part(X, y, w, b, 0, m, rows[0])
        dw = np.empty(n, X.dtype)
        for j in range(n):
            dw[j] = rows[0, j] / m
        return Gradient(rows[0, n] / m, dw, rows[0, n + 1] / m)

    return gradient


_jit_cache.keep_numba_code()

_SUMMARY = "one fused pass over X, vectorised sigmoid, "
NUMBA = Kernel("numba", NUMPY, _SUMMARY + "all threads where that helps", 1, _gradient(_PARALLEL_FROM))
NUMBA_SERIAL = Kernel("numba-serial", NUMPY, _SUMMARY + "one thread", 1, _gradient(None))
NUMBA_PARALLEL = Kernel("numba-parallel", NUMPY, _SUMMARY + "all threads", 1, _gradient(0))
