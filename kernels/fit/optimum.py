"""The reference's optimum of a fit, and how far an answer with a small gradient can be from it.

The optimum is found in double by Newton's method with a line search (Boyd and Vandenberghe, Convex Optimization,
2004, section 9.5), on the gradient and Hessian

    ∇F = (1/m) Σ_i dz_i x̃_i + λ (w, 0),   ∇²F = (1/m) Σ_i a_i (1 − a_i) x̃_i x̃_iᵀ + λ diag(1, ..., 1, 0),

where x̃_i = (x_i, 1). It is never timed.

**The distance.** Along a segment of length ℓ the Hessian of a logistic regression changes by a factor of e^(−R ℓ) at
least, with R = max_i |x̃_i| (Bach, Electronic Journal of Statistics 4 (2010) 384-414, proposition 1). With its
smallest eigenvalue μ at the optimum v*, the gradient at v is therefore at least as long as

    |∇F(v) − ∇F(v*)| ≥ μ |v − v*| (1 − e^(−r)) / r,   r = R |v − v*|.

So with q = R (|∇F(v)| + |∇F(v*)|) / μ < 1 the distance is at most −log(1 − q) / R, and near the optimum |∇F(v)| / μ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, log1p
from weakref import WeakKeyDictionary

import numpy as np
import scipy

from kernels.contract import Inputs
from kernels.fit.problem import Settings

_BLOCK_BYTES = 2**20
_MOST_ITERATIONS, _SHORTEST_STEP, _ARMIJO = 100, 2.0**-40, 1e-4
_SLACK = 2.0**-40
"""Relative to the cost, which has rounding errors of a sum of m numbers."""
_ROUNDING = 2.0**-46
"""Relative to the mean |x_ij|: a gradient so small is of rounding errors alone."""
_NEAR = 1e-9
"""Relative to the mean |x_ij|: from here on, a gradient that no longer halves has come to its rounding errors."""
_LARGEST_CONDITION = 1e12
"""Of a Hessian without a penalty: beyond it, double tells no optimum from its neighbours."""


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where F is smallest, in double."""

    v: np.ndarray
    """w and b together, (n + 1,)."""
    cost: float
    """F there."""
    gradient_norm: float
    """|∇F| there: of rounding errors."""
    smallest_eigenvalue: float
    """Of the Hessian there."""
    radius: float
    """R, the length of the longest (x_i, 1)."""

    def allowed_distance(self, gradient_norm: float) -> float:
        """How far from the optimum a point with this |∇F| can be; infinite where that is not known."""
        q = self.radius * (gradient_norm + self.gradient_norm) / self.smallest_eigenvalue
        return -log1p(-q) / self.radius if q < 1 else inf


_known: WeakKeyDictionary[Inputs, Optimum] = WeakKeyDictionary()


def optimum_of(inputs: Inputs) -> Optimum:
    """The optimum of these inputs, found once. Raises ValueError where there is none."""
    if inputs not in _known:
        X, y = inputs.placed.values()
        _known[inputs] = find_optimum(X, y, Settings(*inputs.static).penalty)
    return _known[inputs]


@dataclass(frozen=True, eq=False)
class _Local:
    """F and its derivatives at one point."""

    cost: float
    gradient: np.ndarray
    hessian: np.ndarray
    smallest_margin: float
    """The smallest (2y_i − 1) z_i: above 0 the plane z = 0 separates the classes."""

    @property
    def norm(self) -> float:
        return float(abs(self.gradient).max())


