"""Gradient descent around any gradient kernel: one Python loop, shared by all of them.

    J_t, dw, db = gradient(X, y, w_t, b_t);   w_t+1 = w_t − α dw;   b_t+1 = b_t − α db

The loop and the step run in Python, on the gradient kernel's own arrays, as a user would write them. The path is a
list with an array for each step, so that nothing else is copied. The descent says which function inside it is to be
compiled, and for which arguments (bench/worker/compilation.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kernels.contract import Array, Call, Kernel
from kernels.descend.path import Path


def driven(gradient: Kernel) -> Kernel:
    """The descent that calls this gradient kernel."""

    def build(steps: int) -> Call:
        compute = gradient.built(None)

        def descend(X: Array, y: Array, alpha: Array, w: Array, b: Array) -> Path:
            w = _writable(w)
            costs, ws, bs = [], [w], [b]
            for _ in range(steps):
                J, dw, db = compute(X, y, w, b)
                w, b = _step(w, dw, alpha), _step(b, db, alpha)
                costs.append(J)
                ws.append(w)
                bs.append(b)
            costs.append(compute(X, y, w, b)[0])
            return Path(costs, ws, bs)

        descend.compiles = (  # type: ignore[attr-defined]
            compute,
            lambda X, y, _alpha, w, b: (X, y, _writable(w), b),
        )
        return descend

    summary = f"a Python loop around the gradient kernel {gradient.name}"
    return replace(gradient, summary=summary, call=None, build=build, operation="descend", of=gradient.name)


def _writable(w: Array) -> Array:
    """The start, of the type of every later w. For Numba, which compiles once for each type, a read-only array is
    another one.
    """
    return w.copy() if isinstance(w, np.ndarray) else w


def _step(w: Array, dw: Array, alpha: Array) -> Array:
    """w − α dw, also for Python's lists."""
    if isinstance(w, list):
        return [of_w - alpha * of_dw for of_w, of_dw in zip(w, dw, strict=True)]
    return w - alpha * dw
