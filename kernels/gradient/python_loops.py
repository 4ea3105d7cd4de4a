"""loops: the algorithm as lecture notes state it, two for-loops over Python lists.

    J = 0, dw_j = 0, db = 0
    for each example i:   z_i = w · x_i + b;   a_i = σ(z_i);   J += L_i;   dz_i = a_i − y_i
        for each feature j:   dw_j += dz_i x_ij
        db += dz_i
    divide everything by m

    L = −[y log a + (1 − y) log(1 − a)] = log(1 + e^s) = max(s, 0) + log(1 + e^−|s|),   s = (1 − 2y) z

It is the baseline of every workload on which one call takes less than a second.
"""

from math import exp, log1p

from kernels.backends import PYTHON
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient


def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """σ is split by the sign of z, and the loss by that of s, so that exp never overflows."""
    m, n = len(X), len(w)
    J, dw, db = 0.0, [0.0] * n, 0.0
    for i in range(m):
        z = b
        for j in range(n):
            z += w[j] * X[i][j]
        e = exp(-abs(z))
        a = (1.0 if z >= 0 else e) / (1.0 + e)
        s = (1.0 - 2.0 * y[i]) * z
        J += max(s, 0.0) + log1p(e)
        dz = a - y[i]
        for j in range(n):
            dw[j] += dz * X[i][j]
        db += dz
    return Gradient(J / m, [dw_j / m for dw_j in dw], db / m)


LOOPS = Kernel("loops", PYTHON, "two explicit for-loops over Python lists", 1, gradient)
