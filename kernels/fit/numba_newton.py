"""numba-newton: Newton's method as one function that Numba compiles, around the fused gradient.

It makes the steps of `numpy-newton`: first on a sample, and with one Hessian for several steps (numpy_newton.py says
why). The Hessian is a kernel of its own (kernels/_numba/gram.py), which reads X once and keeps its sums in registers.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numba
import numpy as np

from kernels._numba.arrays import writable
from kernels._numba.gram import weighted_gram
from kernels.contract import Array, Call, Kernel
from kernels.fit.problem import TOLERANCES, Fit, Settings

_SAMPLED_SHARE, _PIECES, _EXAMPLES_PER_FEATURE = 16, 64, 20
_CONTRACTION, _ARMIJO, _SHORTEST_STEP, _RIDGE = 0.3, 1e-4, 2.0**-30, 2.0**-40
_MOST_ITERATES = 256
_DOUBLE, _SINGLE = TOLERANCES[np.dtype(np.float64)], TOLERANCES[np.dtype(np.float32)]


@numba.njit(error_model="numpy", fastmath={"reassoc", "contract"})
def _factorise(H: Array, L: Array) -> None:
    """Cholesky: L Lᵀ = H, row by row. Where H is not positive definite, numbers of L are not finite.

    LAPACK's would wake OpenBLAS's threads, which go on to wait busily, on the cores where the gradient computes: at
    100000x128 on an AMD EPYC (Zen 4) a fit took three times as long.
    """
    for i in range(len(H)):
        for j in range(i + 1):
            rest = 0.0
            for k in range(j):
                rest += L[i, k] * L[j, k]
            L[i, j] = np.sqrt(H[i, i] - rest) if i == j else (H[i, j] - rest) / L[j, j]


@numba.njit(error_model="numpy")
def _factorise_hessian(X: Array, v: Array, penalty: float, L: Array) -> None:
    """L Lᵀ = ∇²F at v, with the ridge."""
    H, n, ridge = weighted_gram(X, v), X.shape[1], 0.0
    for j in range(n + 1):
        H[j, j] += penalty * (j < n)
        ridge = max(ridge, H[j, j])
    for j in range(n + 1):
        H[j, j] += _RIDGE * ridge
    _factorise(H, L)


@numba.njit(error_model="numpy")
def _solve(L: Array, slope: Array) -> Array:
    """−(L Lᵀ)⁻¹ slope. L: lower triangular"""
    p = -slope
    for i in range(len(p)):
        for k in range(i):
            p[i] -= L[i, k] * p[k]
        p[i] /= L[i, i]
    for i in range(len(p) - 1, -1, -1):
        for k in range(i + 1, len(p)):
            p[i] -= L[k, i] * p[k]
        p[i] /= L[i, i]
    return p


@numba.njit(error_model="numpy")
def _largest(slope: Array) -> float:
    largest = 0.0
    for part in slope:
        largest = max(largest, abs(part))
    return largest


@numba.njit(error_model="numpy")
def _keep(path: Array, counts: Array, entries: int, v: Array, spent: float) -> int:
    """Write an entry of the path, over the last one if it is full; returns how many there are."""
    k = min(entries, len(path) - 1)
    for j in range(len(v)):
        path[k, j] = v[j]
    counts[k] = spent
    return k + 1


@numba.njit(error_model="numpy")
def _sample(X: Array, y: Array) -> Any:
    """A sixteenth of the examples in evenly spaced pieces; none where the data are too few, or it has one class."""
    (m, n) = X.shape
    piece = m // (_SAMPLED_SHARE * _PIECES)
    count = piece * _PIECES
    if count < _EXAMPLES_PER_FEATURE * (n + 1):
        count = 0
    few, labels = np.empty((count, n), X.dtype), np.empty(count, y.dtype)
    positive = 0
    for i in range(count):
        row = i // piece * (m // _PIECES) + i % piece
        labels[i] = y[row]
        positive += labels[i] > 0
        for j in range(n):
            few[i, j] = X[row, j]
    if positive in (0, count):
        return few[:0], labels[:0]
    return few, labels


def _objective(compute: Any) -> Any:
    """F and ∇F, from a gradient that Numba compiles."""

    @numba.njit(error_model="numpy")
    def evaluate(X: Array, y: Array, v: Array, penalty: float, slope: Array) -> float:
        """F at v; ∇F is written into slope. v: w and b together, in double"""
        n = X.shape[1]
        w = np.empty(n, X.dtype)
        for j in range(n):
            w[j] = v[j]
        J, dw, db = compute(X, y, w, X.dtype.type(v[n]))
        squares = 0.0
        for j in range(n):
            slope[j] = dw[j] + penalty * v[j]
            squares += v[j] * v[j]
        slope[n] = db
        return float(J + 0.5 * penalty * squares)

    return evaluate


def _descent(evaluate: Any) -> Any:
    """The steps of Newton's method on this objective."""

    @numba.njit(error_model="numpy")
    def descend(
        X: Array, y: Array, v: Array, L: Array, of: Any, path: Array, counts: Array, entries: int, spent: float
    ) -> Any:
        """From v, which is overwritten, to max|∇F| ≤ tolerance, or as far as it goes.

        L: Cholesky's factor of a Hessian to begin with; zeros for that at v. of: penalty, tolerance, budget, share.
        Returns max|∇F|, how many entries the path has, and what has been spent.
        """
        penalty, tolerance, budget, share = of
        n, slack = X.shape[1], 64 * np.finfo(X.dtype).eps
        slope, slope_there, there = np.empty(n + 1), np.empty(n + 1), np.empty(n + 1)
        F = evaluate(X, y, v, penalty, slope)
        norm, spent = _largest(slope), spent + share
        is_of_v = False  # the Hessian; one of elsewhere is given up where its whole step is too long
        while norm > tolerance and spent < budget:
            if L[0, 0] == 0:
                _factorise_hessian(X, v, penalty, L)
                spent += share
                is_of_v = True
            contraction = 0.0
            while contraction <= _CONTRACTION and norm > tolerance and spent < budget:
                p, t = _solve(L, slope), 1.0
                falls = 0.0
                for j in range(n + 1):
                    falls += p[j] * slope[j]
                while True:
                    for j in range(n + 1):
                        there[j] = v[j] + t * p[j]
                    F_there = evaluate(X, y, there, penalty, slope_there)
                    spent += share
                    if F_there <= F + _ARMIJO * t * falls + slack * F:
                        break
                    t /= 2
                    if not is_of_v or t < _SHORTEST_STEP or spent >= budget:
                        t = 0.0
                        break
                if t == 0:
                    break
                norm_there = _largest(slope_there)
                contraction = norm_there / norm if t == 1 else 1.0
                for j in range(n + 1):  # an assignment of arrays takes Numba a second to compile
                    v[j], slope[j] = there[j], slope_there[j]
                F, norm, is_of_v = F_there, norm_there, False
                if share == 1:
                    entries = _keep(path, counts, entries, v, spent)
            if norm > tolerance:
                L[0, 0] = 0
                if is_of_v:  # no step leads on
                    break
        return norm, entries, spent

    return descend


