"""Compares the result of a gradient kernel with the reference: each component within its a-priori bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kernels.contract import Judgement
from kernels.gradient.problem import Gradient
from kernels.gradient.reference import Reference, unit_roundoff


@np.errstate(over="ignore", invalid="ignore")  # of a wrong result; what is not a number is not within a bound
def judge(expected: Reference, dtype: np.dtype[Any], result: Sequence[np.ndarray]) -> Judgement:
    """Compare cost, dw and db, in this dtype, with the reference. The figure is `ulps`: error / (u · mean |term|)."""
    if [np.shape(part) for part in result] != [np.shape(part) for part in expected.value]:
        return Judgement("the result does not have the shapes of a gradient")
    if failure := not_finite(dict(zip(Gradient._fields, result, strict=True))):
        return Judgement(failure)
    return _compare(expected, dtype, Gradient(*result))


def not_finite(parts: Mapping[str, np.ndarray]) -> str:
    """`dw[3] is nan` for the first number that is not finite; empty if all are. parts: by name."""
    for name, part in parts.items():
        if not np.isfinite(part).all():
            index = int(np.argmin(np.isfinite(part)))
            return f"{_component(name, index, part)} is {part.flat[index]}"
    return ""


def _compare(expected: Reference, dtype: np.dtype[Any], result: Gradient) -> Judgement:
    u, t = unit_roundoff(dtype), float(np.finfo(dtype).smallest_normal)
    fractions, ulps = [], []
    for error, bound, scale in zip(expected.error(result), expected.bound, expected.scale, strict=True):
        fractions.append(error / bound)
        ulps.append(error / np.maximum(u * scale, t))  # below t, ulps are not defined
    worst = max(range(len(result)), key=lambda part: float(np.max(fractions[part])))
    bound_fraction, max_ulps = float(np.max(fractions[worst])), max(float(np.max(part)) for part in ulps)
    failure = ""
    if not bound_fraction <= 1:
        index = int(np.argmax(fractions[worst]))
        component = _component(Gradient._fields[worst], index, result[worst])
        value, right = np.ravel(result[worst])[index], np.ravel(expected.value[worst])[index]
        failure = f"{component} is {value:.9g}, not {right:.9g} (error: {bound_fraction:.2g} times what is allowed)"
    return Judgement(failure, bound_fraction, {"ulps": max_ulps})


def _component(name: str, index: int, array: np.ndarray) -> str:
    where = ", ".join(map(str, np.unravel_index(index, array.shape)))
    return f"{name}[{where}]" if where else name
