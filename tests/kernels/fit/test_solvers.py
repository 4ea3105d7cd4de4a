"""Every solver of a fit: by hand, from ten starts, on data of every shape, and what it says where it stops before."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from scipy.optimize import brentq

from kernels import Problem, registry
from kernels.fit.judge import judge
from kernels.fit.optimum import optimum_of
from kernels.fit.problem import Settings
from kernels.gradient import operation as gradient
from tests.support.fits import every_fit, every_fit_quickly, fit, result_of
from tests.support.problems import available, normal, problems, run_checks

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@every_fit
@DTYPES
def test_a_fit_computed_by_hand(name: str, dtype: type[np.floating[Any]]) -> None:
    if name.startswith("glum-"):
        pytest.skip(f"{name} accepts no start for a single feature")
    # x = (1, −1), y = (1, 0): by symmetry b = 0, and w solves −σ(−w) + λ w = 0
    X, y = np.array([[1], [-1]], dtype), np.array([1, 0], dtype)
    inputs, fresh = fit(Problem(X, y, np.full(1, 0.5, dtype), 0.25), penalty=0.1)
    result = result_of(available(name, "fit"), inputs, fresh)
    expected = brentq(lambda w: -1 / (1 + exp(w)) + 0.1 * w, 0, 10, xtol=1e-14)
    tolerance = Settings(*inputs.static).tolerance_for(np.dtype(dtype))
    # the Hessian there is σ'(w) + λ in w, and σ'(w) in b
    slope = exp(expected) / (1 + exp(expected)) ** 2
    assert result.ws[-1, 0] == pytest.approx(expected, abs=1.1 * tolerance / (slope + 0.1))
    assert result.bs[-1] == pytest.approx(0, abs=1.1 * tolerance / slope)


@every_fit
@pytest.mark.parametrize("workload", ["lecture", "breast-cancer", "3000x20", "lecture-f32", "lecture-F"])
def test_every_check_passes(name: str, workload: str) -> None:
    options = "@penalty=0.01" if name == "numba-descent" else ""  # by default it takes more than the budget
    results = run_checks(available(name, "fit"), f"fit:{workload}{options}")
    assert [result.failure for result in results] == [""] * len(results)
    if name not in ("loops", "sklearn-lbfgs", "numba-descent"):
        assert all(result.reached for result in results)
    assert all(0 < (result.bound_fraction or 1) <= 1.01 for result in results)
    assert all(
        result.figures["distance"] <= result.figures["allowed distance"] for result in results if result.reached
    )


@every_fit_quickly
def test_ten_starts_end_within_the_allowed_distance_of_one_optimum(name: str) -> None:
    kernel, rng = available(name, "fit"), np.random.default_rng(3)
    inputs, _ = fit(normal(400, 5), penalty=0.01)
    optimum = optimum_of(inputs)
    for _ in range(10):
        start = gradient.fresh(inputs, rng)
        result = result_of(kernel, inputs, start)
        judgement = judge(inputs, start, True)(result)
        assert (judgement.failure, judgement.reached) == ("", True)
        v = np.append(result.ws[-1], result.bs[-1])
        assert np.linalg.norm(v - optimum.v) <= judgement.figures["allowed distance"]


@every_fit_quickly
@settings(max_examples=25)
@given(problem=problems())
def test_any_data_with_two_classes(name: str, problem: Problem) -> None:
    """A solver may stop before the optimum of ill-scaled data, and must then not say that it got there."""
    y = problem.y.copy()
    if len(np.unique(y)) == 1:  # of two thirds of the problems
        y[0] = 1 - y[0]
    problem = replace(problem, y=y)
    assume(problem.m > 1)
    try:
        inputs, start = fit(problem, penalty=0.1, budget=2000)
        optimum_of(inputs)
    except ValueError:
        assume(False)
    try:
        result = result_of(available(name, "fit"), inputs, start)
    except ValueError:  # LinAlgError is one
        if not name.startswith("glum-"):  # which refuses a singular Hessian, and a start for a single feature
            raise
        assume(False)
    assert not judge(inputs, start, False)(result).failure


@every_fit_quickly
def test_well_scaled_data_without_a_penalty(name: str) -> None:
    inputs, start = fit(normal(300, 4), penalty=0.0)
    judgement = judge(inputs, start, False)(result_of(available(name, "fit"), inputs, start))
    assert (judgement.failure, judgement.reached) == ("", True)


@pytest.mark.parametrize("name", ["numpy-newton", "numba-newton"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_feature_that_the_sample_never_has(name: str, dtype: type[np.floating[Any]]) -> None:
    """Of a column of the examples 30 to 300: what the sample's Hessian says of it is rounding alone."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 3))
    X[:, 2] = 0
    X[30:300, 2] = 1
    y = (rng.random(len(X)) < 1 / (1 + np.exp(X[:, 1] - X[:, 0] - 0.5 * X[:, 2]))).astype(float)
    y[30:300] = rng.random(270) < 0.9
    problem = Problem(X.astype(dtype), y.astype(dtype), np.zeros(3, dtype), 0.0)
    inputs, start = fit(problem, penalty=0.0)
    judgement = judge(inputs, start, False)(result_of(available(name, "fit"), inputs, start))
    assert (judgement.failure, judgement.reached) == ("", True)
    assert judgement.figures["evaluations"] < 20


@pytest.mark.parametrize(
    "name", ["numpy", "numba", "jax", "numpy-newton", "numba-newton", "jax-newton", "numba-descent"]
)
def test_a_budget_that_is_used_up_is_said(name: str) -> None:
    inputs, start = fit(normal(400, 5, score=20.0), budget=2)
    result = result_of(available(name, "fit"), inputs, start)
    judgement = judge(inputs, start, False)(result)
    assert (judgement.failure, judgement.reached) == ("", False)
    assert float(result.norm) > 1e-6
    assert result.evaluations[-1] <= 25  # SciPy's line search ends before it looks at the budget again


@every_fit
@pytest.mark.parametrize("order", ["C", "F"])
def test_inputs_are_not_mutated(name: str, order: str) -> None:
    kernel = available(name, "fit")
    inputs, fresh = fit(normal(60, 5, order=order), penalty=0.1)
    parts = [np.array(part, order="K") for part in (*inputs.placed.values(), *fresh)]
    placed = [kernel.backend.asarray(part) for part in parts]
    before = [np.array(kernel.backend.asnumpy(part, inputs.dtype)) for part in placed]
    kernel.backend.wait(kernel.built(inputs.static)(*placed))
    for part, original in zip(placed, before, strict=True):
        np.testing.assert_array_equal(kernel.backend.asnumpy(part, inputs.dtype), original)


@every_fit
def test_a_kernel_says_of_which_it_is_made(name: str) -> None:
    kernel = available(name, "fit")
    gradient_kernels = registry.names("gradient")
    assert kernel.of == registry.MADE_OF.get(name, name if name in gradient_kernels else "")
    assert kernel.operation == "fit"


@pytest.mark.parametrize("name", ["numpy-newton", "numba-newton"])
def test_newton_begins_on_a_sample_of_many_examples(name: str) -> None:
    """The first entry after the start has cost a part of a pass, and all together under eight."""
    inputs, start = fit(normal(40_000, 5))
    result = result_of(available(name, "fit"), inputs, start)
    assert 0 < result.evaluations[1] < 2
    assert result.evaluations[-1] < 8
