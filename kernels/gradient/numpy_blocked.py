"""numpy-blocked: the array expressions on one block of examples at a time, so that X is read from memory once.

The rows of a block and the arrays of its length stay in cache between z = Xw + b and dzᵀX. Every expression writes
into an existing array, so there are no temporaries of m numbers, whose pages the operating system would have to
clear. Sums over blocks are in double.
"""

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient

_BLOCK_BYTES = 2**22
"""Bytes of X in a block, for an L3 cache of 32 MiB. Smaller blocks fit a nearer cache, but each block costs twenty
calls of NumPy. At 256 MB on one thread: 31 ms with 2^19, 27 with 2^21 and 2^22, 29 with 2^23, and 32 for `numpy`."""


def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """With t = 1 − 2y and s = t z:  L = softplus(s) = max(s, 0) + log1p(e^−|s|),  dz = t σ(s)."""
    m, n = X.shape
    rows = max(1, min(m, _BLOCK_BYTES // (n * X.itemsize)))
    workspace = np.empty((4, rows), X.dtype)
    J, dw, db = 0.0, np.zeros(n), 0.0
    for first in range(0, m, rows):
        block, labels = X[first : first + rows], y[first : first + rows]
        s, e, t, free = workspace[:, : len(labels)]
        np.matmul(block, w, out=s)
        s += b
        np.multiply(labels, -2, out=t)
        t += 1
        s *= t
        np.negative(np.abs(s, out=e), out=e)
        np.exp(e, out=e)
        J += float(np.log1p(e, out=free).sum())
        J += float(np.maximum(s, 0, out=free).sum())
        np.add(e, 1, out=free)
        np.copyto(e, 1, where=s >= 0)
        e /= free
        e *= t
        db += float(e.sum())
        dw += e @ block
    return Gradient(J / m, (dw / m).astype(X.dtype), db / m)


NUMPY_BLOCKED = Kernel("numpy-blocked", NUMPY, "array expressions on blocks that stay in cache", 1, gradient)
