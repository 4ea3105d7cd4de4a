"""jax-newton: Newton's method as one program that XLA compiles, around the gradient kernel.

    p = −(∇²F)⁻¹ ∇F,   v ← v + t p,   t = 1, ½, ¼, ... until F falls by 10⁻⁴ t |∇F · p| (Armijo)

The steps and the line search are lax.while_loop. Each step has a new Hessian, on all examples.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kernels.contract import Array, Call, Kernel
from kernels.fit.problem import Fit, Settings

_ARMIJO, _SHORTEST_STEP, _RIDGE = 1e-4, 2.0**-30, 2.0**-40
_MOST_ITERATES = 64


class _At(NamedTuple):
    """Where the solver is, and what it has computed there."""

    v: Array
    F: Array
    slope: Array
    vs: Array
    counts: Array
    entries: Array
    spent: Array
    stuck: Array


def newton(gradient: Kernel) -> Kernel:
    """The fit by Newton's method around this gradient kernel of JAX."""

    def build(static: Settings) -> Call:
        settings, compute = Settings(*static), gradient.built(None)

        @jax.jit
        def fit(X: Array, y: Array, w: Array, b: Array) -> Fit:
            m, n = X.shape
            number, tolerance = X.dtype.type, settings.tolerance_for(X.dtype)
            penalties = jnp.append(jnp.full(n, settings.penalty, X.dtype), number(0))
            slack = 64 * float(np.finfo(X.dtype).eps)

            def at(v: Array) -> tuple[Array, Array]:
                J, dw, db = compute(X, y, v[:-1], v[-1])
                return J + 0.5 * (penalties @ (v * v)), jnp.append(dw, db) + penalties * v

            def hessian(v: Array) -> Array:
                t = jnp.exp(-0.5 * jnp.abs(jnp.matmul(X, v[:-1], precision="highest") + v[-1]))
                root = (t / (1 + t * t))[:, None]
                S = jnp.concatenate([root * X, root], axis=1)
                H = jnp.matmul(S.T, S, precision="highest") / m + jnp.diag(penalties)
                return H + _RIDGE * jnp.max(jnp.diag(H)) * jnp.eye(n + 1, dtype=X.dtype)

            def step(here: _At) -> _At:
                p = -jax.scipy.linalg.solve(hessian(here.v), here.slope, assume_a="pos")
                falls = here.slope @ p

                def too_long(tried: tuple[Any, ...]) -> Array:
                    t, (F, _), _ = tried
                    return (here.F + _ARMIJO * t * falls + slack * here.F < F) & (t >= _SHORTEST_STEP)

                def shorter(tried: tuple[Any, ...]) -> tuple[Any, ...]:
                    t, _, tries = tried
                    return t / 2, at(here.v + t / 2 * p), tries + 1

                t, (F, slope), tries = lax.while_loop(too_long, shorter, (number(1), at(here.v + p), number(2)))
                v, spent = here.v + t * p, here.spent + tries
                k = jnp.minimum(here.entries, _MOST_ITERATES - 1)
                return _At(
                    v, F, slope, here.vs.at[k].set(v), here.counts.at[k].set(spent), k + 1, spent, t < _SHORTEST_STEP
                )

            def goes_on(here: _At) -> Array:
                return (jnp.abs(here.slope).max() > tolerance) & (here.spent < settings.budget) & ~here.stuck

            start = jnp.append(w, b)
            vs, counts = jnp.tile(start, (_MOST_ITERATES, 1)), jnp.zeros(_MOST_ITERATES, X.dtype)
            begin = _At(start, *at(start), vs, counts, jnp.asarray(1), number(1), jnp.asarray(False))
            end = lax.while_loop(goes_on, step, begin)
            # the answer last: XLA's arrays have a fixed length, so that it stands in all entries that are left
            left = jnp.arange(_MOST_ITERATES) >= end.entries
            vs, counts = jnp.where(left[:, None], end.v, end.vs), jnp.where(left, end.spent, end.counts)
            return Fit(vs[:, :-1], vs[:, -1], counts, jnp.abs(end.slope).max())

        return fit

    summary = "Newton's method under jit: lax.while_loop over the steps, each with a new Hessian"
    return Kernel("jax-newton", gradient.backend, summary, None, build=build, operation="fit")
