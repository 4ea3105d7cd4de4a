"""Edge cases of the fused kernel: features that do not fill vectors, examples that do not fill blocks, threads."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

from kernels import Gradient, Problem, load
from kernels.gradient import reference
from tests.support.problems import call, normal

KINDS = pytest.mark.parametrize("dtype", [np.float32, np.float64])
ORDERS = pytest.mark.parametrize("order", ["C", "F"])
NAMES = ("numba-serial", "numba-parallel")


def bound_fraction(result: Gradient, problem: Problem) -> float:
    """The largest error as a fraction of its bound."""
    expected = reference.compute(problem)
    return max(
        float(np.max(error / bound)) for error, bound in zip(expected.error(result), expected.bound, strict=True)
    )


@KINDS
@ORDERS
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130, 256, 261, 520])
def test_any_number_of_features(n: int, dtype: Any, order: Literal["C", "F"]) -> None:
    for name in NAMES:
        assert bound_fraction(call(load(name), problem := normal(43, n, dtype, order)), problem) <= 1


@KINDS
@ORDERS
@pytest.mark.parametrize("n", [2, 5, 40, 515])
@pytest.mark.parametrize("m", [1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 1023, 1024, 1025, 2100])
def test_any_number_of_examples(m: int, n: int, dtype: Any, order: Literal["C", "F"]) -> None:
    for name in NAMES:
        assert bound_fraction(call(load(name), problem := normal(m, n, dtype, order)), problem) <= 1


@KINDS
@ORDERS
def test_two_calls_give_the_same_bits(dtype: Any, order: Literal["C", "F"]) -> None:
    problem = normal(5000, 37, dtype, order)
    for name in NAMES:
        first, second = (call(load(name), problem) for _ in range(2))
        assert [part.tobytes() for part in first] == [part.tobytes() for part in second]


@KINDS
def test_numba_chooses_one_thread_or_all_by_size(dtype: Any) -> None:
    small, large = normal(100, 3, dtype), normal(5000, 37, dtype)
    for problem, chosen in ((small, "numba-serial"), (large, "numba-parallel")):
        result, expected = call(load("numba"), problem), call(load(chosen), problem)
        assert [part.tobytes() for part in result] == [part.tobytes() for part in expected]


@ORDERS
@pytest.mark.parametrize("n", [2, 3])
def test_long_float32_sums_lose_no_precision(n: int, order: Literal["C", "F"]) -> None:
    """2²⁰ equal examples, for which a serial sum in float32 has an error of 1%.

    At most 32 times 9 additions, each rounded once, follow one another in float32; their sums are added in double.
    """
    m, x = 2**20, np.float32(0.1)
    X = np.full((m, n), x, order=order)
    result = call(load("numba"), Problem(X, np.zeros(m, np.float32), np.zeros(n, np.float32), np.float32(0)))
    assert result.dw == pytest.approx(0.5 * float(x), rel=32 * 9 * 2.0**-24)
    assert float(result.db) == 0.5
