"""What `python -m bench new my_fit.py --operation fit` writes: a solver that passes every check.

All three styles are Newton's method in its shortest form, with a step that is halved until F falls.
"""

from __future__ import annotations

ATTRIBUTE = "fit"
"""The name of what a file defines."""

_NUMPY = '''"""My fit: Newton's method in vectorised NumPy."""

import numpy as np

from kernels import Kernel, backends


def build(static):
    """The solver for this penalty λ; tolerance is None for that of the dtype; budget: the most gradients."""
    penalty, tolerance, budget = static

    def fit(X, y, w, b):
        """X (m, n), y (m,), start w (n,) and b → the iterates ws and bs, gradients computed so far, max|∇F|."""
        m, n = X.shape
        enough = tolerance or (1e-6 if X.dtype == np.float64 else 1e-3)
        X1 = np.column_stack([X, np.ones(m, X.dtype)])
        penalties = np.append(np.full(n, penalty), 0)

        def cost_gradient_weights(v):
            s = (1 - 2 * y) * (X1 @ v.astype(X.dtype))
            e = np.exp(-abs(s))
            F = np.mean(np.maximum(s, 0) + np.log1p(e)) + penalties @ (v * v) / 2
            dz = (1 - 2 * y) * np.where(s >= 0, 1, e) / (1 + e)
            return F, dz @ X1 / m + penalties * v, e / (1 + e) ** 2

        v = np.append(w, b).astype(np.float64)
        F, slope, weights = cost_gradient_weights(v)
        path, evaluations = [v], [1]
        while abs(slope).max() > enough and evaluations[-1] < budget:
            H = (X1 * weights[:, None]).T @ X1 / m + np.diag(penalties)
            step, t, tries = np.linalg.solve(H, slope), 1.0, 1
            while True:
                there = cost_gradient_weights(v - t * step)
                if there[0] <= F * (1 + 1e-6) or t < 1e-6:
                    break
                t, tries = t / 2, tries + 1
            v, (F, slope, weights) = v - t * step, there
            path.append(v)
            evaluations.append(evaluations[-1] + 1 + tries)
        vs = np.array(path, X.dtype)
        return vs[:, :n].copy(), vs[:, n].copy(), np.array(evaluations, X.dtype), X.dtype.type(abs(slope).max())

    return fit


fit = Kernel("my-fit", backends.NUMPY, "my fit in NumPy", None, build=build, operation="fit")
'''

_NUMBA = '''"""My fit: gradient descent with three loops, compiled by Numba."""

import numba
import numpy as np

from kernels import Kernel, backends


@numba.njit
def gradient(X, y, v, penalty):
    """dw, then db, with sums in double; v: w and b together."""
    m, n = X.shape
    slope = np.zeros(n + 1)
    for i in range(m):
        z = v[n]
        for j in range(n):
            z += v[j] * X[i, j]
        e = np.exp(-abs(z))
        dz = (1 if z >= 0 else e) / (1 + e) - y[i]
        for j in range(n):
            slope[j] += dz * X[i, j]
        slope[n] += dz
    slope /= m
    slope[:n] += penalty * v[:n]
    return slope


def build(static):
    """The solver for this penalty λ; tolerance is None for that of the dtype; budget: the most gradients."""
    penalty, tolerance, budget = static

    @numba.njit(cache=True)
    def fit(X, y, w, b):
        """X (m, n), y (m,), start w (n,) and b → the iterates ws and bs, gradients computed so far, max|∇F|."""
        m, n = X.shape
        enough = 1e-6 if X.itemsize == 8 else 1e-3
        if tolerance is not None:
            enough = tolerance
        v = np.empty(n + 1)
        v[:n], v[n] = w, b
        squares = 1.0  # no eigenvalue of the Hessian is larger than a quarter of mean |x|² + 1
        for i in range(m):
            for j in range(n):
                squares += X[i, j] * X[i, j] / m
        alpha = 1 / (squares / 4 + penalty)
        slope, steps = gradient(X, y, v, penalty), 1
        while np.abs(slope).max() > enough and steps < budget:
            v -= alpha * slope
            slope = gradient(X, y, v, penalty)
            steps += 1
        ws, bs = np.empty((2, n), X.dtype), np.empty(2, X.dtype)
        ws[0], ws[1], bs[0], bs[1] = w, v[:n], b, v[n]
        evaluations = np.array([0, steps]).astype(X.dtype)
        return ws, bs, evaluations, X.dtype.type(np.abs(slope).max())

    return fit


fit = Kernel("my-fit", backends.NUMPY, "my fit in Numba", None, build=build, operation="fit")
'''

_JAX = '''"""My fit: Newton's method in JAX, all steps in one program that XLA compiles."""

import jax
import jax.numpy as jnp

from kernels import Kernel, backends


def build(static):
    """The solver for this penalty λ; tolerance is None for that of the dtype; budget: the most gradients."""
    penalty, tolerance, budget = static

    def cost(v, X, y):
        """F; v: w and b together."""
        s = (1 - 2 * y) * (X @ v[:-1] + v[-1])
        return jnp.mean(jnp.maximum(s, 0) + jnp.log1p(jnp.exp(-jnp.abs(s)))) + penalty / 2 * (v[:-1] @ v[:-1])

    def hessian(v, X):
        """With e = e^−|z|, a (1 − a) = e / (1 + e)²."""
        e = jnp.exp(-jnp.abs(X @ v[:-1] + v[-1]))
        X1 = jnp.column_stack([X, jnp.ones(len(X), X.dtype)])
        H = (X1 * (e / (1 + e) ** 2)[:, None]).T @ X1 / len(X)
        return H + penalty * jnp.diag(jnp.append(jnp.ones(X.shape[1], X.dtype), 0))

    @jax.jit
    def fit(X, y, w, b):
        """X (m, n), y (m,), start w (n,) and b → the iterates ws and bs, gradients computed so far, max|∇F|."""
        enough = tolerance or (1e-6 if X.dtype == jnp.float64 else 1e-3)
        slope_at = jax.value_and_grad(cost)

        def step(at):
            v, F, slope, spent = at
            p = jnp.linalg.solve(hessian(v, X), slope)

            def rises(tried):
                t, (F_there, _), _ = tried
                return (F_there > F * (1 + 1e-6)) & (t > 1e-6)

            def shorter(tried):
                t, _, tries = tried
                return t / 2, slope_at(v - t / 2 * p, X, y), tries + 1

            one = jnp.ones((), X.dtype)
            t, (F, slope), tries = jax.lax.while_loop(rises, shorter, (one, slope_at(v - p, X, y), one))
            return v - t * p, F, slope, spent + 1 + tries

        start = jnp.append(w, b)
        begin = start, *slope_at(start, X, y), jnp.ones((), X.dtype)
        v, _, slope, spent = jax.lax.while_loop(
            lambda at: (jnp.abs(at[2]).max() > enough) & (at[3] < budget), step, begin
        )
        ws, bs = jnp.stack([w, v[:-1]]), jnp.stack([b, v[-1]])
        return ws, bs, jnp.stack([0 * spent, spent]), jnp.abs(slope).max()

    return fit


# the backend puts arrays on the device where JAX computes, and waits until a result exists
fit = Kernel("my-fit", backends.jax("cpu"), "my fit in JAX", None, build=build, operation="fit")
'''

STYLES = {"numpy": _NUMPY, "numba": _NUMBA, "jax": _JAX}
"""Style → the text of a file."""