@cache
def newton(gradient: Kernel) -> Kernel:
    """The fit by Newton's method around this gradient kernel of Numba."""
    descend = _descent(_objective(gradient.built(None)))

    @numba.njit(error_model="numpy")
    def fit(penalty: float, tolerance: float, budget: int, X: Array, y: Array, w: Array, b: Array) -> Fit:
        X, y = writable(X), writable(y)
        n, number = X.shape[1], X.dtype.type
        if tolerance == 0:
            tolerance = _DOUBLE if X.itemsize == 8 else _SINGLE
        v = np.empty(n + 1)
        for j in range(n):
            v[j] = w[j]
        v[n] = b
        path, counts, spent = np.empty((_MOST_ITERATES, n + 1)), np.empty(_MOST_ITERATES), 0.0
        entries = _keep(path, counts, np.int64(0), v, spent)
        few, labels = _sample(X, y)
        L = np.zeros((n + 1, n + 1))
        if len(labels):
            share = len(labels) / len(y)
            coarse = penalty, 0.25 / np.sqrt(len(labels)), budget, share
            _, _, spent = descend(few, labels, v, L, coarse, path, counts, entries, spent)
            entries = _keep(path, counts, entries, v, spent)
        whole = penalty, tolerance, budget, 1.0
        norm, entries, spent = descend(X, y, v, L, whole, path, counts, entries, spent)
        if entries == 1:
            entries = _keep(path, counts, entries, v, spent)
        counts[entries - 1] = spent
        ws, bs, evaluations = np.empty((entries, n), X.dtype), np.empty(entries, X.dtype), np.empty(entries, X.dtype)
        for k in range(entries):
            for j in range(n):
                ws[k, j] = path[k, j]
            bs[k], evaluations[k] = path[k, n], counts[k]
        return Fit(ws, bs, evaluations, number(norm))

    def build(static: Settings) -> Call:
        settings = Settings(*static)
        return partial(fit, settings.penalty, settings.tolerance or 0.0, settings.budget)

    summary = "Newton's method under Numba: first on a sample, with few Hessians, around the fused gradient"
    return Kernel("numba-newton", gradient.backend, summary, None, build=build, operation="fit")
