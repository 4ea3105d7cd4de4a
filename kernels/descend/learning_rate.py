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

_LARGEST_GRAM = 2048
"""Features for which the matrix [X 1]ᵀ[X 1] is formed: 32 MB. For more, products with it are enough."""
_BLOCK_BYTES = 2**22
_RISING = 10
"""A cost that rises in so many last steps diverges. By chance or rounding it would not rise in two."""


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
    """How a descent with these costs diverges, in words; empty if it does not. costs: (steps + 1,)"""
    if not np.isfinite(costs).all():
        steps = int(np.argmin(np.isfinite(costs)))
        return f"the cost is {costs[steps]} after {steps} steps"
    last = costs[-(_RISING + 1) :]
    if (np.diff(last) > 0).all():
        return f"the cost rises in the last {len(last) - 1} steps, from {last[0]:.3g} to {last[-1]:.3g}"
    return f"the cost rises from {costs[0]:.3g} to {costs[-1]:.3g}" if costs[-1] > costs[0] else ""


def costs_from_zero(X: np.ndarray, y: np.ndarray, alpha: float, steps: int) -> np.ndarray:
    """The costs of a descent from w = 0 and b = 0, in double; it ends with the first that is not finite."""
    w, b, costs = np.zeros(X.shape[1]), 0.0, []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps + 1):
            s = (1 - 2 * y) * (X @ w + b)
            e = np.exp(-np.abs(s))
            costs.append(float(np.mean(np.maximum(s, 0) + np.log1p(e))))
            if not isfinite(costs[-1]):
                break
            dz = (1 - 2 * y) * np.where(s >= 0, 1, e) / (1 + e)
            w, b = w - alpha * (dz @ X / len(y)), b - alpha * float(np.mean(dz))
    return np.array(costs)
