"""The pass over a part of the examples, from scores to gradient: by rows, by columns, and for two features.

For two features, for few examples, and for sigmoids by columns, vector instructions are left to LLVM: the inner loops
are over contiguous numbers. Sums may be taken in any order (`reassoc`), without which no such loop could use vectors,
and the sign of a zero does not matter (`nsz`), without which a sum could not start with the first vector. Sums in X's
dtype go over one block; sums of these are in double.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba import types
from numba.extending import intrinsic, overload

from kernels._numba import elementary
from kernels._numba.arrays import flattened
from kernels._numba.column_pass import collect_by_columns, scores_by_columns
from kernels._numba.row_pass import (
    LONG_BYTES,
    WIDE_BYTES,
    by_long_rows,
    by_rows,
    by_wide_rows,
    lanes,
    unchecked_getitem,
)
from kernels._numba.vector_values import Value

_CONTRACT: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
EXACT = _CONTRACT | {"forceinline": True}
"""Products and sums may be fused, which only makes them more exact. No other transformation is allowed: it would
optimise away the splitting of exp's argument, which relies on rounding."""
SUMS: dict[str, Any] = {"fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}
_BLOCK_BYTES, _PIECE_BYTES, _MAX_ROWS = 2**18, 2**12, 1024
"""Of a block by columns, 256 KiB of X, for the L2 cache; or more, where pieces of columns would be shorter than a
page. Of 1024 columns, on an AMD EPYC (Zen 4), pieces of 512 bytes took 14 ms where these take 10.5, though the second
reading is then from the L3 cache."""


def part(X: Any, y: Any, w: Any, b: Any, rows: Any, t: Any) -> Any:
    """Write Σ dz_i x_ij, Σ L_i and Σ dz_i over the t-th part of the examples to the beginning of row t.

    rows: zeros, as many rows as parts, with `doubles_of_part(X)` in each. Only for compiled code, like the next
    function.
    """
    raise NotImplementedError


def doubles_of_part(X: Any) -> Any:
    """How many doubles `part` needs: its sums, in whole vectors and cache lines, and a workspace."""
    raise NotImplementedError


@intrinsic
def _example(_typing: Any, z: Any, y: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loss_and_dz = elementary.example(*(Value(builder, number) for number in arguments))
        return context.make_tuple(builder, signature.return_type, [value.ir_value for value in loss_and_dz])

    return types.UniTuple(z, 2)(z, y), code


@numba.njit(**EXACT)
def example(z: Any, y: Any) -> Any:
    """L and dz of one example. LLVM vectorises a loop over it."""
    return _example(z, y)


@overload(doubles_of_part)
def _doubles_of_part(X: Any) -> Callable[..., Any]:
    by_columns = X.layout == "F"

    def code(X: Any) -> Any:
        n, width = X.shape[1], lanes(X)
        numbers = _rows_of_block(n, X.itemsize) if by_columns else width + (n + width - 1) // width * width
        return _sums(n) + (numbers * X.itemsize + 63) // 64 * 8

    return code


@numba.njit
def _sums(n: int) -> int:
    """n + 2, rounded up to whole cache lines and vectors."""
    return (n + 2 + 15) // 16 * 16


@overload(part, jit_options=_CONTRACT)
def _part(X: Any, y: Any, w: Any, b: Any, rows: Any, t: Any) -> Callable[..., Any]:
    by_columns = X.layout == "F"

    def one_pass(X: Any, y: Any, w: Any, b: Any, rows: Any, t: Any) -> Any:
        (m, n), parts, flat, row = X.shape, len(rows), flattened(X), rows[t]
        # multiples of 16 examples, so that every part begins at a cache line
        first = m * t // parts // 16 * 16
        last = m if t == parts - 1 else m * (t + 1) // parts // 16 * 16
        sums, work = row[: _sums(n)], row[_sums(n) :].view(X.dtype)
        if by_columns:
            row[n], row[n + 1] = _by_columns(flat, y, m, n, w, b, first, last, work, sums)
        elif n == 2:
            row[n], row[n + 1] = _pairs(flat, y, w, b, first, last, sums)
        elif last < lanes(X):
            row[n], row[n + 1] = _few(X, y, w, b, first, last, sums)
        elif n * X.itemsize >= WIDE_BYTES:
            row[n], row[n + 1] = by_wide_rows(flat, y, n, w, b, first, last, work, sums)
        elif n * X.itemsize * lanes(X) >= LONG_BYTES:
            row[n], row[n + 1] = by_long_rows(flat, y, n, w, b, first, last, work, sums)
        else:
            row[n], row[n + 1] = by_rows(flat, y, n, w, b, first, last, work, sums)

    return one_pass


@numba.njit(**SUMS)
def _pairs(flat: Any, y: Any, w: Any, b: Any, first: Any, last: Any, sums: Any) -> Any:
    """Two features, in one loop over X as one-dimensional array; from a matrix LLVM would gather."""
    w0, w1, zero = w[0], w[1], flat.dtype.type(0)
    costs = all_dz = 0.0
    for start in range(first, last, _MAX_ROWS):
        cost = total = s0 = s1 = zero
        for i in range(start, min(start + _MAX_ROWS, last)):
            x0, x1 = unchecked_getitem(flat, 2 * i), unchecked_getitem(flat, 2 * i + 1)
            loss, dz = example(x0 * w0 + x1 * w1 + b, unchecked_getitem(y, i))
            cost += loss
            total += dz
            s0 += dz * x0
            s1 += dz * x1
        costs += cost
        all_dz += total
        sums[0] += s0
        sums[1] += s1
    return costs, all_dz


@numba.njit(**SUMS)
def _few(X: Any, y: Any, w: Any, b: Any, first: Any, last: Any, sums: Any) -> Any:
    """Fewer examples than a vector has lanes."""
    costs = all_dz = 0.0
    for i in range(first, last):
        z = b
        for j in range(X.shape[1]):
            z += X[i, j] * w[j]
        loss, dz = example(z, y[i])
        costs += loss
        all_dz += dz
        for j in range(X.shape[1]):
            sums[j] += dz * X[i, j]
    return costs, all_dz


@numba.njit
def _rows_of_block(n: int, itemsize: int) -> int:
    return max(_PIECE_BYTES // itemsize, min(_MAX_ROWS, _BLOCK_BYTES // (itemsize * n) // 16 * 16))


@numba.njit(**SUMS)
def _by_columns(
    flat: Any, y: Any, m: Any, n: Any, w: Any, b: Any, first: Any, last: Any, work: Any, sums: Any
) -> Any:
    block_rows = _rows_of_block(n, flat.itemsize)
    costs = all_dz = 0.0
    for start in range(first, last, block_rows):
        rows = min(block_rows, last - start)
        scores_by_columns(flat, m, n, w, b, start, rows, work)
        cost, total = _backward(y, start, rows, work)
        costs += cost
        all_dz += total
        collect_by_columns(flat, m, n, start, rows, work, sums)
    return costs, all_dz


@numba.njit(**SUMS)
def _backward(y: Any, first: Any, rows: Any, z: Any) -> Any:
    """Replace z by dz; returns Σ L and Σ dz."""
    cost = total = z.dtype.type(0)
    for r in range(rows):
        loss, dz = example(z[r], unchecked_getitem(y, first + r))
        cost += loss
        total += dz
        z[r] = dz
    return cost, total
