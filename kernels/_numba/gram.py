"""The weighted Gram matrix of a Newton step, (1/m) Σ_i a_i (1 − a_i) x̃_i x̃_iᵀ with x̃_i = (x_i, 1), in one pass
over X.

Examples are scaled by √(a_i (1 − a_i)) into a block that stays in cache, S, so that what is left is SᵀS. It is summed
in tiles of four rows and up to four vectors, whose sums stay in registers while all examples of the block go by: each
number that is read from S is used for four or more products. Only tiles on and above the diagonal are computed, half
of all products. Sums over a block are in X's dtype, and sums of these in double.

With t = e^(−|z|/2), √(a (1 − a)) = t / (1 + t²), which neither overflows nor cancels.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from kernels._numba import elementary
from kernels._numba.row_pass import lanes
from kernels._numba.threads import in_parallel
from kernels._numba.traversals import EXACT, SUMS
from kernels._numba.vector_memory import BYTES, Memory, Variable
from kernels._numba.vector_values import Value

_TILE_ROWS = 4
_TILE_VECTORS = 4 if BYTES == 64 else 2
"""With AVX-512 there are 32 registers: 16 sums, four vectors and a factor. Else 16: eight sums, two and one."""
_BLOCK_BYTES, _FEWEST_ROWS, _MOST_ROWS = 2**15, 64, 256
"""Of S: so small that it stays in the L1 cache, but with so many examples that the tiles' sums are seldom stored."""
_PARALLEL_FROM = 2**18
"""Multiply-adds. With fewer, waking the other threads costs more than they save."""


def _tile(vectors: int) -> Any:
    """A tile of four rows and so many vectors, as an intrinsic."""

    @intrinsic
    def add(_typing: Any, S: Any, H: Any, rows: Any, width: Any, j: Any, k: Any) -> Any:
        """H[j : j + 4, k : k + vectors · lanes] += S[:, j : j + 4]ᵀ S[:, k : k + vectors · lanes], of `rows` rows.

        S, H: one-dimensional, with `width` numbers in a row
        """

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            memory = Memory(context, builder, signature, arguments)
            s, h = memory.data(0), memory.data(1)
            count, across, j, k = arguments[2:]
            sums = [[Variable.of(memory.zeros()) for _ in range(vectors)] for _ in range(_TILE_ROWS)]
            with memory.steps(0, count, 1) as row:
                start = memory.times(row, across)
                left, right = memory.plus(start, j), memory.plus(start, k)
                loaded = [memory.load(s, memory.plus(right, v * memory.lanes)) for v in range(vectors)]
                for q, of_row in enumerate(sums):
                    factor = memory.repeat(memory.number(s, memory.plus(left, q)))
                    for variable, vector in zip(of_row, loaded, strict=True):
                        variable.add(vector * factor)
            for q, of_row in enumerate(sums):
                start = memory.plus(memory.times(memory.plus(j, q), across), k)
                for v, variable in enumerate(of_row):
                    index = memory.plus(start, v * memory.lanes)
                    memory.store(memory.load(h, index) + variable.value.widened(), h, index)
            return context.get_dummy_value()

        return types.void(S, H, rows, width, j, k), code

    return add


_add_4, _add_2, _add_1 = _tile(4), _tile(2), _tile(1)


@intrinsic
def _root(_typing: Any, z: Any) -> Any:
    """√(a (1 − a)) with a = σ(z)."""

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        t = elementary.exp(Value(builder, arguments[0]).magnitude() * -0.5)
        return (t / (t * t + 1)).ir_value

    return z(z), code


@numba.njit(**EXACT)
def _root_of(z: Any) -> Any:
    return _root(z)


@numba.njit(**SUMS)
def _scaled(X: Any, w: Any, b: Any, first: Any, rows: Any, roots: Any, S: Any, width: Any) -> None:
    """Write the scaled examples first, first + 1, ... into S, a row each."""
    n = X.shape[1]
    for r in range(rows):
        z = b
        for j in range(n):
            z += X[first + r, j] * w[j]
        roots[r] = z
    for r in range(rows):
        roots[r] = _root_of(roots[r])
    for r in range(rows):
        root, start = roots[r], r * width
        for j in range(n):
            S[start + j] = root * X[first + r, j]
        S[start + n] = root


@numba.njit(fastmath={"contract"}, error_model="numpy")
def _add_block(S: Any, H: Any, rows: Any, width: Any, n: Any) -> None:
    """Add SᵀS of so many rows to the tiles of H on and above the diagonal."""
    across = lanes(S)
    for j in range(0, n + 1, _TILE_ROWS):
        k = j // across * across
        while k < width:
            left = (width - k) // across
            if _TILE_VECTORS >= 4 and left >= 4:
                _add_4(S, H, rows, width, j, k)
                k += 4 * across
            elif left >= 2:
                _add_2(S, H, rows, width, j, k)
                k += 2 * across
            else:
                _add_1(S, H, rows, width, j, k)
                k += across


@numba.njit(error_model="numpy")
def _part(X: Any, w: Any, b: Any, Hs: Any, width: Any, t: Any) -> None:
    """Add the t-th part of the examples to Hs[t]."""
    (m, n), parts = X.shape, len(Hs)
    first, last = m * t // parts, m * (t + 1) // parts
    rows = min(max(_BLOCK_BYTES // (width * X.itemsize), _FEWEST_ROWS), _MOST_ROWS)
    S, roots = np.zeros(rows * width, X.dtype), np.empty(rows, X.dtype)
    while first < last:
        count = min(rows, last - first)
        _scaled(X, w, b, first, count, roots, S, width)
        _add_block(S, Hs[t], count, width, n)
        first += count


def _weighted_gram(threads: int) -> Any:
    """The number of threads is read here: a function that Numba keeps on disk has only numbers in its closure."""

    @numba.njit(cache=True, error_model="numpy")
    def weighted_gram(X: Any, v: Any) -> Any:
        """The matrix, (n + 1, n + 1), in double. X: (m, n); v: w and b together, (n + 1,), in double"""
        m, n = X.shape
        step = max(lanes(X), _TILE_ROWS)
        width = (n + step) // step * step
        w, b = np.empty(n, X.dtype), X.dtype.type(v[n])
        for j in range(n):
            w[j] = v[j]
        parts = min(threads, m) if m * n * (n + 50) >= _PARALLEL_FROM else 1
        Hs = np.zeros((parts, width * width))
        if parts > 1:
            if not in_parallel(parts, _part, (X, w, b, Hs, width)):
                raise MemoryError("no memory for a block of scaled examples")
        else:
            _part(X, w, b, Hs, width, np.int64(0))  # of 0 alone it would be compiled once more
        H = np.empty((n + 1, n + 1))
        for j in range(n + 1):
            for k in range(j, n + 1):
                total = 0.0
                for part in range(parts):
                    total += Hs[part, j * width + k]
                H[j, k] = H[k, j] = total / m
        return H

    return weighted_gram


weighted_gram = _weighted_gram(numba.config.NUMBA_NUM_THREADS)
