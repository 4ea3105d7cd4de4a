"""What `python -m bench new my_descent.py --operation descend` writes: a descent that passes every check.

All three styles have the formulas of the gradient's templates. They differ in where the loop over the steps runs: in
Python, in a function that Numba compiles, and in a program that XLA compiles.
"""

from __future__ import annotations

ATTRIBUTE = "descend"
"""The name of what a file defines."""

_NUMPY = '''"""My descent: a loop around vectorised NumPy."""

import numpy as np

from kernels import Kernel, backends


def build(steps):
    """The descent of this many steps."""

    def descend(X, y, alpha, w, b):
        """X (m, n), y (m,), w (n,), alpha and b scalars → costs, ws, bs: of the start, and after each step."""
        costs, ws, bs = [], [w], [b]
        for t in range(steps + 1):
            z = X @ w + b
            e = np.exp(-np.abs(z))
            costs.append(np.mean(np.maximum((1 - 2 * y) * z, 0) + np.log1p(e)))
            if t == steps:
                return costs, ws, bs
            dz = np.where(z >= 0, 1, e) / (1 + e) - y
            w, b = w - alpha * (dz @ X / len(y)), b - alpha * np.mean(dz)
            ws.append(w)
            bs.append(b)

    return descend


descend = Kernel("my-descent", backends.NUMPY, "my descent in NumPy", 2, build=build, operation="descend")
'''

_NUMBA = '''"""My descent: three loops, compiled by Numba."""

import numba
import numpy as np

from kernels import Kernel, backends


@numba.njit
def gradient(X, y, w, b):
    """cost, dw and db, with sums in double."""
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
    return cost / m, dw / m, db / m


def build(steps):
    """The descent of this many steps."""

    @numba.njit(cache=True)
    def descend(X, y, alpha, w, b):
        """X (m, n), y (m,), w (n,), alpha and b scalars → costs, ws, bs: of the start, and after each step."""
        costs, bs = np.empty(steps + 1, X.dtype), np.empty(steps + 1, X.dtype)
        ws = np.empty((steps + 1, len(w)), X.dtype)
        ws[0], bs[0] = w, b
        for t in range(steps):
            costs[t], dw, db = gradient(X, y, ws[t], bs[t])
            ws[t + 1], bs[t + 1] = ws[t] - alpha * dw, bs[t] - alpha * db
        costs[steps] = gradient(X, y, ws[steps], bs[steps])[0]
        return costs, ws, bs

    return descend


descend = Kernel("my-descent", backends.NUMPY, "my descent in Numba", 1, build=build, operation="descend")
'''

_JAX = '''"""My descent: JAX, all steps in one program that XLA compiles."""

import jax
import jax.numpy as jnp

from kernels import Kernel, backends


def gradient(X, y, w, b):
    """cost, dw and db, all in the dtype of X."""
    z = X @ w + b
    e = jnp.exp(-jnp.abs(z))
    cost = jnp.mean(jnp.maximum((1 - 2 * y) * z, 0) + jnp.log1p(e))
    dz = jnp.where(z >= 0, 1, e) / (1 + e) - y
    return cost, dz @ X / len(y), jnp.mean(dz)


def build(steps):
    """The descent of this many steps."""

    @jax.jit
    def descend(X, y, alpha, w, b):
        """X (m, n), y (m,), w (n,), alpha and b scalars → costs, ws, bs: of the start, and after each step."""

        def step(at, _):
            cost, dw, db = gradient(X, y, *at)
            return (at[0] - alpha * dw, at[1] - alpha * db), (cost, *at)

        # one step more than asked for: its cost is the last one, and where it leads is not needed
        _, path = jax.lax.scan(step, (w, b), length=steps + 1)
        return path

    return descend


# the backend puts arrays on the device where JAX computes, and waits until a result exists
descend = Kernel("my-descent", backends.jax("cpu"), "my descent in JAX", 2, build=build, operation="descend")
'''

STYLES = {"numpy": _NUMPY, "numba": _NUMBA, "jax": _JAX}
"""Style → the text of a file."""
