"""loops-examples: the loop over features is vectorised, the loop over examples remains.

    z_i = w · x_i + b  and  dw += dz_i x_i  are one vector operation each

This is the first step of vectorisation. It is faster than `loops` only if an example has many features.
"""

from math import exp, log1p

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient


def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """As `loops`, with x_i, w and dw as vectors."""
    m = len(X)
    J, dw, db = 0.0, np.zeros_like(w), 0.0
    for i in range(m):
        z = float(X[i] @ w + b)
        e = exp(-abs(z))
        a = (1.0 if z >= 0 else e) / (1.0 + e)
        s = (1.0 - 2.0 * float(y[i])) * z
        J += max(s, 0.0) + log1p(e)
        dz = a - float(y[i])
        dw += dz * X[i]
        db += dz
    return Gradient(J / m, dw / m, db / m)


LOOPS_EXAMPLES = Kernel("loops-examples", NUMPY, "one for-loop over examples, NumPy over features", 1, gradient)
