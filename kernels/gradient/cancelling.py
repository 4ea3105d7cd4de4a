"""The reference of a problem whose labels are random, so that the terms of dw and db nearly cancel.

It has a far smaller bound than the reference of any problem (reference.py, whose letters it uses), because rounding
errors grow with the partial sums.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from kernels.gradient import reference
from kernels.gradient.problem import Gradient, Problem
from kernels.gradient.reference import (
    BLOCK_BYTES,
    FUNCTION_ROUNDINGS,
    Reference,
    blocks,
    distinct_examples,
    in_double,
    unit_roundoff,
)


def compute(problem: Problem) -> Reference:
    """The quick reference of a problem whose labels are random, with P(y_i = 1) = a_i, and a bound to match.

    The terms t_i = dz_i x_ij of dw_j (and of db, x_ij = 1) have mean zero, so that the sum of k of them is of the
    size of √k of them, in any order that does not depend on the labels. Its m roundings are then a random walk with
    a standard deviation of √(Σ_k (u √k |t|)² / 3) = 0.4 u m |t|, where the bound for any data has m u Σ|t_i|.
    The bound is the sum, over m, of

        seven of these standard deviations: 3 u √m √(Σ t_i²), times √(m/d) as for all data
        the errors of the terms, independent: 4 √(Σ ((ε_i + 4u |dz_i|) x_ij)²)
        an exp within 2 ulps that always errs to the same side: 4u Σ a_i (1 − a_i) |x_ij|
        a rounded 1/m and three more roundings of the result: 4u |Σ t_i|

    Memory: as `compute`. The cost's bound is that of data.
    """
    X, y = problem.X, problem.y
    distinct = distinct_examples(X, y)
    expected = reference.compute(problem, quick=True, distinct=distinct)
    m, n, u = problem.m, problem.n, unit_roundoff(problem.dtype)
    w, b = problem.w.astype(np.float64), float(problem.b)
    squares, errors, one_sided = np.zeros(n + 1), np.zeros(n + 1), np.zeros(n + 1)
    # of each column, so that no square overflows or is zero
    size = np.maximum(X.max(axis=0), -X.min(axis=0)).astype(np.float64)
    size = np.append(np.where(size > 0, size, 1), 1)
    for rows, labels in blocks(X, y, max(1, BLOCK_BYTES // (8 * n))):
        absdz = np.abs(in_double(rows, labels, w, b)[2].hi)
        absX = np.column_stack([np.abs(rows), np.ones(len(rows))])
        growth = np.expm1(np.minimum((n + 2) * u * (absX[:, :n] @ np.abs(w) + abs(b)), 700.0))
        slope = absdz * (1 - absdz)
        epsilon = np.minimum(1, slope * growth) + FUNCTION_ROUNDINGS * u * np.minimum(2, 1 + growth)
        shares = absX / size
        squares += absdz**2 @ shares**2
        errors += (epsilon + 4 * u * absdz) ** 2 @ shares**2
        one_sided += slope @ shares
    spread = 3 * u * sqrt(m * m / distinct) * np.sqrt(squares)
    limit = size * ((spread + 4 * np.sqrt(errors) + 4 * u * one_sided) / m)
    limit += 4 * u * np.abs([*expected.value.dw, expected.value.db])
    limit += 4 * float(np.finfo(problem.dtype).smallest_normal)
    limit *= 2 if problem.dtype == np.float64 else 1
    return expected._replace(bound=Gradient(expected.bound.cost, limit[:n], limit[n]))
