"""numba: the whole computation in one pass over X, in blocks that stay in cache.

A block's examples go through z = Xw + b, dz = σ(z) − y and dw += dzᵀX while they are in the first cache, so that
memory is read once, where array expressions read it twice. The sigmoid and the loss are polynomials on vectors
(_numba/elementary.py). Each thread has an equal run of examples and sums of its own, added up in the threads'
order: for a given number of threads the result is the same to the bit. A block's sums are in X's dtype, and those
over blocks in double, so that nothing is lost as m grows. Workspaces begin at a cache line wherever the heap
put them.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from kernels import _jit_cache
from kernels._numba.block import as_line, block, rows_of_block
from kernels.backends import NUMPY
from kernels.contract import Array, Gradient, Kernel

_PARALLEL_FROM = 2**15
"""Elements of X; below, waking the other threads (5 µs) costs more than they save."""


@numba.njit
def _lines(parts: int, size: int, dtype: Any) -> Any:
    """(parts, size) numbers, each row at a cache line of its own."""
    across = (size + 15) // 16 * 16  # a line of float32, two of float64
    buffer = np.empty(parts * across + 16, dtype)
    first = -buffer.ctypes.data % 64 // buffer.itemsize
    return buffer[first : first + parts * across].reshape(parts, across)


@numba.njit(error_model="numpy")
def _part(X: Array, y: Array, w: Array, b: Array, first: int, last: int, sums: Array, work: Array) -> None:
    """Σ dz_i x_ij, Σ L_i and Σ dz_i over the examples from first to last, into sums."""
    n = X.shape[1]
    rows = rows_of_block(X)
    line, z, dw = as_line(X), work[:rows], work[rows:]
    sums[: n + 2] = 0.0
    for start in range(first, last, rows):
        dw[:n] = 0
        cost, total = block(X, line, y, w, b, start, min(rows, last - start), z, dw)
        for j in range(n):
            sums[j] += dw[j]
        sums[n] += cost
        sums[n + 1] += total


@numba.njit(parallel=True)
def _parts(X: Array, y: Array, w: Array, b: Array, sums: Array, work: Array) -> None:
    """A part for each row of sums, each in a thread."""
    m, parts = X.shape[0], len(sums)
    for t in numba.prange(parts):
        # from sixteenth to sixteenth example, so that every part begins at a cache line
        first, last = m * t // parts // 16 * 16, m * (t + 1) // parts // 16 * 16
        _part(X, y, w, b, first, m if t == parts - 1 else last, sums[t], work[t])


def _gradient(parallel_from: int | None) -> Any:
    """parallel_from: elements of X; None: never.

    The number of threads is asked here, since a compiled function that asks cannot be kept on disk.
    """
    threads = numba.config.NUMBA_NUM_THREADS

    @numba.njit(cache=True, error_model="numpy")
    def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
        """One fused pass."""
        m, n = X.shape
        parts = 1
        if parallel_from is not None and X.size >= parallel_from:
            parts = min(threads, m)
        sums = _lines(parts, n + 2, np.float64)
        work = _lines(parts, rows_of_block(X) + n, X.dtype.type)
        if parallel_from is not None and parts > 1:
            _parts(X, y, w, b, sums, work)
            for t in range(1, parts):
                for j in range(n + 2):
                    sums[0, j] += sums[t, j]
        else:
            _part(X, y, w, b, 0, m, sums[0], work[0])
        dw = np.empty(n, X.dtype)
        for j in range(n):
            dw[j] = sums[0, j] / m
        return Gradient(sums[0, n] / m, dw, sums[0, n + 1] / m)

    return gradient


_jit_cache.keep_numba_code()

_SUMMARY = "one fused pass over X, vectorised sigmoid, "
NUMBA = Kernel("numba", NUMPY, _SUMMARY + "all threads where that helps", 1, _gradient(_PARALLEL_FROM))
NUMBA_SERIAL = Kernel("numba-serial", NUMPY, _SUMMARY + "one thread", 1, _gradient(None))
NUMBA_PARALLEL = Kernel("numba-parallel", NUMPY, _SUMMARY + "all threads", 1, _gradient(0))
