"""jax-autodiff and jax-autodiff-gpu: only the cost is written, and JAX differentiates it.

J(w, b) = mean softplus((1 − 2y)(Xw + b)),   dw = ∂J/∂w and db = ∂J/∂b by reverse-mode differentiation
"""

import jax
import jax.numpy as jnp

from kernels import backends
from kernels.contract import Array, Kernel
from kernels.gradient.problem import Gradient


def cost(w: Array, b: Array, X: Array, y: Array) -> Array:
    """J(w, b), with `where` instead of maximum and abs.

    JAX takes the slopes of those two at s = 0 as ½ and 1, which would make softplus'(0) = 0 instead of ½.
    """
    s = (1 - 2 * y) * (jnp.matmul(X, w, precision="highest") + b)
    losses = jnp.where(s > 0, s, 0) + jnp.log1p(jnp.exp(jnp.where(s > 0, -s, s)))
    return jnp.mean(losses)


@jax.jit
def gradient(X: Array, y: Array, w: Array, b: Array) -> Gradient:
    """value_and_grad of J with respect to w and b."""
    J, (dw, db) = jax.value_and_grad(cost, argnums=(0, 1))(w, b, X, y)
    return Gradient(J, dw, db)


JAX_AUTODIFF = Kernel(
    "jax-autodiff", backends.jax("cpu"), "jit of the cost's own derivative, on the CPU", 2, gradient
)
JAX_AUTODIFF_GPU = Kernel(
    "jax-autodiff-gpu", backends.jax("gpu"), "jit of the cost's own derivative, on a GPU", 2, gradient
)
