"""The errors of a correct descent, bounded by what is known without a pass over X: the sizes of its columns.

They are wider than the bounds of kernels/gradient/reference.py, whose letters they use, and take O(n) a step. With

    A_j = mean_i |x_ij|,   M_j = max_i |x_ij|,   |dz_i| ≤ 1,   a_i (1 − a_i) ≤ ¼,   s = (m + 4) u

and w and b rounded once more, since a kernel may keep them in a wider dtype than it returns:

    score     δ_i ≤ δ = (n + 3) u (Σ_j M_j |w_j| + |b|) + flushed;   mean_i |z_i| ≤ S = Σ_j A_j |w_j| + |b|
    backward  ε_i ≤ ε = min(1, ¼ (e^δ − 1)) + c u min(2, 2 e^δ) + t
    gradient  |Δdw_j| ≤ B_j = ((1 + s) ε + s) A_j + flushed,   |Δdb| likewise with A_j = 1
    cost      |ΔJ| ≤ C = (1 + s) ((n + 3) u S + flushed + c u (J + S) + t) + s J + 4t
    step      |Δw_t+1| ≤ E = α B + u (2 |w_t| + 3 α |dw| + 4 |w_t+1|) + 4t   (kernels/descend/judge.py)

The exact J and dw are not known here, but they are within C and E of what the kernel returned. So J ≤ cost + C, and C
is a multiple of J and a constant; likewise α |dw| ≤ |w_t − w_t+1| + E.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kernels.descend.path import Path
from kernels.gradient.reference import unit_roundoff

_BLOCK_BYTES = 2**20
_FUNCTION_ROUNDINGS, _SUM_ROUNDINGS = 8, 4  # the c and the 4 in m + 4 of kernels/gradient/reference.py


class Columns(NamedTuple):
    """What is known of X, read once for all paths on it."""

    m: int
    n: int
    dtype: np.dtype[Any]
    mean: np.ndarray
    """A_j, (n,)."""
    largest: np.ndarray
    """M_j, (n,)."""


def columns(X: np.ndarray) -> Columns:
    """In double. X: (m, n)"""
    m, n = X.shape
    total, largest = np.zeros(n), np.zeros(n)
    rows = max(1, _BLOCK_BYTES // (8 * n))
    for first in range(0, m, rows):
        block = np.abs(X[first : first + rows], dtype=np.float64)
        total += block.sum(axis=0)
        largest = np.maximum(largest, block.max(axis=0))
    return Columns(m, n, X.dtype, total / m, largest)


def parameters(path: Path) -> np.ndarray:
    """w and b of each entry in double, (steps + 1, n + 1)."""
    return np.column_stack([path.ws, path.bs]).astype(np.float64)


def largest_scores(columns: Columns, path: Path) -> np.ndarray:
    """Σ_j M_j |w_j| + |b| of each entry: no Σ_j |x_ij w_j| + |b| is larger. (steps + 1,)"""
    scores: np.ndarray = abs(parameters(path)) @ np.append(columns.largest, 1)
    return scores


def cost_errors(columns: Columns, path: Path) -> np.ndarray:
    """C of each entry, (steps + 1,). Infinite where m u is so large that nothing is known."""
    m, n, u, t = columns.m, columns.n, unit_roundoff(columns.dtype), _smallest_normal(columns)
    s, size = (m + _SUM_ROUNDINGS) * u, abs(parameters(path))
    S = size @ np.append(columns.mean, 1)
    flushed = t * (size[:, :n].sum(axis=1) + columns.mean.sum() + n + 1)
    of_cost = s + (1 + s) * _FUNCTION_ROUNDINGS * u
    if of_cost >= 1:
        return np.full(len(S), np.inf)
    constant = (1 + s) * ((n + 3) * u * S + flushed + _FUNCTION_ROUNDINGS * u * S + t) + 4 * t
    errors: np.ndarray = (constant + of_cost * abs(path.costs.astype(np.float64))) / (1 - of_cost)
    return errors


def step_errors(columns: Columns, path: Path, alpha: float) -> np.ndarray:
    """E of each step, (steps, n + 1): row t is that of the step from entry t."""
    m, n, u, t = columns.m, columns.n, unit_roundoff(columns.dtype), _smallest_normal(columns)
    s, v = (m + _SUM_ROUNDINGS) * u, parameters(path)
    mean = np.append(columns.mean, 1)
    flushed = t * (abs(v[:-1, :n]).sum(axis=1) + columns.largest.sum() + n + 1)
    delta = np.minimum((n + 3) * u * largest_scores(columns, path)[:-1] + flushed, 700)  # e^700 is finite
    epsilon = np.minimum(1, np.expm1(delta) / 4) + _FUNCTION_ROUNDINGS * u * np.minimum(2, 2 * np.exp(delta)) + t
    B = np.multiply.outer((1 + s) * epsilon + s, mean) + t * mean + 4 * t
    before, after = abs(v[:-1]), abs(v[1:])
    rounding = u * (2 * before + 3 * abs(np.diff(v, axis=0)) + 4 * after) + 4 * t
    errors: np.ndarray = (alpha * B + rounding) / (1 - 7 * u)
    return errors


def _smallest_normal(columns: Columns) -> float:
    return float(np.finfo(columns.dtype).smallest_normal)
