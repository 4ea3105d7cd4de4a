"""numba-descent: plain gradient descent with the learning rate 1/L, compiled by Numba, until ∇F is small enough.

    w ← w − α (dw + λ w),   b ← b − α db,   α = 1 / L

L is the largest eigenvalue of ∇²F at w = 0, b = 0, where every a_i (1 − a_i) is ¼, its largest value. So no step
raises F (Nesterov, Introductory Lectures on Convex Optimization, 2004, section 1.2.3). It is what the lecture does,
and here to show what the other solvers save.
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

_MOST_ITERATES = 512
_DOUBLE, _SINGLE = TOLERANCES[np.dtype(np.float64)], TOLERANCES[np.dtype(np.float32)]


@cache
def descent(gradient: Kernel) -> Kernel:
    """The fit by gradient descent around this gradient kernel of Numba."""
    compute: Any = gradient.built(None)

    @numba.njit(error_model="numpy")
    def fit(penalty: float, tolerance: float, budget: int, X: Array, y: Array, w: Array, b: Array) -> Fit:
        X, y = writable(X), writable(y)
        n, number = X.shape[1], X.dtype.type
        if tolerance == 0:
            tolerance = _DOUBLE if X.itemsize == 8 else _SINGLE
        alpha = 1 / (np.linalg.eigvalsh(weighted_gram(X, np.zeros(n + 1)))[-1] + penalty)
        path, counts = np.empty((_MOST_ITERATES, n + 1)), np.empty(_MOST_ITERATES)
        v, rounded = np.empty(n + 1), np.empty(n, X.dtype)
        v[:n], v[n] = w, b
        path[0], counts[0], entries, every, steps = v, 0, 1, 1, 0
        while True:
            rounded[:] = v[:n]
            _, dw, db = compute(X, y, rounded, number(v[n]))
            steps += 1
            norm = abs(float(db))
            for j in range(n):
                norm = max(norm, abs(dw[j] + penalty * v[j]))
            if norm <= tolerance or steps > budget:
                break
            for j in range(n):
                v[j] -= alpha * (dw[j] + penalty * v[j])
            v[n] -= alpha * db
            if steps % every == 0:
                if entries == _MOST_ITERATES - 1:  # keep every second entry
                    for k in range(1, entries // 2 + 1):
                        path[k], counts[k] = path[2 * k], counts[2 * k]
                    entries, every = entries // 2 + 1, 2 * every
                path[entries], counts[entries] = v, steps + 1
                entries += 1
        path[entries], counts[entries] = v, steps + 1
        entries += 1
        ws, bs, evaluations = np.empty((entries, n), X.dtype), np.empty(entries, X.dtype), np.empty(entries, X.dtype)
        for k in range(entries):
            ws[k], bs[k], evaluations[k] = path[k, :n], path[k, n], counts[k]
        return Fit(ws, bs, evaluations, number(norm))

    def build(static: Settings) -> Call:
        settings = Settings(*static)
        return partial(fit, settings.penalty, settings.tolerance or 0.0, settings.budget)

    summary = "gradient descent with the learning rate 1/L under Numba, until the gradient is small enough"
    return Kernel("numba-descent", gradient.backend, summary, None, build=build, operation="fit")
