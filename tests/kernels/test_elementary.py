"""exp and log1p of the fused kernel: their coefficients are derived again, and both are right to 2 ulp."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numba
import numpy as np
import pytest
from numba.extending import intrinsic

from kernels._numba import elementary
from kernels._numba.elementary import EXP_COEFFICIENTS, LOG_COEFFICIENTS
from kernels._numba.traversals import EXACT
from kernels._numba.vector_values import Value

KINDS = (np.float64, np.float32)


def vectorized(function: Callable[[Value], Value]) -> Any:
    """The function, applied to every number of an array."""

    @intrinsic
    def of_one(_typing: Any, x: Any) -> Any:
        return x(x), lambda _context, builder, _signature, arguments: function(Value(builder, *arguments)).ir_value

    @numba.njit(**EXACT)
    def call(x: Any) -> Any:
        out = np.empty_like(x)
        for i in range(len(x)):
            out[i] = of_one(x[i])
        return out

    return call


exp, log1p = vectorized(elementary.exp), vectorized(elementary.log1p)


def series(term: Callable[[int], Decimal], x: Decimal) -> Decimal:
    total, power, k = Decimal(0), Decimal(1), 0
    while abs(power) > Decimal("1e-50"):
        total, power, k = total + power * term(k), power * x, k + 1
    return total


def interpolate_at_chebyshev_nodes(
    f: Callable[[Decimal], Decimal], low: float, high: float, count: int
) -> list[float]:
    """The coefficients of the polynomial that interpolates f, by Newton's divided differences."""
    middle, half = Decimal(low + high) / 2, Decimal(high - low) / 2
    nodes = [middle + half * Decimal(math.cos(math.pi * (2 * k + 1) / (2 * count))) for k in range(count)]
    differences = [f(node) for node in nodes]
    for step in range(1, count):
        for i in range(count - 1, step - 1, -1):
            differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - step])
    coefficients = [differences[-1]]
    for difference, node in zip(differences[-2::-1], nodes[-2::-1], strict=True):
        shifted = [Decimal(0), *coefficients]
        coefficients = [a - node * b for a, b in zip(shifted, [*coefficients, Decimal(0)], strict=True)]
        coefficients[0] += difference
    return [float(c) for c in coefficients]


@pytest.mark.parametrize("kind", KINDS)
def test_the_coefficients_are_those_of_the_docstring(kind: Any) -> None:
    with localcontext() as context:
        context.prec = 60
        largest_r, largest_v = math.log(2) / 2 * 1.0001, ((math.sqrt(2) - 1) / (math.sqrt(2) + 1)) ** 2 * 1.0001
        q, P = EXP_COEFFICIENTS[kind], LOG_COEFFICIENTS[kind]
        derived_q = interpolate_at_chebyshev_nodes(
            lambda r: series(lambda k: 1 / Decimal(math.factorial(k + 2)), r), -largest_r, largest_r, len(q)
        )
        derived_P = interpolate_at_chebyshev_nodes(
            lambda v: series(lambda k: 1 / Decimal(2 * k + 3), v), 0.0, largest_v, len(P)
        )
    # the nodes are computed in double, and the last coefficients have little effect on the result
    assert list(q) == pytest.approx(derived_q, rel=1e-9)
    assert list(P) == pytest.approx(derived_P, rel=1e-9)


def ulps(result: np.ndarray, exact: np.ndarray) -> float:
    kind = result.dtype.type
    unit = np.spacing(np.maximum(exact.astype(kind), np.finfo(kind).smallest_normal))
    return float(np.max(np.abs(result - exact) / unit))


@pytest.mark.parametrize("kind", KINDS)
def test_both_are_right_to_two_ulp(kind: Any) -> None:
    rng = np.random.default_rng(0)
    least = least_of(kind)
    wide = np.longdouble if kind is np.float64 else np.float64
    if np.finfo(wide).nmant <= np.finfo(kind).nmant:
        pytest.skip("no type here is more precise than a double")
    x: Any = np.concatenate(
        [rng.uniform(least * 0.9999, 0, 400_000), -np.exp(rng.uniform(-45, 4, 100_000)), [0.0]]
    ).astype(kind)
    e: Any = np.concatenate(
        [rng.uniform(0, 1, 400_000), np.exp(rng.uniform(least * 0.99, 0, 100_000)), [0.0, 1.0]]
    ).astype(kind)
    assert ulps(exp(x), np.exp(x.astype(wide))) <= 2
    assert ulps(log1p(e), np.log1p(e.astype(wide))) <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_ends_of_the_ranges(kind: Any) -> None:
    largest = np.finfo(kind).max
    result = exp(np.array([0.0, -0.0, least_of(kind) * 1.001, -1e4, -largest, -np.inf], kind))
    assert result.tolist() == [1, 1, 0, 0, 0, 0]
    assert log1p(np.array([0, np.finfo(kind).smallest_normal], kind)).tolist() == [0, np.finfo(kind).smallest_normal]


def least_of(kind: Any) -> float:
    return float(np.log(np.finfo(kind).smallest_normal))
