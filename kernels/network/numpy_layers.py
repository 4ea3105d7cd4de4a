"""numpy: layer by layer, each a product of two matrices for all examples.

    forward     Z_l = A_l−1 W_l + b_l,   A_l = g(Z_l),   z = A_L w + b
    output      J = mean softplus((1 − 2y) z),   dz = σ(z) − y
    backward    dw = A_Lᵀ dz / m,   db = mean(dz),   dZ_L = dz wᵀ ∘ g'(Z_L)
                dW_l = A_l−1ᵀ dZ_l / m,   db_l = mean of dZ_l's rows,   dZ_l−1 = dZ_l W_lᵀ ∘ g'(Z_l−1)

g' needs A_l alone: for max(z, 0) it is 1 where A_l > 0, for σ it is A_l (1 − A_l).
"""

from __future__ import annotations

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import Array, Call, Kernel
from kernels.network.net import Net


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def build(static: Net) -> Call:
    """A call for this shape of network."""
    net = Net(*static)
    relu = net.activation == "relu"

    def gradient(X: Array, y: Array, *parameters: Array) -> tuple[Array, ...]:
        m, (*hidden, w, b) = len(y), parameters
        ones = np.ones_like(y)
        A = [X]
        for W, bias in zip(hidden[::2], hidden[1::2], strict=True):
            Z = A[-1] @ W + bias
            A.append(np.maximum(Z, 0) if relu else _sigmoid(Z))
        z = A[-1] @ w + b
        e = np.exp(-np.abs(z))
        J = np.mean(np.maximum((1 - 2 * y) * z, 0) + np.log1p(e))
        dz = np.where(z >= 0, 1, e) / (1 + e) - y
        derivatives = [np.mean(dz), A[-1].T @ dz / m]
        dA = dz[:, np.newaxis] * w
        for layer in range(net.layers, 0, -1):
            dZ = np.where(A[layer] > 0, dA, 0) if relu else dA * (A[layer] * (1 - A[layer]))
            # ones @ dZ: a mean over axis 0 adds row after row, which is slower, and drifts in float32
            derivatives += [ones @ dZ / m, A[layer - 1].T @ dZ / m]
            if layer > 1:
                dA = dZ @ hidden[2 * layer - 2].T
        return (J, *derivatives[::-1])

    return gradient


NUMPY_LAYERS = Kernel(
    "numpy", NUMPY, "layer by layer, each a product of matrices", 2, build=build, operation="network"
)
