"""Every available kernel, on problems with known results and on random problems of the whole domain."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any, Literal

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, target

from kernels import Gradient, Problem, load
from kernels.gradient import numpy_blocked, reference
from kernels.registry import KERNELS
from tests.support.exact import exactly
from tests.support.problems import available, call, every_kernel, is_beyond, normal, problems

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
ORDERS = pytest.mark.parametrize("order", ["C", "F"])


def bound_fraction(result: Gradient, problem: Problem) -> float:
    """The largest error as a fraction of its bound."""
    expected = reference.compute(problem)
    return max(
        float(np.max(error / bound)) for error, bound in zip(expected.error(result), expected.bound, strict=True)
    )


@every_kernel
@DTYPES
def test_an_example_computed_by_hand(name: str, dtype: type[np.floating[Any]]) -> None:
    # z = (0, log 3), so a = (1/2, 3/4); y = (1, 0), so dz = (−1/2, 3/4)
    X = np.array([[0.0, 2.0], [1.0, 0.0]], dtype)
    problem = Problem(X, np.array([1, 0], dtype), np.array([math.log(3), 0], dtype), dtype(0))
    result = call(available(name), problem)
    tolerance = 8 * float(np.finfo(dtype).eps)
    assert result.cost == pytest.approx((math.log(2) + math.log(4)) / 2, rel=tolerance)
    assert result.dw == pytest.approx([3 / 8, -1 / 2], rel=tolerance)
    assert result.db == pytest.approx(1 / 8, rel=tolerance)


@every_kernel
@DTYPES
def test_with_zero_weights_every_probability_is_one_half(name: str, dtype: type[np.floating[Any]]) -> None:
    X = np.array([[1.0], [-1.0], [3.0], [0.0]], dtype)
    result = call(available(name), Problem(X, np.array([1, 0, 1, 1], dtype), np.zeros(1, dtype), dtype(0)))
    assert (float(result.dw[0]), float(result.db)) == (-0.625, -0.25)
    assert result.cost == pytest.approx(math.log(2), rel=4 * float(np.finfo(dtype).eps))


@every_kernel
@DTYPES
@ORDERS
def test_the_result_has_the_dtype_and_shapes_of_the_problem(
    name: str, dtype: type[np.floating[Any]], order: str
) -> None:
    result = call(available(name), normal(33, 5, dtype, order))
    assert [part.dtype for part in result] == [dtype] * 3
    assert [part.shape for part in result] == [(), (5,), ()]


@every_kernel
@ORDERS
def test_inputs_are_not_mutated(name: str, order: Literal["C", "F"]) -> None:
    kernel, problem = available(name), normal(33, 5, order=order)
    writable = [np.array(part, order=order)[()] for part in (problem.X, problem.y, problem.w, problem.b)]
    placed = [kernel.backend.asarray(part) for part in writable]
    before = [kernel.backend.asnumpy(part, problem.dtype).copy() for part in placed]
    kernel.backend.wait(kernel.built(None)(*placed))
    for part, original in zip(placed, before, strict=True):
        np.testing.assert_array_equal(kernel.backend.asnumpy(part, problem.dtype), original)


@every_kernel
def test_the_gradient_is_the_finite_difference_of_the_cost(name: str) -> None:
    kernel, problem, h = available(name), normal(33, 5), 1e-5
    result = call(kernel, problem)
    # σ'' ≤ 1/(6√3): the error of the central difference is at most h²/6 mean |x³| σ'', and the rounding
    rounding = 2 * float(reference.compute(problem).bound.cost) / (2 * h)
    truncation = h**2 / 6 * np.mean(np.abs(problem.X) ** 3, axis=0) / (6 * math.sqrt(3))
    for j in range(problem.n):
        step = h * np.eye(problem.n)[j]
        up, down = (call(kernel, Problem(problem.X, problem.y, problem.w + s, problem.b)).cost for s in (step, -step))
        assert result.dw[j] == pytest.approx((up - down) / (2 * h), abs=rounding + truncation[j])
    up, down = (call(kernel, Problem(problem.X, problem.y, problem.w, problem.b + s)).cost for s in (h, -h))
    assert result.db == pytest.approx((up - down) / (2 * h), abs=rounding + h**2)


@every_kernel
@DTYPES
@pytest.mark.parametrize("score", [0.1, 1.0, 30.0, 1e4])
def test_against_50_digits(name: str, dtype: type[np.floating[Any]], score: float) -> None:
    kernel, problem = available(name), normal(8, 5, dtype, score=score)
    if is_beyond(kernel, problem):
        pytest.skip(f"{name} is right for scores up to {kernel.largest_score:g} only")
    result, bound = call(kernel, problem), reference.compute(problem).bound
    for part, exact_part, part_bound in zip(result, exactly(problem), bound, strict=True):
        for value, exact, most in zip(np.ravel(part), exact_part, np.ravel(part_bound), strict=True):
            assert abs(mpmath.mpf(float(value)) - exact) <= most


@every_kernel
@DTYPES
@pytest.mark.parametrize("score", [15.0, 21.0, 37.0, 45.0])
def test_the_loss_of_a_large_score_keeps_its_digits(name: str, dtype: type[np.floating[Any]], score: float) -> None:
    # log(1 + e^z) − z is about 10⁻⁹ at z = 20, and below 2⁻⁵³ from z = 37 on
    one = np.ones((1, 1), dtype)
    result = call(available(name), Problem(one, np.zeros(1, dtype), np.full(1, score, dtype), dtype(0)))
    exact = score + math.log1p(math.exp(-score))
    assert float(result.cost) == pytest.approx(exact, rel=4 * float(np.finfo(dtype).eps), abs=0)


@every_kernel
def test_within_the_bound_over_the_whole_domain(name: str) -> None:
    kernel, largest, count = available(name), 0.0, 0

    @given(problems())
    def within(problem: Problem) -> None:
        nonlocal largest, count
        assume(not is_beyond(kernel, problem))
        count += 1
        fraction = bound_fraction(call(kernel, problem), problem)
        target(fraction)
        assert fraction <= 1
        largest = max(largest, fraction)

    within()
    print(f"{name}: largest fraction of the bound {largest:.3f} in {count} problems")


@every_kernel
@DTYPES
@ORDERS
def test_invariances_of_the_gradient(name: str, dtype: type[np.floating[Any]], order: str) -> None:
    kernel, problem = available(name), normal(33, 5, dtype, order, score=3.0)
    X, y, w, b = problem.X, problem.y, problem.w, problem.b
    result, bound = call(kernel, problem), reference.compute(problem).bound

    def agrees(other: Problem, restore: Any) -> None:
        """Both results are within the bound of the same exact result, so they differ by at most twice the bound."""
        for part, other_part, part_bound in zip(result, restore(call(kernel, other)), bound, strict=True):
            assert np.all(np.abs(part - other_part) <= 2 * part_bound)

    rows = np.random.default_rng(1).permutation(33)
    agrees(Problem(np.asarray(X[rows], order=order), y[rows], w, b), lambda g: g)  # type: ignore[call-overload]
    agrees(Problem(X, 1 - y, -w, -b), lambda g: Gradient(g.cost, -g.dw, -g.db))
    factor = np.array([1, 4, 1, 0.5, 1], dtype)  # powers of two change no rounding
    agrees(Problem(X * factor, y, w / factor, b), lambda g: Gradient(g.cost, g.dw / factor, g.db))


@DTYPES
@ORDERS
@pytest.mark.parametrize("m", [6, 7, 8, 13, 21, 22, 27])
@pytest.mark.parametrize("name", ["numpy-blocked", "jax-blocked"])
def test_the_sums_of_all_blocks_are_added(
    name: str, m: int, dtype: type[np.floating[Any]], order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of seven examples, with and without a smaller one at the end."""
    kernel, problem = available(name), normal(m, 6, dtype, order)
    module = import_module(KERNELS["gradient"][name].partition(":")[0])
    monkeypatch.setattr(module, "_BLOCK_BYTES", 7 * 6 * np.dtype(dtype).itemsize)
    assert bound_fraction(call(kernel, problem), problem) <= 1


