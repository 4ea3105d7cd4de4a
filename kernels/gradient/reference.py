"""The reference: the exact cost and gradient of any problem, and an a-priori bound for a kernel's error.

float32 problems are computed in double, float64 problems in double-double, by blocks of rows, so that no
temporary has X's size. The reference defines what is correct, and is never timed.

**The bound** is a-priori and componentwise. It holds for every kernel that works in a dtype of unit roundoff u
(2^-24, 2^-53) and smallest normal number t, forms L_i and dz_i for each example, and then sums them, in any
order, scaled by 1/m before or after. With s_i = (1 − 2y_i) z_i, so that
L_i = softplus(s_i) and |dz_i| = σ(s_i):

    score     n products and n sums:
              |Δz_i| ≤ δ_i = (n + 2) u (Σ_j |x_ij w_j| + |b|) + flushed
    sigmoid   σ' = a(1 − a), and the slope of log σ' is within ±1:
              |Δa_i| ≤ a_i (1 − a_i)(e^δ_i − 1) + c u a_i e^δ_i + t
    backward  one subtraction, or σ(s_i) itself with a sign:
              |Δdz_i| ≤ ε_i = min(1, a_i (1 − a_i)(e^δ_i − 1)) + c u (a_i + |dz_i|) e^δ_i + t
    sums      m products, m − 1 sums, a division or a product by a rounded 1/m, a rounding to the dtype:
              |Δdw_j| ≤ (1/m) Σ_i [(1 + (m + 4)u) ε_i + (m + 4) u |dz_i|] |x_ij| + flushed,
              |Δdb|   likewise with |x_ij| = 1
    loss      softplus' = σ ≤ min(1, |dz_i| e^δ_i); log(1 + e^z) − y z cancels to an error of u |z_i|:
              |ΔL_i|  ≤ λ_i = min(1, |dz_i| e^δ_i) δ_i + c u (L_i + |z_i|) + t
              |ΔJ|    ≤ (1/m) Σ_i [(1 + (m + 4)u) λ_i + (m + 4) u L_i] + flushed

c = 8: 4u for an exp (or log1p) within 2 ulps, u each for a sum, a quotient and a difference, and u for the
terms of second order. k u, not k u / (1 − k u), bounds a sum of k terms in any order and without a limit
on k (Jeannerod and Rump, SIAM J. Matrix Anal. Appl. 34 (2013) 338-344).

**On data** the rounding errors of a long sum do not all have the same sign, and the m in m + 4 is far too much: at a
million float32 examples it allows 6%. Errors that are independent, with mean zero, grow like √m (Higham and Mary,
SIAM J. Sci. Comput. 41 (2019) A2815-A2835). So m becomes min(m, 4 m/√d + m² u/9), with d different examples. A
rounding within ±u of a number up to Σ|terms| has a standard deviation of at most u Σ|terms| / √3, and m independent
ones √m times that: 4√m u Σ|terms| is 6.9 standard deviations. Equal examples may be rounded by equal errors: m/d at a
time are added, so that m/√d takes the place of √m.

m² u/9 is for errors whose mean is not zero. The sum of k terms of mean τ is a multiple of a spacing h ≤ 2u k τ, so
that adding a term rounds it to a multiple of h. If the terms have the density f, those below h/2 are lost, h² f(0)/8
in the mean, and the others gain h² f(h/2)/12 (Euler-Maclaurin): h²/24τ in all where f(0) = 1/τ, as of exponential
terms. Over all k that is m³ u² τ/18, or m² u/18 roundings of the whole. Products of two factors gather at zero, and
twice as much is allowed. Terms that are all within h of each other are rounded alike, and drift up to nine times as
far: added one by one, these are not within the bound. Above m u = ½, h is longer than most terms, a sum stops
growing, and m stays.

*flushed*: XLA replaces subnormal operands and results by zero, which costs Σ_j |w_j| t + Σ_j |x_ij| t + (n + 1) t in
a score, and (1/m) Σ_i |x_ij| t + 4t in a component of dw (dz_i, dz_i / m, x_ij or their product may be subnormal).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log1p, sqrt
from typing import Any, NamedTuple

import numpy as np

from kernels._double_double import Pair, pair, sigmoid_and_softplus, total, two_product
from kernels.gradient.problem import Gradient, Problem

BLOCK_BYTES = 2**20  # measured: with smaller blocks the calls of NumPy take longer, larger ones leave the cache
_ONE_THREAD = 2**18
"""The multiply-adds of a product of two matrices up to which OpenBLAS uses one thread. Larger blocks are no faster,
and up to 20 times slower while others compute, because threads then wait for each other in each product."""
_FEWEST_ROWS = 32
FUNCTION_ROUNDINGS = 8  # the c above
_SUM_ROUNDINGS = 4  # the 4 in m + 4
_DEVIATIONS, _DRIFT = 4, 1 / 9  # 4 m/√d + m² u/9


class Example(NamedTuple):
    """The forward and backward pass of one example."""

    z: float
    a: float
    L: float
    dz: float
    dw: list[float]
    db: float


def example(x: list[float], y: float, w: list[float], b: float) -> Example:
    """Compute the forward and the backward pass of one example.

    x, w: n numbers each; y: 0 or 1. Forward: z = w · x + b, a = σ(z), L = −[y log a + (1 − y) log(1 − a)].
    Backward: dz = a − y, dw = dz x, db = dz.

    >>> step = example(x=[1.0, 2.0], y=1.0, w=[0.5, -0.25], b=0.0)
    >>> step.z, step.a, step.dz
    (0.0, 0.5, -0.5)
    """
    z = sum((wj * xj for wj, xj in zip(w, x, strict=True)), b)
    e = exp(-abs(z))
    a = (1.0 if z >= 0 else e) / (1.0 + e)
    L = max((1.0 - 2.0 * y) * z, 0.0) + log1p(e)
    dz = a - y
    return Example(z, a, L, dz, [dz * xj for xj in x], dz)


class Reference(NamedTuple):
    """The exact result of a problem, the bound of its error, and the scale of its terms. All float64."""

    value: Gradient
    remainder: Gradient
    """The low part of a double-double: the exact result is value + remainder."""
    bound: Gradient
    """The a-priori bound (see above) of a correct kernel's error."""
    scale: Gradient
    """mean_i of |L_i|, |dz_i x_ij| and |dz_i|: the terms of the sums. An error in ulps is relative to it."""

    def error(self, result: Gradient) -> Gradient:
        """|result − exact result|, by component."""
        return Gradient(
            *(
                np.abs((np.asarray(part, np.float64) - value) - remainder)
                for part, value, remainder in zip(result, self.value, self.remainder, strict=True)
            )
        )


