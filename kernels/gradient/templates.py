"""What `python -m bench new my_kernel.py` writes: a gradient that passes every check, as a start for the user's own.

All three styles have the formulas of numpy_vectorized.py, which every check accepts: σ and the loss share e^−|z|,
which cannot overflow, and the loss and dz are computed for each example.
"""

from __future__ import annotations

ATTRIBUTE = "gradient"
"""The name of what a file defines."""

_NUMPY = '''"""My kernel: vectorised NumPy."""

import numpy as np


def gradient(X, y, w, b):
    """X (m, n), y (m,), w (n,), b a scalar → cost, dw (n,), db; all in the dtype of X."""
    z = X @ w + b
    e = np.exp(-np.abs(z))
    cost = np.mean(np.maximum((1 - 2 * y) * z, 0) + np.log1p(e))
    dz = np.where(z >= 0, 1, e) / (1 + e) - y
    return cost, dz @ X / len(y), np.mean(dz)
'''

_NUMBA = '''"""My kernel: two loops, compiled by Numba."""

import numba
import numpy as np


@numba.njit(cache=True)
def gradient(X, y, w, b):
    """X (m, n), y (m,), w (n,), b a scalar → cost, dw (n,), db; sums are kept in double."""
    m, n = X.shape
    cost, dw, db = 0.0, np.zeros(n), 0.0
    for i in range(m):
        z = b
        for j in range(n):
            z += w[j] * X[i, j]
        e = np.exp(-abs(z))
        cost += max((1 - 2 * y[i]) * z, 0) + np.log1p(e)
        dz = (1 if z >= 0 else e) / (1 + e) - y[i]
        for j in range(n):
            dw[j] += dz * X[i, j]
        db += dz
    return cost / m, (dw / m).astype(X.dtype), db / m
'''

_JAX = '''"""My kernel: JAX, compiled by XLA."""

import jax
import jax.numpy as jnp

from kernels import Kernel, backends


@jax.jit
def compiled(X, y, w, b):
    """X (m, n), y (m,), w (n,), b a scalar → cost, dw (n,), db; all in the dtype of X."""
    z = X @ w + b
    e = jnp.exp(-jnp.abs(z))
    cost = jnp.mean(jnp.maximum((1 - 2 * y) * z, 0) + jnp.log1p(e))
    dz = jnp.where(z >= 0, 1, e) / (1 + e) - y
    return cost, dz @ X / len(y), jnp.mean(dz)


# the backend puts arrays on the device where JAX computes, and waits until a result exists
gradient = Kernel("my-kernel", backends.jax("cpu"), "my kernel in JAX", 2, compiled)
'''

STYLES = {"numpy": _NUMPY, "numba": _NUMBA, "jax": _JAX}
"""Style → the text of a file."""
