"""jax-compiled: the whole descent as one program that XLA compiles, for a fixed number of steps.

lax.scan carries w and b from step to step and stacks the path, so that Python makes one call instead of one a step.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from kernels.contract import Array, Call, Kernel
from kernels.descend.path import Path


def compiled(gradient: Kernel) -> Kernel:
    """The descent around this gradient kernel of JAX."""

    def build(steps: int) -> Call:
        compute = gradient.built(None)

        @jax.jit
        def descend(X: Array, y: Array, alpha: Array, w: Array, b: Array) -> Path:
            def step(at: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], tuple[Array, Array, Array]]:
                w, b = at
                J, dw, db = compute(X, y, w, b)
                return (w - alpha * dw, b - alpha * db), (J, w, b)

            (w, b), (costs, ws, bs) = lax.scan(step, (w, b), length=steps)
            J = compute(X, y, w, b)[0]
            return Path(jnp.append(costs, J), jnp.vstack([ws, w]), jnp.append(bs, b))

        return descend

    summary = "the whole descent under jit: lax.scan over the steps"
    return Kernel("jax-compiled", gradient.backend, summary, gradient.passes, build=build, operation="descend")