def find_optimum(X: np.ndarray, y: np.ndarray, penalty: float) -> Optimum:
    """Raises ValueError where there is no optimum, or more than one. X: (m, n); y: (m,)"""
    penalties = np.append(np.full(X.shape[1], penalty), 0.0)
    radius, scale = _sizes(X)
    v, previous = np.zeros(len(penalties)), inf
    here = _local(X, y, v, penalties)
    for _ in range(_MOST_ITERATIONS):
        if here.norm <= _ROUNDING * scale or _NEAR * scale >= here.norm > previous / 2:
            break
        if not penalty and here.smallest_margin > 0:
            raise ValueError(
                "a plane separates the two classes: without a penalty there is no optimum; expected a penalty above 0"
            )
        try:
            step = -scipy.linalg.cho_solve(scipy.linalg.cho_factor(here.hessian), here.gradient)
        except np.linalg.LinAlgError:
            raise _undetermined() from None
        length, previous = 1.0, here.norm
        while True:
            there = _local(X, y, v + length * step, penalties)
            falls = _ARMIJO * length * float(here.gradient @ step) + _SLACK * here.cost
            if there.cost <= here.cost + falls or length < _SHORTEST_STEP:
                break
            length /= 2
        v, here = v + length * step, there
    if here.norm > _NEAR * scale:
        raise _undetermined()
    eigenvalues = np.linalg.eigvalsh(here.hessian)
    if not penalty and eigenvalues[0] * _LARGEST_CONDITION < eigenvalues[-1]:
        raise _undetermined()
    return Optimum(v, here.cost, float(np.linalg.norm(here.gradient)), float(eigenvalues[0]), radius)


def _undetermined() -> ValueError:
    return ValueError(
        "columns of X depend on one another, or a plane separates the classes but for points on it: there is no "
        "single optimum; expected a larger penalty"
    )


def costs_and_gradients(
    X: np.ndarray, y: np.ndarray, vs: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """F and ∇F at several points, (k,) and (k, n + 1), in double and in one pass over X. vs: (k, n + 1), w and b"""
    penalties, costs, gradients = np.append(np.full(X.shape[1], penalty), 0.0), np.zeros(len(vs)), np.zeros(vs.shape)
    for rows, labels in _blocks(X, y):
        sign = (1 - 2 * labels)[:, np.newaxis]
        s = sign * (rows @ vs.T)
        e = np.exp(-abs(s))
        costs += (np.maximum(s, 0) + np.log1p(e)).sum(axis=0)
        gradients += (sign * np.where(s >= 0, 1, e) / (1 + e)).T @ rows
    return costs / len(X) + 0.5 * (vs**2) @ penalties, gradients / len(X) + penalties * vs


def _local(X: np.ndarray, y: np.ndarray, v: np.ndarray, penalties: np.ndarray) -> _Local:
    m, n = X.shape
    cost, gradient, hessian, margin = 0.0, np.zeros(n + 1), np.zeros((n + 1, n + 1)), inf
    for rows, labels in _blocks(X, y):
        s = (1 - 2 * labels) * (rows @ v)
        e = np.exp(-abs(s))
        cost += float((np.maximum(s, 0) + np.log1p(e)).sum())
        gradient += ((1 - 2 * labels) * np.where(s >= 0, 1, e) / (1 + e)) @ rows
        scaled = (np.sqrt(e) / (1 + e))[:, np.newaxis] * rows
        hessian += scaled.T @ scaled
        margin = min(margin, -float(s.max()))
    cost = cost / m + 0.5 * float(penalties @ (v * v))
    return _Local(cost, gradient / m + penalties * v, hessian / m + np.diag(penalties), margin)


def _blocks(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of [X 1] in double, with their labels."""
    m, n = X.shape
    count = max(1, _BLOCK_BYTES // (8 * (n + 1)))
    for first in range(0, m, count):
        block = X[first : first + count]
        yield np.column_stack([block, np.ones(len(block))]).astype(np.float64), y[first : first + count]


def _sizes(X: np.ndarray) -> tuple[float, float]:
    """R, and the largest mean_i |x̃_ij|."""
    squares, total = 0.0, np.zeros(X.shape[1] + 1)
    for rows, _ in _blocks(X, X[:, 0]):
        squares = max(squares, float((rows**2).sum(axis=1).max()))
        total += abs(rows).sum(axis=0)
    return float(np.sqrt(squares)), float(total.max()) / len(X)
