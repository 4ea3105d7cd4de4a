"""The reference's optimum, its distance from answers, and data that have none."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, strategies as st

from kernels import Problem
from kernels.fit.optimum import costs_and_gradients, find_optimum
from tests.support.fits import fit, separable
from tests.support.problems import normal


def cost_and_gradient(X: np.ndarray, y: np.ndarray, v: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
    costs, gradients = costs_and_gradients(X, y, v[np.newaxis], penalty)
    return float(costs[0]), gradients[0]


def exact_gradient(problem: Problem, v: np.ndarray, penalty: float) -> list[Any]:
    """∇F to 50 digits."""
    with mpmath.workdps(50):
        vs, (m, n) = [mpmath.mpf(float(part)) for part in v], problem.X.shape
        total = [mpmath.mpf(0)] * (n + 1)
        for row, label in zip(problem.X.tolist(), problem.y.tolist(), strict=True):
            z = sum(vs[j] * row[j] for j in range(n)) + vs[n]
            dz = 1 / (1 + mpmath.exp(-z)) - label
            total = [part + dz * x for part, x in zip(total, (*row, 1.0), strict=True)]
        return [part / m + (penalty * vs[j] if j < n else 0) for j, part in enumerate(total)]


@pytest.mark.parametrize("penalty", [0.0, 1e-4, 0.3])
def test_the_gradient_at_the_optimum_is_zero_to_rounding(penalty: float) -> None:
    problem = normal(60, 4)
    optimum = find_optimum(problem.X, problem.y, penalty)
    assert max(abs(part) for part in exact_gradient(problem, optimum.v, penalty)) < 1e-14


def test_cost_and_gradient_agree_with_fifty_digits() -> None:
    problem = normal(40, 3)
    v = np.array([0.3, -1.0, 2.0, 0.5])
    _, gradient = cost_and_gradient(problem.X, problem.y, v, 0.2)
    exact = exact_gradient(problem, v, 0.2)
    assert gradient == pytest.approx([float(part) for part in exact], abs=1e-15)


def test_several_points_are_those_of_one_at_a_time() -> None:
    problem, vs = normal(40, 3), np.random.default_rng(2).standard_normal((5, 4))
    costs, gradients = costs_and_gradients(problem.X, problem.y, vs, 0.2)
    for v, cost, gradient in zip(vs, costs, gradients, strict=True):
        one_cost, one_gradient = cost_and_gradient(problem.X, problem.y, v, 0.2)
        assert cost == pytest.approx(one_cost, rel=1e-14)
        assert gradient == pytest.approx(one_gradient, rel=1e-13)
        losses = np.log1p(np.exp(-(2 * problem.y - 1) * (problem.X @ v[:-1] + v[-1])))
        assert cost == pytest.approx(losses.mean() + 0.1 * (v[:-1] @ v[:-1]), rel=1e-14)


@given(st.integers(0, 2**32), st.floats(1e-12, 1e-2))
def test_no_point_is_farther_than_its_gradient_allows(seed: int, step: float) -> None:
    problem = normal(50, 3)
    optimum = find_optimum(problem.X, problem.y, 1e-3)
    direction = np.random.default_rng(seed).standard_normal(4)
    v = optimum.v + step * direction / np.linalg.norm(direction)
    _, gradient = cost_and_gradient(problem.X, problem.y, v, 1e-3)
    assert np.linalg.norm(v - optimum.v) <= optimum.allowed_distance(float(np.linalg.norm(gradient)))


def test_the_allowed_distance_is_reached_in_the_flattest_direction() -> None:
    problem = normal(50, 3)
    optimum = find_optimum(problem.X, problem.y, 1e-3)
    hessian = np.column_stack(
        [(cost_and_gradient(problem.X, problem.y, optimum.v + 1e-5 * e, 1e-3)[1] - 0.0) / 1e-5 for e in np.eye(4)]
    )
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    assert optimum.smallest_eigenvalue == pytest.approx(values[0], rel=1e-3)
    v = optimum.v + 1e-6 * vectors[:, 0]
    _, gradient = cost_and_gradient(problem.X, problem.y, v, 1e-3)
    assert optimum.allowed_distance(float(np.linalg.norm(gradient))) == pytest.approx(1e-6, rel=1e-2)
    assert optimum.allowed_distance(1e3) == np.inf


def test_columns_of_very_different_sizes() -> None:
    problem = normal(200, 4)
    X = problem.X * np.array([1e-3, 1.0, 1e3, 1e5])
    optimum = find_optimum(X, problem.y, 0.1)
    _, gradient = cost_and_gradient(X, problem.y, optimum.v, 0.1)
    assert abs(gradient).max() < 1e-9 * 1e5


def test_separable_data_have_an_optimum_with_a_penalty_only() -> None:
    problem = separable()
    assert np.isfinite(fit(problem, penalty=1e-4)[0].details["tolerance"])
    with pytest.raises(ValueError, match=r"^a plane separates the two classes: .*expected a penalty above 0$"):
        fit(problem, penalty=0.0)


def test_a_plane_with_points_on_it_separates_as_well() -> None:
    X = np.array([[-1.0], [0.0], [0.0], [1.0], [2.0]])
    y = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match=r"^(a plane separates|columns of X depend)") as raised:
        find_optimum(X, y, 0.0)
    assert "\n" not in str(raised.value)


def test_columns_that_depend_on_one_another_need_a_penalty() -> None:
    problem = normal(60, 3)
    X = np.column_stack([problem.X, problem.X[:, 0] + problem.X[:, 1]])
    with pytest.raises(ValueError, match=r"^columns of X depend on one another.*expected a larger penalty$"):
        find_optimum(X, problem.y, 0.0)
    assert find_optimum(X, problem.y, 1e-3).smallest_eigenvalue > 0
