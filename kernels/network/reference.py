"""The reference: cost and derivatives of a network in double, and a bound for a kernel's error, example by example.

The bound follows the computation. With u the unit roundoff of the problem's dtype, t its smallest normal number, k
the inputs of a layer, and E_l ≥ |ΔA_l|, F_l ≥ |ΔdZ_l| the errors of a correct kernel (E_0 = 0):

    scores      |ΔZ_l| ≤ δ_l = (k + 2) u ((|A_l−1| + E_l−1)|W_l| + |b_l|) + E_l−1 |W_l| + flushed
    units       max(z, 0): E_l = δ_l, and 0 where z + δ_l ≤ 0
                σ: E_l = min(1, a (1 − a)(e^δ_l − 1)) + c u a + t,   c = 8 as in kernels/gradient/reference.py
    output      ε and λ, the errors of dz and of the loss, from δ as in logistic regression (there)
    slopes      max(z, 0): an error of 1 where |z| ≤ δ_l, and none elsewhere
                σ: |1 − 2a| E_l + E_l² + 3u (a (1 − a) + E_l) + t
    backward    F_l from the errors of dA_l and of the slope;
                |ΔdA_l−1| ≤ F_l |W_l|ᵀ + (k + 2) u (|dZ_l| + F_l)|W_l|ᵀ + t
    sums        |ΔdW_l| ≤ (1/m) Σ_i (1 + s)[(|a| + E) F + E |dZ|] + s |a||dZ| + flushed,   s as for a gradient on data

It is no worst case of all networks, which would grow by a factor for each layer: it is of these weights, and slopes
of σ make it smaller. In float64 it is doubled, since the reference is in double as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kernels.gradient.reference import FUNCTION_ROUNDINGS, blocks, in_double, summed_roundings, unit_roundoff
from kernels.network.net import Net

_BLOCK_NUMBERS = 2**17
"""Of a layer's values in a block of examples: 1 MB."""
_LARGEST_GROWTH = 700.0  # e^700 is finite, and far above where a minimum with 1 is reached


class Reference(NamedTuple):
    """The result of a network in double, the bound of its error, and the scale of its terms; part by part."""

    value: list[np.ndarray]
    bound: list[np.ndarray]
    scale: list[np.ndarray]
    """mean_i of the absolute terms of each sum. An error in ulps is relative to it."""


class Layer(NamedTuple):
    """A layer's values in a block of examples, and the bounds of their errors."""

    Z: np.ndarray
    Z_error: np.ndarray
    A: np.ndarray
    A_error: np.ndarray


def sigmoid(z: np.ndarray) -> np.ndarray:
    """σ(z), split by the sign of z."""
    e = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1, e) / (1 + e))


def score_error(A: np.ndarray, A_error: np.ndarray, W: np.ndarray, b: Any, u: float, t: float) -> np.ndarray:
    """δ of the scores A W + b. W: (k, units), or (k,)"""
    k, absW = len(W), np.abs(W)
    error = (k + 2) * u * ((np.abs(A) + A_error) @ absW + np.abs(b)) + A_error @ absW
    flushed = absW.sum(axis=0) + np.abs(A).sum(axis=-1).reshape(-1, *[1] * (error.ndim - 1)) + k + 1
    return np.asarray(error + t * flushed)


def unit_values(net: Net, Z: np.ndarray, Z_error: np.ndarray, u: float, t: float) -> tuple[np.ndarray, np.ndarray]:
    """g(Z), and the bound of its error."""
    if net.activation == "relu":
        return np.maximum(Z, 0), np.where(Z + Z_error > 0, Z_error, 0)
    A = sigmoid(Z)
    moved = np.minimum(1, A * (1 - A) * np.expm1(np.minimum(Z_error, _LARGEST_GROWTH)))
    return A, moved + FUNCTION_ROUNDINGS * u * A + t


def unit_slopes(net: Net, layer: Layer, u: float, t: float) -> tuple[np.ndarray, np.ndarray]:
    """g'(Z), and the bound of its error."""
    if net.activation == "relu":
        return (layer.Z > 0).astype(np.float64), (np.abs(layer.Z) <= layer.Z_error).astype(np.float64)
    slopes, E = layer.A * (1 - layer.A), layer.A_error
    return slopes, np.abs(1 - 2 * layer.A) * E + E * E + 3 * u * (slopes + E) + t


def output_errors(
    z: np.ndarray, z_error: np.ndarray, y: np.ndarray, losses: np.ndarray, dz: np.ndarray, u: float, t: float
) -> tuple[np.ndarray, np.ndarray]:
    """ε and λ: the bounds of the errors of dz and of the losses (kernels/gradient/reference.py)."""
    absdz, growth = np.abs(dz), np.expm1(np.minimum(z_error, _LARGEST_GROWTH))
    a = np.where(y == 1, 1 - absdz, absdz)
    epsilon = np.minimum(1, absdz * (1 - absdz) * growth) + t
    epsilon += FUNCTION_ROUNDINGS * u * np.minimum(2, (a + absdz) * (1 + growth))
    lambda_ = np.minimum(1, absdz * (1 + growth)) * z_error + t
    return epsilon, lambda_ + FUNCTION_ROUNDINGS * u * (losses + np.abs(z))


