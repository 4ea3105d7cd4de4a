"""The checks: every correct kernel passes, and each kind of mistake fails the check that is made for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.correctness.checks import check_untimed_work
from bench.correctness.probes import probes
from bench.workloads import catalog
from kernels import Gradient, Kernel, load
from kernels.backends import NUMPY
from kernels.numpy_vectorized import gradient as correct
from tests.support.problems import available, every_kernel, inputs, run_checks

# LARGE: the a-priori bound of a float32 sum is 1.2% here, which does not detect a dropped row
SMALL, LARGE = "lecture", "200000x8-f32"


def first_failure(gradient: Callable[..., Any], workload: str) -> str:
    """The name of the first check that the function fails."""
    results = run_checks(Kernel("mine", NUMPY, "", None, gradient), workload)
    return next((result.check for result in results if result.failure), "none")


def divided_by_m_first(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    J, _, _ = correct(X, y, w, b)
    z = X @ w + b
    dz = (1 / (1 + np.exp(-np.clip(z, -80, 80))) - y) / len(y)
    return Gradient(J, X.T @ dz, dz.sum())


def sign_error(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    J, dw, db = correct(X, y, w, b)
    return Gradient(J, -dw, db)


def dropped_row(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    J, dw, db = correct(X[:-1], y[:-1], w, b)
    factor = X.dtype.type((len(y) - 1) / len(y))
    return Gradient(J * factor, dw * factor, db * factor)


def dropped_middle_row(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    middle = len(y) // 2
    return dropped_row(np.delete(X, middle, 0), np.delete(y, middle), w, b)


def every_second_row(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    return correct(X[::2], y[::2], w, b)


def hidden_single(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    single = correct(*(np.asarray(part, np.float32) for part in (X, y, w, b)))
    return Gradient(*(np.asarray(part, X.dtype) for part in single))


def unbiased(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    J, dw, db = correct(X, y, w, b)
    factor = X.dtype.type(len(y) / (len(y) - 1))
    return Gradient(J * factor, dw * factor, db * factor)


def no_cost(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    return correct(X, y, w, b)._replace(cost=X.dtype.type(0))


def nan_in_db(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    return correct(X, y, w, b)._replace(db=X.dtype.type(np.nan))


def few_digits(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Factors rounded to the 11 bits of tf32, which a GPU may do by default."""
    X, w = (
        (part.astype(np.float32).view(np.uint32) & 0xFFFFE000).view(np.float32).astype(X.dtype) for part in (X, w)
    )
    return correct(X, y, w, b)


