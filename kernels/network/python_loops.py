"""loops: a network as lecture notes draw it, unit by unit, in for-loops over Python lists.

for each example i, forward, and for each layer, for each unit k:   z_k = b_k + Σ_j a_j w_jk,   a_k = g(z_k)
the output as in logistic regression:   z, ŷ = σ(z), the loss, dz = ŷ − y
backward, and for each unit j of a layer:   da_j = Σ_k w_jk dz_k,   dz_j = da_j g'(z_j)
for each of its inputs:   dw += dz_j · input
divide everything by m
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log1p

from kernels.backends import PYTHON
from kernels.contract import Array, Call, Kernel
from kernels.network.net import Net

_Unit = Callable[[float], tuple[float, float]]


def _relu(z: float) -> tuple[float, float]:
    """g(z) and its slope, which is 0 at z = 0."""
    return (z, 1.0) if z > 0 else (0.0, 0.0)


def _sigmoid(z: float) -> tuple[float, float]:
    e = exp(-abs(z))
    a = (1.0 if z >= 0 else e) / (1.0 + e)
    return a, e / (1.0 + e) ** 2


UNITS: dict[str, _Unit] = {"relu": _relu, "sigmoid": _sigmoid}


def _layer(inputs: list[float], W: Array, b: Array, unit: _Unit) -> tuple[list[float], list[float]]:
    """The outputs of a layer's units, and their slopes."""
    outputs, slopes = [], []
    for k in range(len(b)):
        z = b[k]
        for j in range(len(inputs)):
            z += inputs[j] * W[j][k]
        a, slope = unit(z)
        outputs.append(a)
        slopes.append(slope)
    return outputs, slopes


def _output(inputs: list[float], w: Array, b: float, y: float) -> tuple[float, float]:
    """The loss and dz of logistic regression. The loss is split by the sign of z, so that exp never overflows."""
    z = b
    for j in range(len(inputs)):
        z += inputs[j] * w[j]
    e = exp(-abs(z))
    a = (1.0 if z >= 0 else e) / (1.0 + e)
    return max((1.0 - 2.0 * y) * z, 0.0) + log1p(e), a - y


def build(static: Net) -> Call:
    """A call for this shape of network."""
    net = Net(*static)
    unit = UNITS[net.activation]

    def gradient(X: Array, y: Array, *parameters: Array) -> tuple[Array, ...]:
        m, (*hidden, w, b) = len(X), parameters
        W, biases = hidden[::2], hidden[1::2]
        dW = [[[0.0] * len(row) for row in matrix] for matrix in W]
        d_biases = [[0.0] * len(bias) for bias in biases]
        J, dw, db = 0.0, [0.0] * len(w), 0.0
        for i in range(m):
            outputs, slopes = [X[i]], []
            for layer in range(net.layers):
                a, slope = _layer(outputs[-1], W[layer], biases[layer], unit)
                outputs.append(a)
                slopes.append(slope)
            loss, dz = _output(outputs[-1], w, b, y[i])
            J += loss
            for j in range(len(w)):
                dw[j] += dz * outputs[-1][j]
            db += dz
            da = [dz * w[j] for j in range(len(w))]
            for layer in range(net.layers)[::-1]:
                inputs = outputs[layer]
                dzs = [da[k] * slopes[layer][k] for k in range(len(da))]
                for k in range(len(dzs)):
                    d_biases[layer][k] += dzs[k]
                for j in range(len(inputs)):
                    for k in range(len(dzs)):
                        dW[layer][j][k] += inputs[j] * dzs[k]
                if layer:
                    da = [sum(W[layer][j][k] * dzs[k] for k in range(len(dzs))) for j in range(len(inputs))]
        result: list[Array] = [J / m]
        for layer in range(net.layers):
            result += [[[d / m for d in row] for row in dW[layer]], [d / m for d in d_biases[layer]]]
        return (*result, [d / m for d in dw], db / m)

    return gradient


LOOPS = Kernel("loops", PYTHON, "for-loops over examples, layers and units", 1, build=build, operation="network")
