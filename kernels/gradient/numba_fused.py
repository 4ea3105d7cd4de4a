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
from kernels._numba.arrays import aligned_zeros
from kernels._numba.threads import in_parallel
from kernels._numba.traversals import doubles_of_part, part
from kernels.backends import NUMPY
from kernels.contract import Array, Kernel

_PARALLEL_FROM = 2**15
"""Elements of X. With fewer, waking the other threads (5 µs) costs more than they save."""


def _gradient(parallel_from: int | None) -> Any:
    """parallel_from: the smallest number of elements of X for which all threads are used; None: never.

    The number of threads is read here, since Numba cannot cache a compiled function that reads it.
    """
    threads = numba.config.NUMBA_NUM_THREADS

    @numba.njit(cache=True, error_model="numpy")
    def gradient(X: Array, y: Array, w: Array, b: Array) -> tuple[float, Array, float]:
        """One fused pass. Returns (J, dw, db), a plain tuple: Numba takes 0.5 µs longer to make a named one."""
        m, n = X.shape
        parts = 1
        if parallel_from is not None and X.size >= parallel_from:
            parts = min(threads, m)
        rows = aligned_zeros(parts, doubles_of_part(X))
        if parallel_from is not None and parts > 1:
            in_parallel(parts, part, (X, y, w, b, rows))
            for t in range(1, parts):
                for j in range(n + 2):
                    rows[0, j] += rows[t, j]
        else:
            part(X, y, w, b, rows, np.int64(0))  # of 0 alone it would be compiled once more
        dw = np.empty(n, X.dtype)
        for j in range(n):
            dw[j] = rows[0, j] / m
        return rows[0, n] / m, dw, rows[0, n + 1] / m

    return gradient


_jit_cache.keep_numba_code()

_SUMMARY = "one fused pass over X, vectorised sigmoid, "
NUMBA = Kernel("numba", NUMPY, _SUMMARY + "all threads where that helps", 1, _gradient(_PARALLEL_FROM))
NUMBA_SERIAL = Kernel("numba-serial", NUMPY, _SUMMARY + "one thread", 1, _gradient(None))
NUMBA_PARALLEL = Kernel("numba-parallel", NUMPY, _SUMMARY + "all threads", 1, _gradient(0))
