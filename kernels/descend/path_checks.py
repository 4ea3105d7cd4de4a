"""Whether a path can be a gradient descent at all, from the path alone: for the steps that are not judged one by one.

A path says where it was, what the cost was there, and, by its steps, which gradient: g_t = (v_t − v_t+1) / α with
v = (w, b). J is convex, and its gradient has the Lipschitz constant L. A function that is both, and has these costs
and gradients at v_t and v_t+1, exists if and only if (Taylor, Hendrickx and Glineur, Math. Program. 161 (2017)
307-345, theorem 4)

    J_t+1 ≥ J_t + g_t · d + |g_t+1 − g_t|² / 2L   and   J_t ≥ J_t+1 − g_t+1 · d + |g_t+1 − g_t|² / 2L,

with d = v_t+1 − v_t. Their sum has no cost in it, and is therefore far more precise:

    (g_t+1 − g_t) · d ≥ |g_t+1 − g_t|² / L.

With α ≤ 1/L that means, among other things, that neither the cost nor the length of the gradient ever rises. A step
that was skipped claims a gradient of 0 between two that are not.

The costs are within C of the exact ones, and the steps within E (kernels/descend/bounds.py), so that α g_t is, too.
So a path of which every step is within its bound passes, whatever X and α are.
"""

from __future__ import annotations

import numpy as np

from kernels.descend.bounds import Columns, cost_errors, parameters, step_errors
from kernels.descend.path import Path

_MARGIN = 1 + 2.0**-20
"""L is an eigenvalue that was computed in double; it may be so much larger."""


def contradiction(columns: Columns, path: Path, alpha: float, L: float) -> str:
    """The first two steps that contradict each other, in one line; empty if there are none."""
    L *= _MARGIN
    costs, v = path.costs.astype(np.float64), parameters(path)
    C, E = cost_errors(columns, path), step_errors(columns, path, alpha)
    d = np.diff(v, axis=0)
    # Of steps t and t+1: g = −d / α. The rounding of n + 1 products, their sum, and the differences in double:
    rounding = (columns.n + 8) * 2.0**-53
    change = np.diff(d, axis=0) / -alpha
    uncertain = (_length(E[:-1]) + _length(E[1:])) / alpha + rounding * (_length(d[:-1]) + _length(d[1:])) / alpha
    least_change = np.maximum(0, _length(change) - uncertain)
    along, along_next = -(d[:-1] ** 2).sum(axis=1) / alpha, -(d[1:] * d[:-1]).sum(axis=1) / alpha
    error, error_next = (
        ((abs(d[:-1]) * E_of_step).sum(axis=1) + rounding * abs(d[:-1] * d_of_step).sum(axis=1)) / alpha
        for E_of_step, d_of_step in ((E[:-1], d[:-1]), (E[1:], d[1:]))
    )
    bent = least_change**2 / L
    contradicts = along_next - along + error + error_next < bent
    if contradicts.any():
        t = int(np.argmax(contradicts))
        return (
            f"the steps from entries {t} and {t + 1} cannot both be right: the gradients that they follow contradict"
        )
    cost_error = C[:-2] + C[1:-1] + rounding * (abs(costs[:-2]) + abs(costs[1:-1]))
    low = costs[:-2] + along + bent / 2 - error - cost_error
    high = costs[:-2] + along_next - bent / 2 + error_next + cost_error
    outside = (costs[1:-1] < low) | (costs[1:-1] > high)
    if outside.any():
        t = int(np.argmax(outside))
        return f"costs[{t + 1}] is {costs[t + 1]:.9g}; with these steps it is {low[t]:.9g} to {high[t]:.9g}"
    return ""


def _length(vectors: np.ndarray) -> np.ndarray:
    length: np.ndarray = np.sqrt((vectors**2).sum(axis=1))
    return length
