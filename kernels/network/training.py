"""Gradient descent of a network on all examples at once, and what is looked at on the way.

Starts: weights with variance 2 / inputs (`he`: He, Zhang, Ren and Sun, arXiv 1502.01852, 2015), the custom with units
max(z, 0); or 2 / (inputs + units) (`glorot`: Glorot and Bengio, AISTATS 2010), the custom with σ. Intercepts are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np

from kernels.contract import Call
from kernels.network.net import Net
from kernels.network.reference import forward

STARTS = ("he", "glorot")


class Training(NamedTuple):
    """One descent."""

    steps: int | None
    """After which the cost was at most the target; None: it never was, within the budget."""
    seconds: float
    """Of these steps, or of all that were made."""
    cost: float
    """The last one; not finite where the descent diverged."""
    norms: list[list[float]]
    """At the start and at the end: |∂J/∂W_l| of each layer, the output's w last."""
    dead: float
    """The share of units max(z, 0) that are 0 for every example, at the end; of σ always 0."""


def start(net: Net, n: int, dtype: np.dtype[Any], initialisation: str, seed: Sequence[int]) -> list[np.ndarray]:
    """W1, b1, ... w, b. initialisation: one of STARTS. seed: numbers that make the generator"""
    rng, parameters = np.random.default_rng(seed), []
    for name, shape in net.shapes(n).items():
        if name[0] not in "Ww":
            parameters.append(np.zeros(shape, dtype))
            continue
        units = shape[1] if len(shape) == 2 else 1
        spread = sqrt(2 / shape[0]) if initialisation == "he" else sqrt(2 / (shape[0] + units))
        parameters.append(np.asarray(spread * rng.standard_normal(shape), dtype))
    return parameters


def train(
    net: Net,
    call: Call,
    X: np.ndarray,
    y: np.ndarray,
    parameters: Sequence[np.ndarray],
    rate: float,
    target: float,
    budget: int,
    now: Callable[[], float],
) -> Training:
    """Descend until the cost is at most the target, it diverges, or the budget of steps is used up.

    call: of a kernel on NumPy arrays; now: a clock, in seconds. Raises ValueError, in one line, for a start or a rate
    from which no descent can go down.
    """
    if not (isfinite(rate) and rate > 0):
        raise ValueError(f"the learning rate is {rate}; expected a finite number above 0")
    for name, parameter in zip(net.shapes(X.shape[1]), parameters, strict=True):
        if not np.isfinite(parameter).all():
            raise ValueError(f"{name} starts with a number that is not finite; expected finite ones")
    current, first, seconds = [np.array(parameter) for parameter in parameters], list[float](), 0.0
    last, cost = list[float](), np.inf
    with np.errstate(over="ignore", invalid="ignore"):  # of a descent that diverges
        for step in range(budget + 1):
            began = now()
            J, *slopes = call(X, y, *(parameter[()] for parameter in current))
            cost, last = float(J), _norms(slopes)
            first = first or last
            if cost <= target or not isfinite(cost) or step == budget:
                break
            current = [
                np.asarray(parameter - parameter.dtype.type(rate) * slope, parameter.dtype)
                for parameter, slope in zip(current, slopes, strict=True)
            ]
            seconds += now() - began
        dead = _dead(net, X, current)
    return Training(step if cost <= target else None, seconds, cost, [first, last], dead)


def _norms(slopes: Sequence[Any]) -> list[float]:
    return [float(np.linalg.norm(slope)) for slope in slopes[::2]]


def _dead(net: Net, X: np.ndarray, parameters: Sequence[np.ndarray]) -> float:
    if net.activation != "relu" or not net.layers:
        return 0.0
    hidden = [np.asarray(part, np.float64) for part in parameters[:-2]]
    layers = forward(net, X.astype(np.float64), list(zip(hidden[::2], hidden[1::2], strict=True)), 0.0, 0.0)[1:]
    return float(np.mean([~(layer.A > 0).any(axis=0) for layer in layers]))
