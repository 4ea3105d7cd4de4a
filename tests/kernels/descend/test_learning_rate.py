"""L against the singular values of [X 1], what 1/L guarantees, and how a divergent descent is found."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from kernels import Problem, load
from kernels.descend import learning_rate
from kernels.descend.bounds import columns, step_errors
from kernels.descend.learning_rate import costs_from, divergence, lipschitz_constant
from kernels.gradient import reference
from tests.support.descents import descent, path_of
from tests.support.problems import normal, problems

NUMPY = load("numpy", "descend")


def by_singular_values(X: np.ndarray) -> float:
    """σ_max([X 1])² / (4m)."""
    with_ones = np.column_stack([X.astype(np.float64), np.ones(len(X))])
    return float(np.linalg.svd(with_ones, compute_uv=False)[0] ** 2 / (4 * len(X)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (3, 5), (1000, 2), (50, 300)])
def test_it_is_the_largest_singular_value(
    shape: tuple[int, int], order: str, dtype: type[np.floating[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    X = normal(*shape, dtype, order).X
    assert lipschitz_constant(X) == pytest.approx(by_singular_values(X), rel=1e-12)
    monkeypatch.setattr(learning_rate, "_BLOCK_BYTES", 8 * (shape[1] + 1) * 7)  # seven rows a block
    assert lipschitz_constant(X) == pytest.approx(by_singular_values(X), rel=1e-12)
    monkeypatch.setattr(learning_rate, "_LARGEST_GRAM", 0)  # by products
    assert lipschitz_constant(X) == pytest.approx(by_singular_values(X), rel=1e-10)


def test_many_features_give_the_same_by_products_and_by_a_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    X = normal(20, 2100).X
    by_products = lipschitz_constant(X)
    monkeypatch.setattr(learning_rate, "_LARGEST_GRAM", 2100)
    assert by_products == pytest.approx(lipschitz_constant(X), rel=1e-10)
    assert by_products == pytest.approx(by_singular_values(X), rel=1e-10)


def test_a_start_of_ones_finds_an_eigenvector_that_is_orthogonal_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """[X 1]ᵀ[X 1] has the vector of ones as an eigenvector, of 4; the largest eigenvalue, 256, is another's."""
    X = np.array([[8.0, -8.0], [-8.0, 8.0], [1.0, 1.0], [-1.0, -1.0]])
    monkeypatch.setattr(learning_rate, "_LARGEST_GRAM", 0)
    assert lipschitz_constant(X) == pytest.approx(256 / 16, rel=1e-10)


@given(problems())
def test_it_holds_for_ill_scaled_data(problem: Problem) -> None:
    assert lipschitz_constant(problem.X) == pytest.approx(by_singular_values(problem.X), rel=1e-9)


def test_features_of_any_size() -> None:
    X = np.array([[1.0, 2.0], [-3.0, 0.5]])
    assert lipschitz_constant(X * 2.0**500) == pytest.approx(by_singular_values(X) * 2.0**1000, rel=0.3)
    assert lipschitz_constant(X * 1e-300) == 0.25  # that of the intercept
    assert lipschitz_constant(X * 1e200) == np.inf


@given(problems())
def test_the_cost_never_rises_with_the_default(problem: Problem) -> None:
    """From v to v' = v − α ∇J(v) + e it falls by |∇J(v)|² / 2L, but for what e changes.

    That is at most |∇J(v')| · |e|, because J is convex.
    """
    inputs, fresh = descent(problem, 5)
    path = path_of(NUMPY, inputs, fresh)
    entries = [reference.compute(Problem(problem.X, problem.y, path.ws[t], path.bs[t])) for t in range(6)]
    e = step_errors(columns(problem.X), path, float(inputs.placed["alpha"]))
    for t, (at, after) in enumerate(pairwise(entries)):
        decrease = (np.sum(at.value.dw**2) + at.value.db**2) / (2 * inputs.details["L"])
        changed = np.abs(np.append(after.value.dw, after.value.db)) @ e[t] + 1e-14 * at.value.cost
        assert after.value.cost <= at.value.cost - decrease * (1 - 1e-6) + changed
        assert path.costs[t + 1] <= path.costs[t] + at.bound.cost + after.bound.cost + changed


def test_in_which_words_a_descent_diverges() -> None:
    falling = np.linspace(1, 0.5, 101)
    assert divergence(falling) == ""
    assert divergence(np.full(101, 0.6)) == ""
    assert divergence(falling[::-1]) == "the cost rises in the last 10 steps, from 0.95 to 1"
    assert divergence(np.linspace(0.5, 0.6, 11)) == "the cost rises in the last 10 steps, from 0.5 to 0.6"
    assert divergence(np.array([0.5, *[3.0] * 9, 1.0])) == "the cost rises from 0.5 to 1"
    assert divergence(np.append(falling, falling[-1] * np.linspace(1.01, 1.1, 10))).startswith(
        "the cost rises in the last 10"
    )
    assert divergence(np.append(falling, falling[-1] * np.linspace(1.01, 1.1, 9))) == ""
    assert divergence(np.array([0.5, 0.4, np.inf])) == "the cost is inf after 2 steps"
    assert divergence(np.array([0.5, np.nan, np.inf])) == "the cost is nan after 1 steps"


def test_a_cost_that_rises_in_a_few_steps_is_no_sign() -> None:
    for steps in range(1, 10):
        assert divergence(np.linspace(0.5, 0.6, steps + 1)) == ""
    assert divergence(np.array([0.5, np.inf])) == "the cost is inf after 1 steps"


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("scale", [0, 1])
def test_the_costs_are_those_of_a_kernel(dtype: type[np.floating[Any]], rtol: float, scale: int) -> None:
    problem = normal(33, 5, dtype)
    start = Problem(problem.X, problem.y, problem.w * dtype(scale), problem.b * dtype(scale))
    inputs, fresh = descent(start, 7)
    costs = costs_from(start, float(inputs.placed["alpha"]), 7)
    np.testing.assert_allclose(costs, path_of(NUMPY, inputs, fresh).costs, rtol=rtol)


def test_costs_end_where_they_are_not_finite() -> None:
    problem = normal(33, 5)
    costs = costs_from(problem, 1e308, 10**6)
    assert len(costs) <= 4
    assert not np.isfinite(costs[-1])


def test_a_step_out_of_the_domain_of_a_gradient_is_named() -> None:
    large = Problem(np.full((1, 1), 1e30, np.float32), np.ones(1, np.float32), np.zeros(1, np.float32), 0.0)
    with pytest.raises(ValueError, match=r"^scores could overflow float32 after 1 steps$"):
        costs_from(large, 1.0, 1)
