"""Compares the result of a network's kernel with the reference: each number within its bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kernels.contract import Judgement
from kernels.gradient.judge import not_finite
from kernels.gradient.reference import unit_roundoff
from kernels.network.reference import Reference


@np.errstate(over="ignore", invalid="ignore")  # of a wrong result; what is not a number is not within a bound
def judge(expected: Reference, names: Sequence[str], dtype: np.dtype[Any], result: Sequence[np.ndarray]) -> Judgement:
    """Compare each part, in this dtype, with the reference. The figure is `ulps`: error / (u · mean |term|)."""
    if failure := malformed(dict(zip(names, expected.value, strict=True)), result):
        return Judgement(failure)
    u, t = unit_roundoff(dtype), float(np.finfo(dtype).smallest_normal)
    worst, failure, ulps = 0.0, "", 0.0
    for name, part, value, bound, scale in zip(names, result, *expected, strict=True):
        error = np.abs(np.asarray(part, np.float64) - value)
        ulps = max(ulps, float(np.max(error / np.maximum(u * scale, t))))
        fraction, text = compare(name, part, value, bound)
        if fraction > worst:
            worst, failure = fraction, text
    return Judgement(failure if worst > 1 else "", worst, {"ulps": ulps})


def malformed(expected: Mapping[str, np.ndarray], result: Sequence[np.ndarray]) -> str:
    """What is wrong with the result's form: its shapes, or a number that is not finite; empty if nothing is."""
    if [np.shape(part) for part in result] != [np.shape(part) for part in expected.values()]:
        return "the result does not have the shapes of the parameters"
    return not_finite(dict(zip(expected, result, strict=True)))


def compare(name: str, part: np.ndarray, value: Any, bound: Any) -> tuple[float, str]:
    """The largest share of its bound that an error of this part is, and that error in words."""
    fractions = np.nan_to_num(np.abs(np.asarray(part, np.float64) - value) / bound, nan=np.inf)
    place = np.unravel_index(np.argmax(fractions), np.shape(fractions))
    where = f"{name}[{', '.join(map(str, place))}]" if place else name
    right, allowed = np.asarray(value)[place], float(fractions[place])
    text = f"{where} is {np.asarray(part)[place]:.9g}, not {right:.9g} (error: {allowed:.2g} times what is allowed)"
    return allowed, text
