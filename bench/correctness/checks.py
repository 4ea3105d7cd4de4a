"""The gate: does a kernel compute the right thing? It is timed only if it does, at the workload's own shape.

    data           the workload's own examples, within the reference's a-priori bound
    rows           dz_i = ±½ and sums that nearly cancel: a row dropped or counted twice moves each by 1/(2m)
    one-example    σ is 0 or 1, and every example but the last is right: a sum of one term shows a wrong 1/m
    some-examples  the same with a thousand wrong ones, all over: a block that the cost leaves out shows
    few-examples   sixteen examples have scores of order 1: a short sum shows a formula with too few digits
    coherent       every example adds the same to dw, so that roundings cannot average out
    timed          the result of a timed call, one that the kernel could not know would be looked at
    unseen         the workload's own examples with new parameters, after the last timed round
    at-once        a result is there when the call returns, and not later
    placed         placing parameters costs no more than it did before there was any data

Why each of them, and why the bound alone would not do: docs/gate.md. The kernel computes in its worker;
it is judged here, in a process that it cannot reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels import Gradient
from kernels.reference import Reference, unit_roundoff


@dataclass(frozen=True)
class CheckResult:
    """What one check found of one kernel."""

    check: str
    max_ulps: float
    """The largest error / (u · mean of the sum's own terms)."""
    bound_fraction: float
    """The largest error / the largest error of an honest kernel."""
    failure: str = ""
    """What is wrong, in one line; empty where the kernel agrees."""


_GREW, _SHARE = 2.0, 0.25
"""What is not timed may take twice what it takes where there is nothing to compute, and a quarter of a call. Far
outside of what noise does to the least of many; and who does more of a call's work than that there is found."""


def check_untimed_work(check: str, what: str, seconds: float, alone: float, call: float) -> CheckResult:
    """Whether a kernel works outside of the timer. seconds: the least of all rounds; alone: without any work."""
    allowed = _GREW * alone + _SHARE * call
    if seconds <= allowed:
        return CheckResult(check, 0.0, seconds / allowed)
    failure = f"{check}: {what} took {seconds:.2g} s, {alone:.2g} s where there is nothing to compute"
    return CheckResult(check, np.inf, np.inf, failure)


def judge(check: str, expected: Reference, dtype: np.dtype[Any], got: list[np.ndarray] | str) -> CheckResult:
    """Compare what a kernel returned with what it should have; a text says what was wrong with its form."""
    if isinstance(got, str):
        return CheckResult(check, np.inf, np.inf, f"{check}: {got}")
    if [np.shape(part) for part in got] != [np.shape(part) for part in expected.value]:
        return CheckResult(check, np.inf, np.inf, f"{check}: what came back is no gradient")
    for name, part in zip(Gradient._fields, got, strict=True):
        if not np.isfinite(part).all():
            place = int(np.argmin(np.isfinite(part)))
            failure = f"{check}: {_component(name, place, part)} is {part.flat[place]}"
            return CheckResult(check, np.inf, np.inf, failure)
    return _compare(check, expected, dtype, Gradient(*got))


def _compare(check: str, expected: Reference, dtype: np.dtype[Any], got: Gradient) -> CheckResult:
    u, t = unit_roundoff(dtype), float(np.finfo(dtype).smallest_normal)
    fractions, ulps = [], []
    for error, bound, scale in zip(expected.error(got), expected.bound, expected.scale, strict=True):
        fractions.append(error / bound)
        ulps.append(error / np.maximum(u * scale, t))  # below t there are no ulps of a normal number to count
    worst = max(range(len(got)), key=lambda part: float(np.max(fractions[part])))
    fraction, most = float(np.max(fractions[worst])), max(float(np.max(part)) for part in ulps)
    if fraction <= 1:
        return CheckResult(check, most, fraction)
    place = int(np.argmax(fractions[worst]))
    component = _component(Gradient._fields[worst], place, got[worst])
    value, right = np.ravel(got[worst])[place], np.ravel(expected.value[worst])[place]
    failure = f"{check}: {component} is {value:.9g}, not {right:.9g} ({fraction:.2g}× the bound)"
    return CheckResult(check, most, fraction, failure)


def _component(name: str, place: int, array: np.ndarray) -> str:
    return f"{name}[{place}]" if np.ndim(array) else name
