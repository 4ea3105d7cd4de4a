"""jax and jax-gpu: the formulas of numpy_layers.py under jax.jit, layer by layer, on the CPU and on the first GPU."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kernels import backends
from kernels.contract import Array, Call, Kernel
from kernels.network.net import Net


def _product(A: Array, B: Array) -> Array:
    """`highest`: without, a GPU would round to tf32."""
    return jnp.matmul(A, B, precision="highest")


def build(static: Net) -> Call:
    """A call for this shape of network."""
    net = Net(*static)
    relu = net.activation == "relu"

    def gradient(X: Array, y: Array, *parameters: Array) -> tuple[Array, ...]:
        m, (*hidden, w, b) = len(y), parameters
        A = [X]
        for W, bias in zip(hidden[::2], hidden[1::2], strict=True):
            Z = _product(A[-1], W) + bias
            A.append(jnp.maximum(Z, 0) if relu else jax.nn.sigmoid(Z))
        t = 1 - 2 * y
        s = t * (_product(A[-1], w) + b)
        e = jnp.exp(-jnp.abs(s))
        J = jnp.mean(jnp.maximum(s, 0) + jnp.log1p(e))
        dz = t * jnp.where(s >= 0, 1, e) / (1 + e)
        derivatives = [jnp.mean(dz), _product(dz, A[-1]) / m]
        dA = dz[:, None] * w
        for layer in range(net.layers, 0, -1):
            dZ = jnp.where(A[layer] > 0, dA, 0) if relu else dA * (A[layer] * (1 - A[layer]))
            derivatives += [jnp.mean(dZ, axis=0), _product(A[layer - 1].T, dZ) / m]
            if layer > 1:
                dA = _product(dZ, hidden[2 * layer - 2].T)
        return (J, *derivatives[::-1])

    return jax.jit(gradient)


_SUMMARY = "layer by layer under jit, on "
JAX = Kernel("jax", backends.jax("cpu"), _SUMMARY + "the CPU", 2, build=build, operation="network")
JAX_GPU = Kernel("jax-gpu", backends.jax("gpu"), _SUMMARY + "a GPU", 2, build=build, operation="network")
