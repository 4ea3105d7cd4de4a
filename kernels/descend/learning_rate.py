"""The learning rate: how large it may be, and whether a descent with a larger one diverges.

The Hessian of J is (1/m) Σ_i σ'(z_i) [x_i 1]ᵀ[x_i 1] with σ' ≤ ¼. So the gradient's Lipschitz constant is at most

    L = λ_max([X 1]ᵀ[X 1]) / (4m),

and a step with α < 2/L never raises J (Nesterov, Introductory Lectures on Convex Optimization, 2004, section 1.2.3).
The guaranteed decrease is largest for α = 1/L, the default. A larger α may still converge, where the scores are far
from 0 and σ' is small: only the descent itself shows it.
"""

from __future__ import annotations

from math import isfinite

import numpy as np

from kernels.gradient.problem import Problem

_LARGEST_GRAM = 2048
"""Features for which the matrix [X 1]ᵀ[X 1] is formed: 32 MB. For more, products with it are enough."""
_BLOCK_BYTES = 2**22
_RISING = 10
"""A cost that rises in so many last steps diverges. In fewer it may also rise before it falls, which says nothing."""


def lipschitz_constant(X: np.ndarray) -> float:
    """L, in double. It is infinite where the squares of X overflow. X: (m, n)"""
    m, n = X.shape
    scale = max(1.0, float(X.max()), -float(X.min()))  # the squares of scaled features cannot overflow
    rows = max(1, _BLOCK_BYTES // (8 * (n + 1)))
    blocks = [slice(first, first + rows) for first in range(0, m, rows)]

    def with_ones(block: slice) -> np.ndarray:
        return np.column_stack([X[block].astype(np.float64), np.ones(len(X[block]))]) / scale

    if n <= _LARGEST_GRAM:
        gram = sum(part.T @ part for part in map(with_ones, blocks))
        largest = np.linalg.eigvalsh(gram)[-1]
    else:
        from scipy.sparse.linalg import LinearOperator, eigsh

        def product(v: np.ndarray) -> np.ndarray:
            total: np.ndarray = sum((part.T @ (part @ v.ravel()) for part in map(with_ones, blocks)), np.zeros(n + 1))
            return total

        gram_product = LinearOperator((n + 1, n + 1), matvec=product, dtype=np.float64)
        (largest,) = eigsh(gram_product, k=1, v0=np.ones(n + 1), return_eigenvectors=False)
    L: float = float(largest) * scale / (4 * m) * scale
    return L


def divergence(costs: np.ndarray) -> str:
    """How a descent with these costs diverges, in words; empty if it does not. costs: (steps + 1,)

    Of fewer than ten steps, only a cost that is not finite shows it.
    """
    if not np.isfinite(costs).all():
        steps = int(np.argmin(np.isfinite(costs)))
        return f"the cost is {costs[steps]} after {steps} steps"
    if len(costs) <= _RISING:
        return ""
    last = costs[-(_RISING + 1) :]
    if (np.diff(last) > 0).all():
        return f"the cost rises in the last {_RISING} steps, from {last[0]:.3g} to {last[-1]:.3g}"
    return f"the cost rises from {costs[0]:.3g} to {costs[-1]:.3g}" if costs[-1] > costs[0] else ""


def costs_from(problem: Problem, alpha: float, steps: int) -> np.ndarray:
    """The costs of a descent from the problem's w and b, in X's dtype; it ends with the first that is not finite.

    Raises ValueError where all costs are finite, but w and b leave the domain of a gradient.
    """
    X, y, w, b = problem.X, problem.y, problem.w, problem.b
    rate, limit, costs = X.dtype.type(alpha), float(np.finfo(X.dtype).max) / 4 / problem.m, []
    largest, outside = max(float(X.max()), -float(X.min())), ""
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps + 1):
            s = (1 - 2 * y) * (X @ w + b)
            e = np.exp(-np.abs(s))
            costs.append(float(np.mean(np.maximum(s, 0) + np.log1p(e))))
            if not isfinite(costs[-1]):
                return np.array(costs)
            if not outside and largest * np.abs(w, dtype=np.float64).sum() + abs(float(b)) > limit:
                try:
                    Problem(X, y, w, b)
                except ValueError:
                    outside = f"scores could overflow {X.dtype} after {t} steps"
            dz = (1 - 2 * y) * np.where(s >= 0, 1, e) / (1 + e)
            w, b = w - rate * (dz @ X / problem.m), b - rate * np.mean(dz)
    if outside:
        raise ValueError(outside)
    return np.array(costs)
