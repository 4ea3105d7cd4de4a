"""The mathematics to 50 digits."""

from __future__ import annotations

import mpmath

from kernels import Gradient, Problem


def exactly(problem: Problem) -> Gradient:
    """J, dw and db to 50 digits, each as a list."""
    with mpmath.workdps(50):
        m, n = problem.m, problem.n
        J, dw, db = mpmath.mpf(0), [mpmath.mpf(0)] * n, mpmath.mpf(0)
        w = [mpmath.mpf(float(wj)) for wj in problem.w]
        for x, label in zip(problem.X, problem.y, strict=True):
            row, y = [mpmath.mpf(float(xj)) for xj in x], int(label)
            s = (1 - 2 * y) * mpmath.fsum([mpmath.mpf(float(problem.b)), *map(mpmath.fmul, row, w)])
            e = mpmath.exp(-abs(s))
            J += max(s, 0) + mpmath.log1p(e)
            dz = (1 - 2 * y) * (1 if s >= 0 else e) / (1 + e)
            dw = [dwj + dz * xj for dwj, xj in zip(dw, row, strict=True)]
            db += dz
        return Gradient([J / m], [dwj / m for dwj in dw], [db / m])