def test_sums_over_blocks_are_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    """2¹² equal examples in a block each: their sum in float32 would be off by hundreds of roundings."""
    m, x = 2**12, np.float32(0.1)
    monkeypatch.setattr(numpy_blocked, "_BLOCK_BYTES", 1)
    X = np.full((m, 1), x)
    result = call(load("numpy-blocked"), Problem(X, np.zeros(m, np.float32), np.zeros(1, np.float32), np.float32(0)))
    assert result.dw == pytest.approx(0.5 * float(x), rel=2.0**-23)
    assert float(result.cost) == pytest.approx(math.log(2), rel=2.0**-23)


@every_kernel
def test_the_gradient_is_the_average_over_two_parts(name: str) -> None:
    kernel, problem = available(name), normal(33, 5)
    X, y, w, b = problem.X, problem.y, problem.w, problem.b
    first, second = call(kernel, Problem(X[:11], y[:11], w, b)), call(kernel, Problem(X[11:], y[11:], w, b))
    bound = reference.compute(problem).bound
    for whole, part_1, part_2, part_bound in zip(call(kernel, problem), first, second, bound, strict=True):
        assert np.all(np.abs(whole - (11 * part_1 + 22 * part_2) / 33) <= 3 * part_bound)


@DTYPES
def test_scikit_learns_cost_fails_with_its_cause_where_the_squared_norm_overflows(
    dtype: type[np.floating[Any]],
) -> None:
    """The problem is in the domain, and the other kernels compute it; scikit-learn adds 0 · |w|²."""
    size = 4 * np.sqrt(np.finfo(dtype).max)
    X = np.array([[1 / size], [-0.5 / size], [0]], dtype)
    problem = Problem(X, np.array([1, 0, 1], dtype), np.array([size], dtype), dtype(0.3))
    assert bound_fraction(call(load("numpy"), problem), problem) <= 1
    message = r"scikit-learn's cost is nan where \|w\|² overflows"
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(FloatingPointError, match=message):
        call(load("sklearn"), problem)
    smaller = Problem(X * 8, problem.y, problem.w / 8, problem.b)
    assert bound_fraction(call(load("sklearn"), smaller), smaller) <= 1
    assert "where |w|² overflows" in load("sklearn").summary
