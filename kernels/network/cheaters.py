"""Networks that cheat, each in one way, and the check that must catch each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import Kernel
from kernels.network.net import Net
from kernels.network.numpy_layers import build as build_correct
from kernels.network.reference import sigmoid

_CALLS_BEFORE_TIMING = 5
"""Compiling, the first call, `data` and two probes."""
_TF32_BITS = 13
"""Of a float32's fraction, those that tf32 lacks."""


def _cheater(gradient: Callable[..., Any]) -> Kernel:
    """The kernel of a function whose first argument is the network's shape."""
    summary = (gradient.__doc__ or "").strip()
    return Kernel(
        gradient.__name__,
        NUMPY,
        summary,
        None,
        build=lambda static: partial(gradient, Net(*static)),
        operation="network",
    )


def _correct(net: Net, *arguments: Any) -> list[Any]:
    return list(build_correct(net)(*arguments))


def _by_slope(net: Net, X: Any, y: Any, parameters: Sequence[Any], slope: Callable[[Any, Any], Any]) -> list[Any]:
    """The right formulas, with another slope of a unit: of (z, a)."""
    *hidden, w, b = parameters
    A, Z = [X], [X]
    for W, bias in zip(hidden[::2], hidden[1::2], strict=True):
        Z.append(A[-1] @ W + bias)
        A.append(np.maximum(Z[-1], 0) if net.activation == "relu" else sigmoid(Z[-1]).astype(X.dtype))
    result = _correct(net, X, y, *parameters)
    dZ = (sigmoid(A[-1] @ w + b).astype(X.dtype) - y)[:, np.newaxis]
    W_after = w[:, np.newaxis]
    for layer in range(net.layers, 0, -1):
        dZ = (dZ @ W_after.T) * slope(Z[layer], A[layer])
        result[2 * layer - 1 : 2 * layer + 1] = A[layer - 1].T @ dZ / len(y), dZ.mean(axis=0)
        W_after = hidden[2 * layer - 2]
    return result


@_cheater
def forgotten_bias(net: Net, X: Any, y: Any, *parameters: Any) -> list[Any]:
    """Leaves out the intercepts of the last layer."""
    changed = list(parameters)
    changed[-3] = np.zeros_like(changed[-3])
    return _correct(net, X, y, *changed)


@_cheater
def slope_below_zero(net: Net, X: Any, y: Any, *parameters: Any) -> list[Any]:
    """Takes the slope of max(z, 0) as 1 everywhere."""
    return _by_slope(net, X, y, parameters, lambda z, _a: np.ones_like(z))


@_cheater
def half_slope_near_zero(net: Net, X: Any, y: Any, *parameters: Any) -> list[Any]:
    """Takes the slope of max(z, 0) as ½ where |z| is below 10⁻³."""
    return _by_slope(net, X, y, parameters, lambda z, _a: np.where(abs(z) < 1e-3, 0.5, z > 0).astype(z.dtype))


@_cheater
def slope_of_the_score(net: Net, X: Any, y: Any, *parameters: Any) -> list[Any]:
    """Takes the slope of σ as a quarter, its largest."""
    return _by_slope(net, X, y, parameters, lambda z, _a: np.full_like(z, 0.25))


@_cheater
def last_layer_only(net: Net, *arguments: Any) -> list[Any]:
    """Has the derivatives of the output, and zeros before it."""
    result = _correct(net, *arguments)
    return [result[0], *(np.zeros_like(part) for part in result[1:-2]), *result[-2:]]


@_cheater
def intercepts_of_another_layer(net: Net, *arguments: Any) -> list[Any]:
    """Returns the last layer's intercepts' derivatives for the first layer as well."""
    result = _correct(net, *arguments)
    result[2] = result[-3]
    return result


def _in_tf32(array: Any) -> Any:
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    kept = (bits + np.uint32(1 << (_TF32_BITS - 1))) & np.uint32(~((1 << _TF32_BITS) - 1) & 0xFFFFFFFF)
    return kept.view(np.float32)


@_cheater
def tf32(net: Net, X: Any, y: Any, *parameters: Any) -> list[Any]:
    """Rounds X and the weights to the ten digits of tf32 before it multiplies."""
    rounded = [_in_tf32(parameter) if np.ndim(parameter) == 2 else parameter for parameter in parameters]
    return _correct(net, _in_tf32(X), y, *rounded)


@_cheater
def float32_inside(net: Net, X: Any, y: Any, *parameters: Any) -> list[Any]:
    """Computes in float32 and returns float64."""
    single = [np.asarray(part, np.float32) for part in (X, y, *parameters)]
    return [np.asarray(part, X.dtype) for part in _correct(net, *single)]


@_cheater
def first_half(net: Net, X: Any, y: Any, *parameters: Any) -> list[Any]:
    """Takes the mean over the first half of the examples."""
    return _correct(net, X[: len(y) // 2], y[: len(y) // 2], *parameters)


@_cheater
def dropped_last_row(net: Net, X: Any, y: Any, *parameters: Any) -> list[Any]:
    """Leaves out one example."""
    result = _correct(net, X[:-1], y[:-1], *parameters)
    return [part * ((len(y) - 1) / len(y)) if np.ndim(part) else X.dtype.type(part) for part in result]


_calls: list[int] = []


@_cheater
def first_calls_only(net: Net, *arguments: Any) -> list[Any]:
    """Is right until it is timed, and then returns what it returned before."""
    _calls.append(1)
    if len(_calls) <= _CALLS_BEFORE_TIMING:
        _kept[:] = _correct(net, *arguments)
    return list(_kept)


_kept: list[Any] = []

CHEATERS = {
    "forgotten_bias": ("network:lecture-2x8-relu", "data: "),
    "slope_below_zero": ("network:lecture-2x8-relu", "data: "),
    "half_slope_near_zero": ("network:10000x8-f32-2x64-relu", "data: "),
    "slope_of_the_score": ("network:lecture-1x8-sigmoid", "data: "),
    "last_layer_only": ("network:lecture-2x8-relu", "data: "),
    "intercepts_of_another_layer": ("network:lecture-2x8-relu", "data: "),
    "tf32": ("network:10000x8-f32-4x64-relu", "data: "),
    "float32_inside": ("network:lecture-4x8-sigmoid", "data: "),
    "first_half": ("network:lecture-2x8-relu", "data: "),
    "dropped_last_row": ("network:10000x8-f32-2x8-relu", "data: "),
    "first_calls_only": ("network:lecture-2x8-relu", "timed: "),
}
"""Name → a workload on which it is wrong but hard to catch, and how the reason begins with which it is rejected."""