def crude_exponential(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    s = (1 - 2 * y) * (X @ w + b)
    e = (np.exp(-np.abs(s)) * (1 + 1e-4)).astype(X.dtype)
    dz = (1 - 2 * y) * np.where(s >= 0, 1, e) / (1 + e)
    return Gradient(np.mean(np.maximum(s, 0) + np.log1p(e)), X.T @ dz / len(y), np.mean(dz))


def half_precision_inputs(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    return correct(X.astype(np.float16).astype(X.dtype), y, w, b)


def single_precision_inputs(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    return correct(X.astype(np.float32).astype(X.dtype), y, w, b)


def no_sigmoid(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Right at 0 and at ±∞."""
    z = X @ w + b
    dz = (0.5 + z / 4 / np.sqrt(1 + 0.25 * z**2) - y).astype(X.dtype)
    return correct(X, y, w, b)._replace(dw=X.T @ dz / len(y), db=np.mean(dz))


def cost_omits_rows(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    first = len(y) // 200
    part = correct(X[first:], y[first:], w, b).cost
    return correct(X, y, w, b)._replace(cost=X.dtype.type(part * (len(y) - first) / len(y)))


def cost_omits_middle_rows(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    omitted = slice(len(y) // 2, len(y) // 2 + len(y) // 200)
    X_left, y_left = np.delete(X, omitted, 0), np.delete(y, omitted)
    part = correct(X_left, y_left, w, b).cost
    return correct(X, y, w, b)._replace(cost=X.dtype.type(part * len(y_left) / len(y)))


def naive_loss(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    with np.errstate(all="ignore"):
        a = 1 / (1 + np.exp(-(X @ w + b)))
        return correct(X, y, w, b)._replace(cost=-np.mean(y * np.log(a) + (1 - y) * np.log(1 - a)))


@pytest.mark.parametrize(
    ("gradient", "small", "large"),
    [
        (sign_error, "data", "data"),
        (dropped_row, "data", "rows"),
        (dropped_middle_row, "data", "rows"),
        (every_second_row, "data", "rows"),
        (hidden_single, "data", "none"),  # the large workload is in single precision
        (unbiased, "data", "one-example"),
        (no_cost, "data", "data"),
        (nan_in_db, "data", "data"),
        (naive_loss, "one-example", "one-example"),
        (few_digits, "data", "few-examples"),
        (crude_exponential, "data", "few-examples"),
        (half_precision_inputs, "data", "few-examples"),
        (single_precision_inputs, "data", "none"),  # the large workload has such inputs
        (no_sigmoid, "data", "one-example"),
        (cost_omits_rows, "data", "some-examples"),
        (cost_omits_middle_rows, "data", "some-examples"),
        (correct, "none", "none"),
        (divided_by_m_first, "none", "none"),
    ],
)
def test_each_mistake_fails_its_check(gradient: Callable[..., Any], small: str, large: str) -> None:
    assert (first_failure(gradient, SMALL), first_failure(gradient, LARGE)) == (small, large)


@every_kernel
@pytest.mark.parametrize("workload", ["1x1", "1x5-F", "2x3-f32", "lecture", "lecture-f32", "breast-cancer-f32-F"])
def test_every_kernel_passes(name: str, workload: str) -> None:
    assert [result.failure for result in run_checks(available(name), workload)] == [""] * 7


@pytest.mark.parametrize("name", ["numpy", "numba-loops", "jax", "jax-autodiff", "sklearn"])
@pytest.mark.parametrize("order", ["", "-F"])
def test_compiled_kernels_pass_where_sums_are_long(name: str, order: str) -> None:
    assert [result.failure for result in run_checks(available(name), LARGE + order)] == [""] * 7


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "it returned a NoneType; expected (cost, dw, db)"),
        ((1.0, 2.0), "it returned a tuple of 2; expected (cost, dw, db)"),
        ((1.0, np.zeros(3), 0.0), "dw has shape (3,); expected (2,)"),
        ((np.zeros(1), np.zeros(2), 0.0), "cost has shape (1,); expected ()"),
        ((0.0, np.zeros(2, np.float32), 0.0), "dw is float32; expected float64"),
        ((0.0, np.zeros(2), np.float32(0)), "db is float32; expected float64"),
        ((0.0, np.zeros(2, int), 0.0), "dw is int64; expected float64"),
        ((0.0, "two", 0.0), "dw is a builtins.str; expected NumPy's own, or a Kernel with a backend"),
        ((0, np.zeros(2), 0.0), "cost is a builtins.int; expected NumPy's own, or a Kernel with a backend"),
        ((0.0, np.array([0, np.nan]), 0.0), "dw[1] is nan"),
        ((0.5, np.zeros(2), -np.inf), "db is -inf"),
    ],
)
def test_malformed_results(result: Any, message: str) -> None:
    first = run_checks(Kernel("mine", NUMPY, "", None, lambda *_: result), SMALL)[0]
    assert first.failure == f"data: {message}"
    assert np.isinf(first.max_ulps)


class Lazy:
    """An array that computes when it is converted."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.zeros(2)


def test_an_array_that_computes_when_it_is_converted_is_refused() -> None:
    results = run_checks(Kernel("mine", NUMPY, "", None, lambda *_: Gradient(0.0, Lazy(), 0.0)), SMALL)
    assert re.fullmatch(r"data: dw is a tests\.\S+\.Lazy; expected NumPy's own, .*", results[0].failure)


def test_the_worst_component_is_named() -> None:
    def third_is_off(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        J, dw, db = correct(X, y, w, b)
        return Gradient(J, dw + 0.5 * (np.arange(len(dw)) == 2), db)

    results = run_checks(Kernel("mine", NUMPY, "", None, third_is_off), "100x5")
    assert results[0].failure.startswith("data: dw[2] is ")


@pytest.mark.parametrize(("error", "passes"), [(0.9, True), (1.1, False)])
def test_an_error_may_reach_the_bound_and_no_more(error: float, passes: bool) -> None:
    case = inputs(SMALL).data
    value, bound = case.expected.value, case.expected.bound
    result = case.judge([np.asarray(value.cost + error * bound.cost), value.dw, np.asarray(value.db)])
    assert result.bound_fraction == pytest.approx(error, rel=0.01)
    assert (not result.failure) is passes


@pytest.mark.parametrize(("seconds", "passes"), [(2e-6, True), (2.4e-4, True), (3e-4, False), (1e-3, False)])
def test_an_untimed_step_may_take_a_quarter_of_a_call(seconds: float, passes: bool) -> None:
    result = check_untimed_work("placed", "placing parameters", seconds, alone=1e-6, call=1e-3)
    assert (not result.failure) is passes


def test_the_probes_share_one_matrix() -> None:
    for name in ("100x3-f32", "100x3-F"):
        workload = catalog.named(name)
        matrices = [probe.problem.X for probe in probes(workload)]
        assert all(np.shares_memory(matrices[0], other) for other in matrices)
        assert (matrices[0].dtype, probes(workload)[0].problem.order) == (
            workload.dtype,
            workload.order,
        )


def test_a_kernel_that_stops_computing_after_the_checks_is_detected() -> None:
    numpy_gradient = load("numpy").gradient
    answers: list[Gradient] = []

    def lazy(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        if len(answers) < 6:
            answers.append(numpy_gradient(X, y, w, b))
            return answers[-1]
        return answers[0]

    checks = run_checks(Kernel("lazy", NUMPY, "", None, lazy), SMALL)
    assert [result.check for result in checks if result.failure] == ["unseen"]
