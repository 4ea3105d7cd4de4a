"""Gradient descent as an operation: X, y and the learning rate are placed once, the start is new with every call.

descend(X, y, α, w_0, b_0) → (costs, ws, bs)   with   w_t+1 = w_t − α ∂J/∂w,   b_t+1 = b_t − α ∂J/∂b
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from kernels.contract import Inputs, Operation, Option, Part, Size, Work
from kernels.descend.judge import judge
from kernels.descend.learning_rate import costs_from_zero, divergence, lipschitz_constant
from kernels.descend.probes import probes
from kernels.gradient import operation as gradient

STEPS = 100
_LARGEST_PATH = 2**24
"""Bytes of a path: with more, results would take longer to bring back and to judge than to compute."""


def static(options: Mapping[str, Any]) -> int:
    """The number of steps. Raises ValueError for options that make no descent."""
    steps, rate = options["steps"], options["learning_rate"]
    if not steps >= 1:
        raise ValueError(f"steps is {steps}; expected {_OPTIONS['steps'].expected}")
    if rate is not None and not (isfinite(rate) and rate > 0):
        raise ValueError(f"learning_rate is {rate:g}; expected {_OPTIONS['learning_rate'].expected}")
    return int(steps)


def inputs(X: np.ndarray, y: np.ndarray, options: Mapping[str, Any]) -> Inputs:
    """X (m, n), y (m,) and α as they are placed.

    Raises ValueError for data outside the domain of a gradient, for a path that is too large, and for a learning rate
    with which the descent diverges.
    """
    placed, steps = gradient.inputs(X, y, {}).placed, static(options)
    largest = _LARGEST_PATH // ((X.shape[1] + 2) * X.itemsize) - 1
    if steps > largest:
        raise ValueError(f"steps is {steps}; expected at most {largest} with {X.shape[1]} features")
    L, chosen = lipschitz_constant(X), options["learning_rate"]
    rate = chosen or 1 / L
    with np.errstate(over="ignore"):  # infinity is refused below
        alpha = X.dtype.type(rate)
    if not (np.isfinite(alpha) and alpha >= np.finfo(X.dtype).smallest_normal):
        what, remedy = ("learning_rate", "choose one in it") if chosen else ("1/L", "scale the features")
        raise ValueError(f"{what} is {rate:.3g}, outside the range of {X.dtype}; {remedy}")
    if rate * L > 2 and (why := divergence(costs_from_zero(X, placed["y"], float(alpha), steps))):
        raise ValueError(f"learning_rate is {rate:g}: it diverges, {why}; expected at most 1/L = {1 / L:.3g}")
    details = {"steps": steps, "learning_rate": rate, "L": L}
    return Inputs({**placed, "alpha": np.asarray(alpha)}, steps, details)


def _result(inputs: Inputs) -> Mapping[str, Part]:
    entries, n = inputs.static + 1, inputs.placed["X"].shape[1]
    return {
        "costs": Part((entries,), by_step=True),
        "ws": Part((entries, n), by_step=True),
        "bs": Part((entries,), by_step=True),
    }


def work(size: Size, steps: int) -> Work:
    """A gradient for each step, and one more for the last cost."""
    once = gradient.work(size)
    return Work((steps + 1) * once.bytes, {name: (steps + 1) * amount for name, amount in once.ceilings.items()})


_OPTIONS = {
    "steps": Option(STEPS, int, "a whole number, 1 or more", "Steps of a gradient descent", depends=True),
    "learning_rate": Option(
        None,
        float,
        "a number above 0",
        "The learning rate α of a gradient descent (default: 1/L, with which the cost never rises)",
        depends=True,
    ),
}
DESCEND = Operation(
    name="descend",
    summary="gradient descent: so many steps of w − α dw, b − α db, with the cost after each",
    fields={"X": 0, "y": 0, "alpha": None},
    inputs=inputs,
    fresh=gradient.fresh,
    result=_result,
    judge=judge,
    probes=probes,
    work=work,
    static=static,
    options=_OPTIONS,
    baselines=("loops", "loops-examples", "numpy"),
    nominal_seconds=lambda kernel, size, steps: (steps + 1) * gradient.nominal_seconds(kernel, size),
    preparation_seconds=lambda size, _steps: gradient.preparation_seconds(size),
    figures={
        "ulps": "largest error of a single step, of the cost, w or b, divided by u · the mean |term| of its sums; "
        "u is 2⁻⁵³, or 2⁻²⁴ in float32"
    },
    texts={
        "bytes": "bytes of X, y, w and dw, each counted once a step, divided by the time",
        "ceiling": "100% is the longest of reading X and y once a step, m sigmoids with losses, 2mn multiply-adds",
        "curve": "cost",
    },
)
