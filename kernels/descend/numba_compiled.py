"""numba-compiled: the whole descent as one function that Numba compiles, around the fused gradient.

The loop, the step and the path are compiled together with the gradient, so that Python makes one call instead of one
a step. w and b stay in the dtype of X.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np

from kernels import _jit_cache
from kernels.contract import Array, Call, Kernel
from kernels.descend.path import Path

_gradient: Any = None
"""The compiled gradient. A global, because Numba's cache on disk does not find a function with a compiled one in its
closure again: that has another identity in every process. The cache does not tell globals apart, so there is one."""


def compiled(gradient: Kernel) -> Kernel:
    """The descent around this gradient kernel of Numba. Raises ValueError for a second one."""
    global _gradient
    call = gradient.built(None)
    if _gradient not in (None, call):
        raise ValueError(f"numba-compiled is built around another kernel than {gradient.name} already")
    _gradient = call
    summary = "the whole descent under Numba, around one fused pass over X"
    return Kernel("numba-compiled", gradient.backend, summary, gradient.passes, build=_build, operation="descend")


@cache
def _build(steps: int) -> Call:
    @numba.njit(cache=True, error_model="numpy")
    def descend(X: Array, y: Array, alpha: Array, w: Array, b: Array) -> Path:
        number, n = X.dtype.type, X.shape[1]
        costs, ws, bs = np.empty(steps + 1, X.dtype), np.empty((steps + 1, n), X.dtype), np.empty(steps + 1, X.dtype)
        w = w.copy()  # Numba compiles the gradient once: a read-only array has another type
        for t in range(steps):
            J, dw, db = _gradient(X, y, w, b)
            costs[t], ws[t], bs[t] = J, w, b
            w = w - alpha * dw
            b = number(b - alpha * db)
        costs[steps], ws[steps], bs[steps] = _gradient(X, y, w, b)[0], w, b
        return Path(costs, ws, bs)

    call: Call = descend
    return call


_jit_cache.keep_numba_code()
