"""The iterates of a solver, kept while it runs.

Separate from the solvers, which all keep theirs alike.
"""

from __future__ import annotations

import numpy as np

from kernels.fit.problem import ITERATES, Fit


class Iterates:
    """Where a solver has been: the start, and what it adds. Of more than ITERATES every second one is dropped."""

    def __init__(self, start: np.ndarray) -> None:
        """start: w and b together, (n + 1,), in the dtype of X"""
        self._kept: list[tuple[np.ndarray, float]] = [(start, 0.0)]
        self._every, self._passed = 1, 0

    def add(self, v: np.ndarray, evaluations: float) -> None:
        """Keep another iterate, or not if only every so many are kept. v: (n + 1,), in the dtype of X"""
        self._passed += 1
        if self._passed % self._every == 0:
            self._kept.append((v, evaluations))
        if len(self._kept) > ITERATES:
            self._kept, self._every = self._kept[::2], 2 * self._every

    def end_at(self, v: np.ndarray, evaluations: float) -> None:
        """Make this the answer, with all that was computed."""
        if np.array_equal(self._kept[-1][0], v) and len(self._kept) > 1:
            self._kept.pop()
        self._kept.append((v, evaluations))

    def fit(self, norm: float) -> Fit:
        """What a solver returns. norm: max|∇F| at the answer"""
        vs = np.array([v for v, _ in self._kept])
        evaluations = np.array([count for _, count in self._kept], vs.dtype)
        return Fit(np.ascontiguousarray(vs[:, :-1]), vs[:, -1].copy(), evaluations, vs.dtype.type(norm))