def compute(net: Net, X: np.ndarray, y: np.ndarray, parameters: Sequence[np.ndarray], distinct: int = 1) -> Reference:
    """The reference of a network with these parameters. Memory: that of the parameters, and of a few blocks.

    distinct: how many of the examples differ, for data whose rounding errors are independent; 1: any data
    """
    m, wide = len(X), [np.asarray(parameter, np.float64) for parameter in parameters]
    u, t = unit_roundoff(X.dtype), float(np.finfo(X.dtype).smallest_normal)
    summed = (summed_roundings(m, distinct, X.dtype) + 4) * u
    totals = [[np.zeros(part.shape) for part in (np.zeros(()), *wide)] for _ in range(3)]
    rows = max(1, _BLOCK_NUMBERS // max(X.shape[1], net.width))
    for block, labels in blocks(X, y, rows):
        for total, parts in zip(totals, _of_block(net, block, labels, wide, summed, u, t), strict=True):
            for sums, part in zip(total, parts, strict=True):
                sums += part
    factor = 2 if X.dtype == np.float64 else 1
    value, bound, scale = ([sums / m for sums in total] for total in totals)
    return Reference(value, [factor * (part + 4 * t) for part in bound], scale)


def forward(
    net: Net, X: np.ndarray, hidden: Sequence[tuple[np.ndarray, np.ndarray]], u: float, t: float
) -> list[Layer]:
    """The values of all layers; the first are the features."""
    nothing = np.zeros_like(X)
    layers = [Layer(X, nothing, X, nothing)]
    for W, b in hidden:
        before = layers[-1]
        Z, error = before.A @ W + b, score_error(before.A, before.A_error, W, b, u, t)
        layers.append(Layer(Z, error, *unit_values(net, Z, error, u, t)))
    return layers


def _of_block(
    net: Net, X: np.ndarray, y: np.ndarray, parameters: Sequence[np.ndarray], summed: float, u: float, t: float
) -> tuple[list[Any], list[Any], list[Any]]:
    """The sums over a block: of the values, of the bounds and of the absolute terms; part by part."""
    *pairs, w, b = parameters
    hidden = list(zip(pairs[::2], pairs[1::2], strict=True))
    layers = forward(net, X, hidden, u, t)
    last = layers[-1]
    z, losses, dz = (part.hi for part in in_double(last.A, y, w, b))
    epsilon, lambda_ = output_errors(z, score_error(last.A, last.A_error, w, b, u, t), y, losses, dz, u, t)
    parts = [_bias_sums(dz, epsilon, summed), _weight_sums(last, dz, epsilon, summed, t)]
    G, G_error = np.outer(dz, w), np.outer(epsilon, np.abs(w))
    G_error += u * (np.abs(G) + G_error) + t
    for number in range(net.layers, 0, -1):
        layer, (W, _) = layers[number], hidden[number - 1]
        slopes, slope_errors = unit_slopes(net, layer, u, t)
        D = G * slopes
        D_error = G_error * slopes + (np.abs(G) + G_error) * slope_errors + 2 * u * np.abs(D) + t
        parts += [_bias_sums(D, D_error, summed), _weight_sums(layers[number - 1], D, D_error, summed, t)]
        if number > 1:
            k, absW = W.shape[1], np.abs(W).T
            G = D @ W.T
            G_error = D_error @ absW + (k + 2) * u * ((np.abs(D) + D_error) @ absW) + t * (k + absW.sum(axis=0))
    cost = losses.sum(), ((1 + summed) * lambda_ + summed * losses).sum(), losses.sum()
    value, bound, scale = zip(cost, *parts[::-1], strict=True)
    return list(value), list(bound), list(scale)


def _bias_sums(D: np.ndarray, D_error: np.ndarray, summed: float) -> tuple[Any, Any, Any]:
    absD = np.abs(D)
    return D.sum(axis=0), ((1 + summed) * D_error + summed * absD).sum(axis=0), absD.sum(axis=0)


def _weight_sums(inputs: Layer, D: np.ndarray, D_error: np.ndarray, summed: float, t: float) -> tuple[Any, Any, Any]:
    """Of Aᵀ D. D: (rows, units), or (rows,)"""
    absA, absD = np.abs(inputs.A), np.abs(D)
    scale = absA.T @ absD
    bound = (1 + summed) * ((absA + inputs.A_error).T @ D_error + inputs.A_error.T @ absD) + summed * scale
    flushed = absA.sum(axis=0).reshape(-1, *[1] * (D.ndim - 1))
    return inputs.A.T @ D, bound + t * flushed, scale
