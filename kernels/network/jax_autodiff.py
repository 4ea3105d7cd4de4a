"""jax-autodiff and jax-autodiff-gpu: only the forward pass is written, and JAX differentiates the cost.

J = mean softplus((1 − 2y)(A_L w + b)),   A_l = g(A_l−1 W_l + b_l),   by reverse-mode differentiation
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from kernels import backends
from kernels.contract import Array, Call, Kernel
from kernels.network.net import Net


def _cost(relu: bool, parameters: tuple[Array, ...], X: Array, y: Array) -> Array:
    """J, with `where` instead of maximum and abs: JAX takes the slopes of those two at 0 as ½ and 1."""
    (*hidden, w, b), A = parameters, X
    for W, bias in zip(hidden[::2], hidden[1::2], strict=True):
        Z = jnp.matmul(A, W, precision="highest") + bias
        A = jnp.where(Z > 0, Z, 0) if relu else jax.nn.sigmoid(Z)
    s = (1 - 2 * y) * (jnp.matmul(A, w, precision="highest") + b)
    return jnp.mean(jnp.where(s > 0, s, 0) + jnp.log1p(jnp.exp(jnp.where(s > 0, -s, s))))


def build(static: Net) -> Call:
    """A call for this shape of network: value_and_grad of J with respect to all parameters."""
    value_and_grad = jax.value_and_grad(partial(_cost, Net(*static).activation == "relu"))

    def gradient(X: Array, y: Array, *parameters: Array) -> tuple[Array, ...]:
        J, derivatives = value_and_grad(parameters, X, y)
        return (J, *derivatives)

    return jax.jit(gradient)


_SUMMARY = "jit of the cost's own derivative, on "
JAX_AUTODIFF = Kernel("jax-autodiff", backends.jax("cpu"), _SUMMARY + "the CPU", 2, build=build, operation="network")
JAX_AUTODIFF_GPU = Kernel(
    "jax-autodiff-gpu", backends.jax("gpu"), _SUMMARY + "a GPU", 2, build=build, operation="network"
)
