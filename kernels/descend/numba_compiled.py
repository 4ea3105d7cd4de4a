"""numba-compiled: the whole descent as one function that Numba compiles, around the fused gradient.

The loop, the step and the path are compiled together with the gradient, so that Python makes one call instead of one
a step. w and b stay in the dtype of X.

It is compiled anew in each process (3 s on an AMD EPYC): with `cache=True` Numba 0.68 stores it and finds it in no
other process. A copy that was found, in an earlier form of the gradient, took 6 to 8% longer at 1000000x32 on the
same processor, since the gradient in it was optimised once more than the gradient itself.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numba
import numpy as np

from kernels.contract import Array, Call, Kernel
from kernels.descend.path import Path


def compiled(gradient: Kernel) -> Kernel:
    """The descent around this gradient kernel of Numba."""
    compute: Any = gradient.built(None)

    @numba.njit(error_model="numpy")
    def descend(steps: int, X: Array, y: Array, alpha: Array, w: Array, b: Array) -> Path:
        number, n = X.dtype.type, X.shape[1]
        costs, ws, bs = np.empty(steps + 1, X.dtype), np.empty((steps + 1, n), X.dtype), np.empty(steps + 1, X.dtype)
        w = w.copy()  # Numba compiles the gradient once: a read-only array has another type
        for t in range(steps):
            J, dw, db = compute(X, y, w, b)
            costs[t], ws[t], bs[t] = J, w, b
            w = w - alpha * dw
            b = number(b - alpha * db)
        costs[steps], ws[steps], bs[steps] = compute(X, y, w, b)[0], w, b
        return Path(costs, ws, bs)

    def build(steps: int) -> Call:
        return partial(descend, steps)

    summary = "the whole descent under Numba, around one fused pass over X"
    return Kernel("numba-compiled", gradient.backend, summary, gradient.passes, build=build, operation="descend")
