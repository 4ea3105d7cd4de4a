"""numba-loops: the two for-loops of `loops`, compiled by Numba, without further optimisation.

It shows what compilation alone gains. J, dw and db are summed in double, the type of `J = 0.0`; z stays in the dtype
of X.
"""

from math import exp, log1p

import numba
import numpy as np

from kernels import _jit_cache
from kernels.backends import NUMPY
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient

_jit_cache.keep_numba_code()


@numba.njit(cache=True)
def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """The two for-loops, over an array."""
    m, n = X.shape
    J, dw, db = 0.0, np.zeros(n), 0.0
    for i in range(m):
        z = b
        for j in range(n):
            z += w[j] * X[i, j]
        e = exp(-abs(z))
        a = (1.0 if z >= 0 else e) / (1.0 + e)
        s = (1.0 - 2.0 * y[i]) * z
        J += max(s, 0.0) + log1p(e)
        dz = a - y[i]
        for j in range(n):
            dw[j] += dz * X[i, j]
        db += dz
    return Gradient(J / m, (dw / m).astype(X.dtype), db / m)


NUMBA_LOOPS = Kernel("numba-loops", NUMPY, "the two for-loops under Numba", 1, gradient)
