"""jax and jax-gpu: the vectorised formulas under jax.jit, on the CPU and on the first GPU.

XLA fuses everything between the two products. X is still read twice.
"""

import jax
import jax.numpy as jnp

from kernels import backends
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient


@jax.jit
def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """With t = 1 − 2y and s = t z:  L = softplus(s),  dz = t σ(s). `highest`: without, a GPU would round to tf32."""
    t = 1 - 2 * y
    s = t * (jnp.matmul(X, w, precision="highest") + b)
    e = jnp.exp(-jnp.abs(s))
    J = jnp.mean(jnp.maximum(s, 0) + jnp.log1p(e))
    dz = t * jnp.where(s >= 0, 1, e) / (1 + e)
    # dzᵀX, not Xᵀdz: for the latter, XLA's CPU compiler first transposes X in memory
    return Gradient(J, jnp.matmul(dz, X, precision="highest") / len(y), jnp.mean(dz))


JAX = Kernel("jax", backends.jax("cpu"), "the vectorised formulas under jit, on the CPU", 2, gradient)
JAX_GPU = Kernel("jax-gpu", backends.jax("gpu"), "the vectorised formulas under jit, on a GPU", 2, gradient)
