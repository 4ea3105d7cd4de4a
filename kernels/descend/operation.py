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
from kernels.descend.learning_rate import costs_from, divergence, lipschitz_constant
from kernels.descend.probes import probes
from kernels.gradient import operation as gradient
from kernels.gradient.problem import Problem
from kernels.number_text import decimal_number, whole_number

STEPS = 100
_LARGEST_PATH = 2**24
"""Bytes of a path: with more, results would take longer to bring back and to judge than to compute."""
_STARTS = 3
"""Starts from which a large learning rate is tried, beside w = 0. Each takes as long as a call of `numpy`."""


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
    with which the descent diverges from w = 0 or from one of a few starts.
    """
    of_gradient, steps = gradient.inputs(X, y, {}), static(options)
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
    if rate * L > 2 and (why := _divergence(of_gradient, float(alpha), steps)):
        raise ValueError(f"learning_rate is {rate:g}: {why}; any below 2/L = {2 / L:.3g} is accepted")
    details = {"steps": steps, "learning_rate": rate, "L": L}
    return Inputs({**of_gradient.placed, "alpha": np.asarray(alpha)}, steps, details)


def _divergence(of_gradient: Inputs, alpha: float, steps: int) -> str:
    """How a descent from one of a few starts diverges, in words; empty if none does.

    The starts are the same each time, so that a workload is always refused or never.
    """
    rng, (X, y) = np.random.default_rng(0), of_gradient.placed.values()
    zero = np.zeros(X.shape[1], X.dtype), 0.0
    for start in (zero, *(gradient.fresh(of_gradient, rng) for _ in range(_STARTS))):
        try:
            why = divergence(costs_from(Problem(X, y, *start), alpha, steps))
        except ValueError as error:
            why = str(error)
        if why:
            return f"it diverges, {why}"
    return ""


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
    "steps": Option(STEPS, whole_number, "a whole number, 1 or more", "Steps of a gradient descent", depends=True),
    "learning_rate": Option(
        None,
        decimal_number,
        "a number above 0",
        "The learning rate α of a gradient descent (default: 1/L: no step raises the cost, but for rounding)",
        depends=True,
    ),
}
DESCEND = Operation(
    name="descend",
    summary="gradient descent: steps w ← w − α dw, b ← b − α db, and the cost before the first and after each",
    fields={"X": 0, "y": 0, "alpha": None},
    inputs=inputs,
    fresh=gradient.fresh,
    fresh_many=gradient.fresh_many,
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
        "bytes": "bytes of X, y, w and dw, each counted once for each cost (steps + 1), divided by the time",
        "ceiling": "100% is the longer of reading X and y, and m sigmoids with losses and 2mn multiply-adds, each "
        "steps + 1 times",
        "curve": "cost",
    },
)
