"""The checks: a kernel is timed only if its results are right, at the workload's own shape.

    data           the workload's own examples, within the reference's a-priori bound
    rows           dz_i = ±½ and sums that nearly cancel: a row dropped or counted twice changes each sum by 1/(2m)
    one-example    σ is 0 or 1, and only the last example is labelled wrong: a sum of one term reveals a wrong 1/m
    some-examples  the same with a thousand wrong ones at random positions: reveals a block that the cost omits
    few-examples   sixteen examples have scores of order 1: a short sum reveals a formula with too few digits
    coherent       every example adds the same to dw, so that rounding errors cannot average out
    timed          the result of a timed call; the kernel cannot know which call is checked
    unseen         the workload's own examples with new parameters, after the last timed round
    at-once        the result exists when the call returns, and not later
    placed         placing parameters takes no longer than before any data was placed

docs/gate.md explains each check, and why the bound alone would not suffice. The kernel computes in its worker and is
checked here, in a process that it cannot reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels import Gradient
from kernels.reference import Reference, unit_roundoff


@dataclass(frozen=True)
class CheckResult:
    """The result of one check of one kernel."""

    check: str
    max_ulps: float
    """The largest error / (u · mean of the sum's own terms)."""
    bound_fraction: float
    """The largest error / the bound on the error of a correct kernel."""
    failure: str = ""
    """What is wrong, in one line; empty if the check passed."""


_ALONE_FACTOR, _CALL_SHARE = 2.0, 0.25
"""An untimed step may take twice as long as without anything to compute, plus a quarter of a call. Noise changes the
minimum over many rounds far less, and a kernel that does more of its work there is detected."""


def check_untimed_work(check: str, step: str, seconds: float, alone: float, call: float) -> CheckResult:
    """Whether a kernel computes in an untimed step.

    seconds: of the step, the minimum over all rounds; alone: of the step without anything to compute; call: of a call
    """
    allowed = _ALONE_FACTOR * alone + _CALL_SHARE * call
    if seconds <= allowed:
        return CheckResult(check, 0.0, seconds / allowed)
    failure = f"{check}: {step} took {seconds:.2g} s, but {alone:.2g} s without anything to compute"
    return CheckResult(check, np.inf, np.inf, failure)


def judge(check: str, expected: Reference, dtype: np.dtype[Any], result: list[np.ndarray] | str) -> CheckResult:
    """Compare a kernel's result with the reference. A text as result says what is wrong with its form."""
    if isinstance(result, str):
        return CheckResult(check, np.inf, np.inf, f"{check}: {result}")
    if [np.shape(part) for part in result] != [np.shape(part) for part in expected.value]:
        return CheckResult(check, np.inf, np.inf, f"{check}: the result does not have the shapes of a gradient")
    for name, part in zip(Gradient._fields, result, strict=True):
        if not np.isfinite(part).all():
            index = int(np.argmin(np.isfinite(part)))
            failure = f"{check}: {_component(name, index, part)} is {part.flat[index]}"
            return CheckResult(check, np.inf, np.inf, failure)
    return _compare(check, expected, dtype, Gradient(*result))


def _compare(check: str, expected: Reference, dtype: np.dtype[Any], result: Gradient) -> CheckResult:
    u, t = unit_roundoff(dtype), float(np.finfo(dtype).smallest_normal)
    fractions, ulps = [], []
    for error, bound, scale in zip(expected.error(result), expected.bound, expected.scale, strict=True):
        fractions.append(error / bound)
        ulps.append(error / np.maximum(u * scale, t))  # below t, ulps are not defined
    worst = max(range(len(result)), key=lambda part: float(np.max(fractions[part])))
    bound_fraction, max_ulps = float(np.max(fractions[worst])), max(float(np.max(part)) for part in ulps)
    if bound_fraction <= 1:
        return CheckResult(check, max_ulps, bound_fraction)
    index = int(np.argmax(fractions[worst]))
    component = _component(Gradient._fields[worst], index, result[worst])
    value, right = np.ravel(result[worst])[index], np.ravel(expected.value[worst])[index]
    failure = f"{check}: {component} is {value:.9g}, not {right:.9g} ({bound_fraction:.2g}× the bound)"
    return CheckResult(check, max_ulps, bound_fraction, failure)


def _component(name: str, index: int, array: np.ndarray) -> str:
    return f"{name}[{index}]" if np.ndim(array) else name
