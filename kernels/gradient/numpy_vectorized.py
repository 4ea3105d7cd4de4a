"""numpy: both loops vectorised, the formulas as array expressions.

    z = Xw + b,   a = σ(z),   dz = a − y,   dw = Xᵀdz / m,   db = mean(dz)
    J = mean[max(s, 0) + log(1 + e^−|s|)],   s = (1 − 2y) z,   equal to mean −[y log a + (1 − y) log(1 − a)]

This is the textbook vectorisation. It reads X twice, once for z and once for dw.
"""

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient


def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """σ and the loss share e^−|z| = e^−|s|, which cannot overflow."""
    z = X @ w + b
    e = np.exp(-np.abs(z))
    a = np.where(z >= 0, 1, e) / (1 + e)
    s = (1 - 2 * y) * z
    J = np.mean(np.maximum(s, 0) + np.log1p(e))
    dz = a - y
    return Gradient(J, X.T @ dz / len(y), np.mean(dz))


NUMPY_VECTORIZED = Kernel("numpy", NUMPY, "vectorised array expressions, two passes over X", 2, gradient)
