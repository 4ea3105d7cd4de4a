"""A block of examples, from the scores to the gradient, for a matrix stored by rows and for one stored by columns.

    scores: z = Xw + b        backward: dz, Σ L and Σ dz        collect: dw += dzᵀX

Several rows (or columns) are taken at a time, so that w and dw (or z and dz) are loaded once for all of them;
the inner loops are over what is contiguous. Sums may be taken in any order (`reassoc`), else none of these
loops could use vectors; and the sign of a zero does not matter (`nsz`), or a sum could not start from the first
vector.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.extending import overload

from kernels._numba.elementary import EXACT, exp, log1p
from kernels._numba.simd import FOUR, at, collect_four, collect_one, collect_part, dots, lanes

SUMS: dict[str, Any] = {"fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}
_BLOCK_BYTES, _BLOCK_BYTES_BY_COLUMNS = 2**14, 2**18
_FEWEST_ROWS, _MOST_ROWS = 16, 1024


def rows_of_block(X: Any) -> Any:
    """How many examples make a block."""
    raise NotImplementedError


def as_line(X: Any) -> Any:
    """X as the line of numbers that it is in memory."""
    raise NotImplementedError


def block(X: Any, line: Any, y: Any, w: Any, b: Any, first: Any, rows: Any, z: Any, dw: Any) -> Any:
    """Add dzᵀX of `rows` examples from the first on to dw, and return their Σ L and Σ dz.

    line: X as the line of numbers that it is in memory. z: room for the scores; dw: room for whole vectors.
    """
    raise NotImplementedError


@numba.njit(forceinline=True, **SUMS)
def example(z: Any, y: Any) -> Any:
    """L and dz of one example.

    With t = 1 − 2y and s = t z:  L = softplus(s),  dz = t σ(s), which does not cancel as σ(z) − y does.
    """
    one, zero = type(z)(1), type(z)(0)
    t = one - (y + y)
    s = t * z
    e = exp(-abs(s))
    return (s if s >= zero else zero) + log1p(e), t * ((one if s >= zero else e) / (one + e))


@overload(rows_of_block)
def _rows_of_block(X: Any) -> Callable[..., Any]:
    row, by_columns = X.dtype.bitwidth // 8, X.layout == "F"

    def code(X: Any) -> Any:
        budget = _BLOCK_BYTES_BY_COLUMNS if by_columns else _BLOCK_BYTES
        return max(_FEWEST_ROWS, min(_MOST_ROWS, budget // (row * X.shape[1]) // 16 * 16))

    return code


@overload(as_line)
def _as_line(X: Any) -> Callable[..., Any]:
    by_columns = X.layout == "F"

    def code(X: Any) -> Any:
        return X.T.reshape(X.size) if by_columns else X.reshape(X.size)

    return code


@overload(block, jit_options=EXACT)
def _block(X: Any, line: Any, y: Any, w: Any, b: Any, first: Any, rows: Any, z: Any, dw: Any) -> Callable[..., Any]:
    by_rows = X.layout == "C"
    scores, collect = (_scores_by_rows, _collect_by_rows) if by_rows else (_scores_by_columns, _collect_by_columns)

    def code(X: Any, line: Any, y: Any, w: Any, b: Any, first: Any, rows: Any, z: Any, dw: Any) -> Any:
        m, n = X.shape
        if by_rows and n == 2:
            return _pairs(line, y, w, b, first, rows, dw)
        scores(line, m, n, w, b, first, rows, z)
        cost, total = _backward(y, first, rows, z)
        collect(line, m, n, first, rows, z, dw)
        return cost, total

    return code


@numba.njit(**SUMS)
def _backward(y: Any, first: Any, rows: Any, z: Any) -> Any:
    """Turn z into dz, and return Σ L and Σ dz."""
    cost = total = z.dtype.type(0)
    for r in range(rows):
        loss, dz = example(z[r], at(y, first + r))
        cost += loss
        total += dz
        z[r] = dz
    return cost, total


@numba.njit(**SUMS)
def _pairs(line: Any, y: Any, w: Any, b: Any, first: Any, rows: Any, dw: Any) -> Any:
    """Two features: all in one loop, over X as a line of numbers; of a matrix LLVM would gather."""
    w0, w1 = w[0], w[1]
    cost = total = s0 = s1 = line.dtype.type(0)
    for i in range(first, first + rows):
        x0, x1 = at(line, 2 * i), at(line, 2 * i + 1)
        loss, dz = example(x0 * w0 + x1 * w1 + b, at(y, i))
        cost += loss
        total += dz
        s0 += dz * x0
        s1 += dz * x1
    dw[0] += s0
    dw[1] += s1
    return cost, total


@numba.njit(**EXACT)
def _scores_by_rows(line: Any, m: Any, n: Any, w: Any, b: Any, first: Any, rows: Any, z: Any) -> None:
    at_once = lanes(line)
    if rows < at_once:
        for r in range(rows):
            z[r] = b
            for j in range(n):
                z[r] += at(line, (first + r) * n + j) * w[j]
        return
    for r in range(0, rows - at_once, at_once):
        dots(line, (first + r) * n, n, w, b, z, r, rows * n)
    r = rows - at_once  # some of them once more, where the rows are not a multiple
    dots(line, (first + r) * n, n, w, b, z, r, rows * n)


@numba.njit(**EXACT)
def _collect_by_rows(line: Any, m: Any, n: Any, first: Any, rows: Any, dz: Any, dw: Any) -> None:
    one = lanes(line)
    four, whole = n // (FOUR * one) * FOUR * one, n // one * one
    for j in range(0, four, FOUR * one):
        collect_four(line, first * n, n, j, dz, dw, rows)
    for j in range(four, whole, one):
        collect_one(line, first * n, n, j, dz, dw, rows)
    if whole < n:
        collect_part(line, first * n, n, whole, dz, dw, rows)


@numba.njit(**SUMS)
def _scores_by_columns(line: Any, m: Any, n: Any, w: Any, b: Any, first: Any, rows: Any, z: Any) -> None:
    for r in range(rows):
        z[r] = b
    for j in range(0, n - 3, 4):
        w0, w1, w2, w3 = w[j], w[j + 1], w[j + 2], w[j + 3]
        i = first + j * m
        for r in range(rows):
            even = at(line, i + r) * w0 + at(line, i + 2 * m + r) * w2
            odd = at(line, i + m + r) * w1 + at(line, i + 3 * m + r) * w3
            z[r] += even + odd
    for j in range(n // 4 * 4, n):
        w0, i = w[j], first + j * m
        for r in range(rows):
            z[r] += at(line, i + r) * w0


@numba.njit(**SUMS)
def _collect_by_columns(line: Any, m: Any, n: Any, first: Any, rows: Any, dz: Any, dw: Any) -> None:
    for j in range(0, n - 3, 4):
        i = first + j * m
        s0 = s1 = s2 = s3 = line.dtype.type(0)
        for r in range(rows):
            s0 += dz[r] * at(line, i + r)
            s1 += dz[r] * at(line, i + m + r)
            s2 += dz[r] * at(line, i + 2 * m + r)
            s3 += dz[r] * at(line, i + 3 * m + r)
        dw[j] += s0
        dw[j + 1] += s1
        dw[j + 2] += s2
        dw[j + 3] += s3
    for j in range(n // 4 * 4, n):
        s0, i = line.dtype.type(0), first + j * m
        for r in range(rows):
            s0 += dz[r] * at(line, i + r)
        dw[j] += s0
