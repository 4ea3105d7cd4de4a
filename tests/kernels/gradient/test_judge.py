"""When a gradient is right: each component is compared with the reference, and the worst one is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernels import Gradient, Judgement, Problem
from kernels.gradient import reference
from kernels.gradient.judge import judge, not_finite
from kernels.gradient.reference import unit_roundoff
from tests.support.problems import normal

PROBLEM = normal(100, 5)
EXPECTED = reference.compute(PROBLEM)
VALUE = EXPECTED.value
COMPONENTS = [(0, 0, "cost"), (1, 0, "dw[0]"), (1, 4, "dw[4]"), (2, 0, "db")]


def judged(part: int, index: int, error: Any) -> Judgement:
    """The judgement of the expected gradient with this error in one component."""
    parts = [np.array(value, np.float64) for value in VALUE]
    parts[part].reshape(-1)[index] += error
    return judge(EXPECTED, PROBLEM.dtype, parts)


def at(gradient: Gradient, part: int, index: int) -> float:
    return float(np.ravel(gradient[part])[index])


@pytest.mark.parametrize(("part", "index", "name"), COMPONENTS)
@pytest.mark.parametrize(("fraction", "passes"), [(0.9, True), (-0.9, True), (1.1, False), (-1.1, False)])
def test_an_error_may_reach_the_bound_and_no_more(
    part: int, index: int, name: str, fraction: float, passes: bool
) -> None:
    judgement = judged(part, index, fraction * at(EXPECTED.bound, part, index))
    assert judgement.bound_fraction == pytest.approx(abs(fraction), rel=0.01)
    assert judgement.failure.startswith("" if passes else f"{name} is ")
    assert (not judgement.failure) is passes


@pytest.mark.parametrize(("part", "index", "name"), COMPONENTS)
def test_ulps_are_relative_to_the_mean_term_of_the_sum(part: int, index: int, name: str) -> None:
    unit = unit_roundoff(PROBLEM.dtype) * at(EXPECTED.scale, part, index)
    judgement = judged(part, index, 2**20 * unit)
    assert judgement.figures == {"ulps": pytest.approx(2**20, rel=1e-3)}
    assert judgement.failure.startswith(f"{name} is {at(VALUE, part, index) + 2**20 * unit:.9g}, not ")


def test_below_the_smallest_normal_number_ulps_are_not_divided_by_zero() -> None:
    """A column of zeros has no terms."""
    X = np.array(PROBLEM.X)
    X[:, 2] = 0
    problem = Problem(X, PROBLEM.y, PROBLEM.w, PROBLEM.b)
    expected = reference.compute(problem)
    exact = judge(expected, problem.dtype, [np.asarray(part) for part in expected.value])
    assert exact.figures["ulps"] < 2
    assert not exact.failure


def test_the_worst_component_is_named() -> None:
    parts = [np.array(value, np.float64) for value in VALUE]
    parts[0] += 1e-9
    parts[1][2] += 0.5
    assert judge(EXPECTED, PROBLEM.dtype, parts).failure.startswith("dw[2] is ")


@pytest.mark.parametrize(("part", "index", "name"), COMPONENTS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_named(part: int, index: int, name: str, value: float) -> None:
    judgement = judged(part, index, value)
    assert (judgement.failure, judgement.bound_fraction) == (f"{name} is {value}", None)


def test_the_first_number_that_is_not_finite_is_found_in_a_matrix() -> None:
    assert not_finite({"a": np.zeros((2, 2)), "b": np.zeros(())}) == ""
    assert not_finite({"a": np.zeros(2), "b": np.array([[0.0, 0.0], [np.inf, np.nan]])}) == "b[1, 0] is inf"


@pytest.mark.parametrize("parts", [[], [0.0, np.zeros(5)], [0.0, np.zeros(4), 0.0], [np.zeros(1), np.zeros(5), 0.0]])
def test_other_shapes_are_no_gradient(parts: list[Any]) -> None:
    judgement = judge(EXPECTED, PROBLEM.dtype, [np.asarray(part) for part in parts])
    assert judgement == Judgement("the result does not have the shapes of a gradient")
