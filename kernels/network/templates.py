"""What `python -m bench new my_network.py --operation network` writes: a network that passes every check."""

from __future__ import annotations

ATTRIBUTE = "network"
"""The name of what a file defines."""

_NUMPY = '''"""My network: layer by layer in NumPy."""

import numpy as np

from kernels import Kernel, backends


def sigmoid(z):
    """The sign of z decides, so that exp never overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def build(static):
    """The gradient of this shape of network."""
    activation, layers, width = static

    def network(X, y, *parameters):
        """X (m, n), y (m,), W1, b1, ... w, b → cost, and a derivative for each parameter in the same order."""
        *hidden, w, b = parameters
        A = [X]
        for W, bias in zip(hidden[::2], hidden[1::2]):
            Z = A[-1] @ W + bias
            A.append(np.maximum(Z, 0) if activation == "relu" else sigmoid(Z))
        z = A[-1] @ w + b
        cost = np.mean(np.maximum((1 - 2 * y) * z, 0) + np.log1p(np.exp(-np.abs(z))))
        dz = sigmoid(z) - y
        derivatives = [np.mean(dz), dz @ A[-1] / len(y)]
        dA = np.outer(dz, w)
        for layer in range(layers, 0, -1):
            dZ = dA * (A[layer] > 0 if activation == "relu" else A[layer] * (1 - A[layer]))
            derivatives += [dZ.mean(axis=0), A[layer - 1].T @ dZ / len(y)]
            dA = dZ @ hidden[2 * layer - 2].T
        return cost, *derivatives[::-1]

    return network


network = Kernel("my-network", backends.NUMPY, "my network in NumPy", 2, build=build, operation="network")
'''

_NUMBA = '''"""My network: the loops between the products of matrices, compiled by Numba."""

import numba
import numpy as np

from kernels import Kernel, backends


@numba.njit
def units(Z, bias, relu):
    """Replace Z by g(Z + bias)."""
    for i in range(Z.shape[0]):
        for k in range(Z.shape[1]):
            z = Z[i, k] + bias[k]
            if relu:
                Z[i, k] = max(z, 0)
            else:
                e = np.exp(-abs(z))
                Z[i, k] = (1 if z >= 0 else e) / (1 + e)


@numba.njit
def slopes(dA, A, relu):
    """Replace dA by dA g'."""
    for i in range(dA.shape[0]):
        for k in range(dA.shape[1]):
            if relu:
                dA[i, k] = dA[i, k] if A[i, k] > 0 else 0
            else:
                dA[i, k] *= A[i, k] * (1 - A[i, k])


@numba.njit
def output(z, y):
    """The sum of the losses in double, and dz."""
    cost, dz = 0.0, np.empty_like(z)
    for i in range(len(z)):
        e = np.exp(-abs(z[i]))
        cost += max((1 - 2 * y[i]) * z[i], 0) + np.log1p(e)
        dz[i] = (1 if z[i] >= 0 else e) / (1 + e) - y[i]
    return cost, dz


def build(static):
    """The gradient of this shape of network."""
    activation, layers, width = static
    relu = activation == "relu"

    def network(X, y, *parameters):
        """X (m, n), y (m,), W1, b1, ... w, b → cost, and a derivative for each parameter in the same order."""
        m, (*hidden, w, b) = len(y), parameters
        A = [X]
        for W, bias in zip(hidden[::2], hidden[1::2]):
            A.append(A[-1] @ W)
            units(A[-1], bias, relu)
        cost, dz = output(A[-1] @ w + b, y)
        derivatives = [np.mean(dz), dz @ A[-1] / m]
        dA = np.outer(dz, w)
        for layer in range(layers, 0, -1):
            slopes(dA, A[layer], relu)
            derivatives += [dA.mean(axis=0), A[layer - 1].T @ dA / m]
            dA = dA @ hidden[2 * layer - 2].T
        return cost / m, *derivatives[::-1]

    return network


network = Kernel("my-network", backends.NUMPY, "my network with Numba", 2, build=build, operation="network")
'''

_JAX = '''"""My network: the forward pass in JAX, which differentiates it."""

import jax
import jax.numpy as jnp

from kernels import Kernel, backends


def build(static):
    """The gradient of this shape of network."""
    activation, layers, width = static

    def cost(parameters, X, y):
        """J of all parameters, W1, b1, ... w, b."""
        (*hidden, w, b), A = parameters, X
        for W, bias in zip(hidden[::2], hidden[1::2]):
            Z = jnp.matmul(A, W, precision="highest") + bias
            A = jnp.where(Z > 0, Z, 0) if activation == "relu" else jax.nn.sigmoid(Z)
        s = (1 - 2 * y) * (jnp.matmul(A, w, precision="highest") + b)
        # `where`, since JAX takes the slopes of maximum and abs at 0 as ½ and 1
        return jnp.mean(jnp.where(s > 0, s, 0) + jnp.log1p(jnp.exp(jnp.where(s > 0, -s, s))))

    @jax.jit
    def network(X, y, *parameters):
        """X (m, n), y (m,), W1, b1, ... w, b → cost, and a derivative for each parameter in the same order."""
        J, derivatives = jax.value_and_grad(cost)(parameters, X, y)
        return J, *derivatives

    return network


# the backend puts arrays on the device where JAX computes, and waits until a result exists
network = Kernel("my-network", backends.jax("cpu"), "my network in JAX", 2, build=build, operation="network")
'''

STYLES = {"numpy": _NUMPY, "numba": _NUMBA, "jax": _JAX}
"""Style → the text of a file."""