def distinct_examples(X: np.ndarray, y: np.ndarray) -> int:
    """About how many rows of X, with their labels, differ: of a random projection, rounded to single precision."""
    across = np.random.default_rng(0).standard_normal(X.shape[1] + 1)
    rows = max(1, BLOCK_BYTES // (8 * X.shape[1]))
    scale = float(max(X.max(), -X.min())) or 1.0
    projected = [(block / scale) @ across[1:] + labels * across[0] for block, labels in blocks(X, y, rows)]
    return len(np.unique(np.concatenate(projected).astype(np.float32)))  # BLAS may round equal rows differently


def summed_roundings(m: int, distinct: int, dtype: np.dtype[Any]) -> float:
    """The m in m + 4: how many roundings of its whole a sum of m terms may be off by."""
    u = unit_roundoff(dtype)
    return m if m * u > 0.5 else min(m, _DEVIATIONS * m / sqrt(distinct) + _DRIFT * m * m * u)


def unit_roundoff(dtype: np.dtype[Any]) -> float:
    """u, half the spacing of floating-point numbers above 1."""
    return float(np.finfo(dtype).eps) / 2


def compute(problem: Problem, quick: bool = False, roundings: int = 0, distinct: int = 1) -> Reference:
    """The reference of a problem. Memory: O(n), and a few blocks of rows, of 1 MB each.

    quick: compute in double whatever the dtype, in a tenth of the time. A float64 reference is then no more exact
    than a correct kernel: both are within the bound of the exact result, so the bound between them is doubled.
    roundings: how often w and b were rounded to the problem's dtype after the kernel used them
    distinct: how many of the examples differ, for data whose rounding errors are independent; 1: any data
    """
    wide = problem.dtype == np.float64 and not quick
    step = _in_double_double if wide else in_double
    w, b = problem.w.astype(np.float64), float(problem.b)
    zero = pair(np.zeros(()))
    J, dw, db = zero, pair(np.zeros(problem.n)), zero
    bounds = _Bounds(problem.X, roundings, distinct)
    for X, y in blocks(problem.X, problem.y, max(1, BLOCK_BYTES // (8 * problem.n))):
        z, losses, dz = step(X, y, w, b)
        J = J + total(losses, 0)
        dw = dw + (_column_sums(X, dz) if wide else pair(dz.hi @ X))
        db = db + total(dz, 0)
        bounds.add(X, y, w, b, z.hi, losses.hi, dz.hi)
    m = pair(np.full((), float(problem.m)))
    m_wide = pair(np.full(problem.n, float(problem.m)))
    J, dw, db = J / m, dw / m_wide, db / m
    value, remainder = Gradient(J.hi, dw.hi, db.hi), Gradient(J.lo, dw.lo, db.lo)
    return Reference(value, remainder, bounds.bound(in_double=quick), bounds.scale())


def compute_each(
    X: np.ndarray, y: np.ndarray, ws: np.ndarray, bs: np.ndarray, roundings: int = 0, distinct: int = 1
) -> Reference:
    """The quick references of the same examples with k parameters each, as `compute`, in one pass over X.

    X, y: as in a Problem; ws: (k, n); bs: (k,). Each part of the result has a leading axis of k. Numbers outside the
    domain of `Problem` raise no error. Memory: O(k n), and a few blocks of rows. For k = 16 it takes less than a
    third of the time of 16 single references.
    """
    w, b, m = ws.T.astype(np.float64), bs.astype(np.float64), len(X)
    sums = Gradient(*(np.zeros(shape) for shape in (b.shape, ws.shape, b.shape)))
    bounds = _Bounds(X, roundings, distinct)
    for rows, labels in blocks(X, y, max(_FEWEST_ROWS, _ONE_THREAD // ws.size)):
        column = labels[:, np.newaxis]
        z, losses, dz = (part.hi for part in in_double(rows, column, w, b))
        sums = _plus(sums, (losses.sum(axis=0), dz.T @ rows, dz.sum(axis=0)))
        bounds.add(rows, column, w, b, z, losses, dz)
    nothing = Gradient(*(np.zeros_like(part) for part in sums))
    return Reference(Gradient(*(part / m for part in sums)), nothing, bounds.bound(in_double=True), bounds.scale())


def blocks(X: np.ndarray, y: np.ndarray, rows: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """X and y in double, this many rows at a time."""
    for start in range(0, len(X), rows):
        block = slice(start, start + rows)
        yield np.ascontiguousarray(X[block], np.float64), y[block].astype(np.float64)


def in_double(X: np.ndarray, y: np.ndarray, w: np.ndarray, b: Any) -> tuple[Pair, Pair, Pair]:
    """z, L and dz, (rows,). For w (n, k), b (k,) and y (rows, 1): of each column of w, (rows, k)."""
    z = X @ w + b
    s = (1 - 2 * y) * z
    e = np.exp(-np.abs(z))
    dz = (1 - 2 * y) * np.where(s < 0, e, 1) / (1 + e)
    return pair(z), pair(np.maximum(s, 0) + np.log1p(e)), pair(dz)


def _in_double_double(X: np.ndarray, y: np.ndarray, w: np.ndarray, b: float) -> tuple[Pair, Pair, Pair]:
    z = total(two_product(X, w), 1) + pair(np.full(len(y), b))
    sign = 1 - 2 * y
    dz, losses = sigmoid_and_softplus(z.scaled(sign))
    return z, losses, dz.scaled(sign)


def _column_sums(X: np.ndarray, dz: Pair) -> Pair:
    product = two_product(X, np.broadcast_to(dz.hi[:, np.newaxis], X.shape))
    return total(Pair(product.hi, product.lo + dz.lo[:, np.newaxis] * X), 0)


class _Bounds:
    """The bound and the scale of J, dw and db, added up block by block; with an axis of k for k parameters."""

    def __init__(self, X: np.ndarray, roundings: int, distinct: int) -> None:
        self._m, self._n = X.shape
        self._dtype, self._roundings = X.dtype, roundings
        self._summed = summed_roundings(self._m, distinct, X.dtype)
        self._bound = self._scale = Gradient(0.0, 0.0, 0.0)

    def add(
        self, X: np.ndarray, y: np.ndarray, w: np.ndarray, b: Any, z: np.ndarray, losses: np.ndarray, dz: np.ndarray
    ) -> None:
        """Add the terms of one block. Shapes: as in `in_double`."""
        u, t = unit_roundoff(self._dtype), float(np.finfo(self._dtype).smallest_normal)
        sums = (self._summed + _SUM_ROUNDINGS) * u
        absX, absw, absdz = np.abs(X), np.abs(w), np.abs(dz)
        delta = (self._n + 2 + self._roundings) * u * (absX @ absw + np.abs(b))
        delta += t * (absw.sum(axis=0) + absX.sum(axis=1).reshape(y.shape) + self._n + 1)
        # e^700 is finite, and far above where the minimum with 1 or 2 is reached
        growth = np.expm1(np.minimum(delta, 700.0))
        a = np.where(y == 1, 1 - absdz, absdz)
        epsilon = np.minimum(1, absdz * (1 - absdz) * growth) + t
        epsilon += FUNCTION_ROUNDINGS * u * np.minimum(2, (a + absdz) * (1 + growth))
        lambda_ = np.minimum(1, absdz * (1 + growth)) * delta + t
        lambda_ += FUNCTION_ROUNDINGS * u * (losses + np.abs(z))
        loss_bound = (1 + sums) * lambda_ + sums * losses
        dz_bound = (1 + sums) * epsilon + sums * absdz
        dw_bound = dz_bound.T @ absX + t * absX.sum(axis=0)
        self._bound = _plus(self._bound, (loss_bound.sum(axis=0), dw_bound, dz_bound.sum(axis=0)))
        self._scale = _plus(self._scale, (losses.sum(axis=0), absdz.T @ absX, absdz.sum(axis=0)))

    def bound(self, in_double: bool) -> Gradient:
        """in_double: whether the value is, and so is no more exact than a float64 kernel"""
        t = float(np.finfo(self._dtype).smallest_normal)
        factor = 2 if in_double and self._dtype == np.float64 else 1
        return Gradient(*(factor * (part / self._m + 4 * t) for part in self._bound))

    def scale(self) -> Gradient:
        """mean_i of |L_i|, |dz_i x_ij| and |dz_i|."""
        return Gradient(*(part / self._m for part in self._scale))


def _plus(sums: Gradient, block: tuple[Any, Any, Any]) -> Gradient:
    return Gradient(*(total + part for total, part in zip(sums, block, strict=True)))
