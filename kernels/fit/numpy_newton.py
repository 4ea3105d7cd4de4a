"""numpy-newton: Newton's method that saves Hessians: by first steps on a sample, and by using each several times.

    p = −(∇²F)⁻¹ ∇F,   v ← v + t p,   t = 1, ½, ¼, ... until F falls by 10⁻⁴ t |∇F · p| (Armijo)

A Hessian, Xᵀ diag(a(1 − a)) X / m, costs n/2 times the products of a gradient. Two things save Hessians. The first
steps are made on a sample, a sixteenth of the examples in 64 evenly spaced pieces: they end near the sample's
optimum, which is near that of the whole data. And a Hessian, first the sample's, serves for several steps, each with
a new gradient, as long as they divide max|∇F| by three (Shamanskii, Ukrainian Mathematical Journal 19 (1967) 118-122)
and their whole length lowers F. The gradient of the whole data says when to stop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from kernels._scipy_blas import on_one_thread
from kernels.contract import Array, Kernel
from kernels.fit.path import Iterates
from kernels.fit.problem import Fit, Settings

_BLOCK_BYTES = 2**20
_SAMPLED_SHARE, _PIECES = 16, 64
_EXAMPLES_PER_FEATURE = 20
"""With fewer, a sample's optimum is so far from that of the whole data that nothing is saved."""
_CONTRACTION = 0.3
"""Two such steps come as near as one that divides ∇F by ten, for a second gradient; a Hessian costs three or more."""
_ARMIJO, _SHORTEST_STEP = 1e-4, 2.0**-30
_RIDGE = 2.0**-40
"""Relative to the Hessian's largest diagonal entry: what saturated examples leave may be singular to rounding."""


@dataclass(frozen=True)
class Objective:
    """F and its derivatives on some examples. v: w and b together, (n + 1,), in double"""

    compute: Callable[..., Any]
    X: np.ndarray
    y: np.ndarray
    penalties: np.ndarray
    share: float = 1.0
    """Of all examples."""

    def at(self, v: np.ndarray) -> tuple[float, np.ndarray]:
        """F and ∇F."""
        rounded = v.astype(self.X.dtype)
        J, dw, db = self.compute(self.X, self.y, rounded[:-1], rounded[-1])
        return float(J) + 0.5 * float(self.penalties @ (v * v)), np.append(dw, db) + self.penalties * v

    def hessian(self, v: np.ndarray) -> np.ndarray:
        """∇²F, (n + 1, n + 1); with t = e^(−|z|/2), √(a(1 − a)) = t / (1 + t²)."""
        (m, n), H = self.X.shape, np.zeros((len(v), len(v)))
        rows = max(1, _BLOCK_BYTES // (8 * n))
        w, b = v[:-1].astype(self.X.dtype), self.X.dtype.type(v[-1])
        scaled = np.empty((min(m, rows), n + 1), self.X.dtype)
        for first in range(0, m, rows):
            block = self.X[first : first + rows]
            part = scaled[: len(block)]
            t = np.exp(abs(block @ w + b) * self.X.dtype.type(-0.5))
            np.divide(t, 1 + t * t, out=part[:, n])
            np.multiply(block, part[:, n:], out=part[:, :n])
            H += part.T @ part
        hessian: np.ndarray = H / m + np.diag(self.penalties)
        return hessian


def newton(gradient: Kernel) -> Kernel:
    """The fit by Newton's method with this gradient kernel on NumPy arrays."""

    def build(static: Settings) -> Callable[..., Fit]:
        return partial(_fit, gradient.built(None), Settings(*static))

    summary = f"Newton's method around the gradient kernel {gradient.name}: first on a sample, with few Hessians"
    return replace(
        gradient, name="numpy-newton", summary=summary, passes=None, call=None, build=build, operation="fit"
    )


def _fit(compute: Callable[..., Any], settings: Settings, X: Array, y: Array, w: Array, b: Array) -> Fit:
    penalties = np.append(np.full(X.shape[1], settings.penalty), 0.0)
    whole, start = Objective(compute, X, y, penalties), np.append(w, b)
    path, v, spent = Iterates(start), start.astype(np.float64), 0.0
    tolerance = settings.tolerance_for(X.dtype)
    factor = None
    with on_one_thread():
        if sample := _sampled(whole):
            v, _, spent, factor = _descend(
                sample, v, None, 1 / np.sqrt(len(sample.y)) / 4, settings.budget, 0.0, None
            )
            path.add(v.astype(X.dtype), spent)
        v, norm, spent, _ = _descend(whole, v, factor, tolerance, settings.budget, spent, path)
    path.end_at(v.astype(X.dtype), spent)
    return path.fit(norm)


def _sampled(whole: Objective) -> Objective | None:
    """The objective on a sample; None where the data are too few, or it has one class only."""
    m, n = whole.X.shape
    piece = m // (_SAMPLED_SHARE * _PIECES)
    if piece * _PIECES < _EXAMPLES_PER_FEATURE * (n + 1):
        return None
    rows = (np.arange(_PIECES)[:, np.newaxis] * (m // _PIECES) + np.arange(piece)).ravel()
    X, y = whole.X[rows], whole.y[rows]
    if y.min() == y.max():
        return None
    return replace(whole, X=X, y=y, share=len(rows) / m)


def _descend(
    objective: Objective,
    v: np.ndarray,
    factor: Any,
    tolerance: float,
    budget: int,
    spent: float,
    path: Iterates | None,
) -> tuple[np.ndarray, float, float, Any]:
    """From v to max|∇F| ≤ tolerance, or as far as it goes.

    factor: Cholesky's, of a Hessian to begin with; None for that at v. Returns the end, max|∇F| there, what was
    spent, and the last factor.
    """
    F, slope = objective.at(v)
    norm, spent = float(abs(slope).max()), spent + objective.share
    slack = 64 * float(np.finfo(objective.X.dtype).eps)
    is_of_v = False  # the Hessian; one of elsewhere is given up where its whole step is too long
    while norm > tolerance and spent < budget:
        if factor is None:
            H = objective.hessian(v)
            spent += objective.share
            H[np.diag_indices_from(H)] += _RIDGE * H.diagonal().max()
            factor, is_of_v = cho_factor(H, overwrite_a=True, check_finite=False), True
        contraction = 0.0
        while contraction <= _CONTRACTION and norm > tolerance and spent < budget:
            p, t = -cho_solve(factor, slope, check_finite=False), 1.0
            F_there, slope_there = objective.at(v + p)
            spent += objective.share
            while not F_there <= F + _ARMIJO * t * float(slope @ p) + slack * F:
                t /= 2
                if not is_of_v or t < _SHORTEST_STEP or spent >= budget:
                    t = 0.0
                    break
                F_there, slope_there = objective.at(v + t * p)
                spent += objective.share
            if t == 0:
                break
            norm_there = float(abs(slope_there).max())
            contraction = norm_there / norm if t == 1 else 1.0
            v, F, slope, norm, is_of_v = v + t * p, F_there, slope_there, norm_there, False
            if path:
                path.add(v.astype(objective.X.dtype), spent)
        if norm > tolerance:
            factor = None
            if is_of_v:  # no step leads on
                break
    return v, norm, spent, factor
