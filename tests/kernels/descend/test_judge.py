"""The judge of a descent: against 50 digits, how wide its bounds are, which steps it judges, and what it says."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from kernels import Inputs, Problem, load
from kernels.contract import Fresh
from kernels.descend import judge as judging
from kernels.descend.judge import chosen_steps, judge
from kernels.descend.path import Path
from kernels.gradient import reference
from kernels.gradient.reference import unit_roundoff
from tests.support.descents import copied, descent, path_of
from tests.support.exact import exactly
from tests.support.problems import normal

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
NUMPY = load("numpy", "descend")


def exact_path(inputs: Inputs, fresh: Fresh) -> Path:
    """Each step from the entry before it, and each cost, to 50 digits, and then rounded once."""
    X, y, alpha = inputs.placed.values()
    path = path_of(NUMPY, inputs, fresh)
    with mpmath.workdps(50):
        for t in range(inputs.static + 1):
            J, dw, db = exactly(Problem(X, y, path.ws[t], path.bs[t]))
            path.costs[t] = float(J[0])
            if t < inputs.static:
                w = [mpmath.mpf(float(v)) - mpmath.mpf(float(alpha)) * s for v, s in zip(path.ws[t], dw, strict=True)]
                path.ws[t + 1] = [float(part) for part in w]
                path.bs[t + 1] = float(mpmath.mpf(float(path.bs[t])) - mpmath.mpf(float(alpha)) * db[0])
    return path


@DTYPES
@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("score", [0.1, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("rate", [0.01, 1.0, 1.9])
def test_exact_steps_are_well_within_the_bound(
    dtype: type[np.floating[Any]], quick: bool, score: float, rate: float
) -> None:
    """A right step that is rounded once has a quarter of the error that the bound grants its last two roundings."""
    inputs, fresh = descent(normal(8, 5, dtype, score=score), 4, rate)
    judgement = judge(inputs, fresh, quick)(exact_path(inputs, fresh))
    assert judgement.failure == ""
    assert judgement.bound_fraction is not None
    assert judgement.bound_fraction <= 0.25


@DTYPES
@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("rate", [0.01, 1.0])
def test_a_step_that_is_off_by_more_than_the_roundings_of_its_sums_is_wrong(
    dtype: type[np.floating[Any]], quick: bool, rate: float
) -> None:
    """At the last entry, from which no step is judged: by 100 roundings of w and of the terms of α dw, or by 200."""
    inputs, fresh = descent(normal(8, 5, dtype), 3, rate)
    X, y, alpha = inputs.placed.values()
    right, roundings = exact_path(inputs, fresh), (200 if quick else 100) * unit_roundoff(X.dtype)
    judged = judge(inputs, fresh, quick)
    scale = reference.compute(Problem(X, y, right.ws[2], right.bs[2])).scale
    for j in range(5):
        wrong = copied(right)
        wrong.ws[3, j] += dtype(roundings * (abs(right.ws[3, j]) + float(alpha) * scale.dw[j]))
        assert judged(wrong).failure.startswith(f"ws[3, {j}] is ")
    wrong = copied(right)
    wrong.bs[3] += dtype(roundings * (abs(right.bs[3]) + float(alpha) * scale.db))
    assert judged(wrong).failure.startswith("bs[3] is ")
    for t in range(4):
        wrong = copied(right)
        wrong.costs[t] *= dtype(1 + roundings)
        assert judged(wrong).failure.startswith(f"costs[{t}] is ")


def test_a_failure_says_what_is_wrong_in_one_line() -> None:
    inputs, fresh = descent(normal(8, 5), 3)
    path = path_of(NUMPY, inputs, fresh)
    judged = judge(inputs, fresh, False)
    wrong = copied(path)
    wrong.ws[2, 1] += 1
    judgement = judged(wrong)
    assert judgement.failure == (
        f"ws[2, 1] is {wrong.ws[2, 1]:.9g}, not {path.ws[2, 1]:.9g} "
        f"(error: {judgement.bound_fraction:.2g} times what is allowed)"
    )
    wrong = copied(path)
    wrong.costs[1] = np.nan
    assert judged(wrong).failure == "costs[1] is nan"
    assert judged(wrong).curves == {"cost": [path.costs[0], *path.costs[2:]]}
    wrong = copied(path)
    wrong.ws[3, 4] = np.inf
    assert judged(wrong).failure == "ws[3, 4] is inf"
    wrong = copied(path)
    wrong.bs[0] = np.nextafter(wrong.bs[0], 1)
    assert judged(wrong).failure == "the path does not begin at the start that was given"
    wrong = copied(path)
    wrong.ws[3] = 1e308
    assert judged(wrong).failure.startswith("after 3 steps: w, b and row ")
    assert "\n" not in judged(wrong).failure


def test_a_right_path_has_its_costs_as_a_curve() -> None:
    inputs, fresh = descent(normal(8, 5), 3)
    path = path_of(NUMPY, inputs, fresh)
    judgement = judge(inputs, fresh, False)(path)
    assert (judgement.failure, judgement.reached) == ("", True)
    assert judgement.curves == {"cost": path.costs.tolist()}
    assert 0 < judgement.figures["ulps"] < 50


def test_a_start_that_does_not_fit_is_refused() -> None:
    inputs, _ = descent(normal(8, 5), 3)
    with pytest.raises(ValueError, match=r"^w has shape \(4,\); expected \(5,\), one weight for each column of X$"):
        judge(inputs, (np.zeros(4), 0.0), False)
    with pytest.raises(ValueError, match=r"^b is array\(\[0\.\]\); expected one real number$"):
        judge(inputs, (np.zeros(5), np.zeros(1)), False)


def test_a_right_path_that_diverges_is_not_wrong_but_does_not_reach_the_goal() -> None:
    inputs, fresh = descent(normal(33, 5), 20, rate=300.0)
    path = path_of(NUMPY, inputs, fresh)
    judgement = judge(inputs, fresh, False)(path)
    assert (judgement.failure, judgement.reached) == ("", False)
    assert len(judgement.curves["cost"]) == 21
    path.ws[20, 4] += 1
    assert judge(inputs, fresh, False)(path).failure.startswith("ws[20, 4] is ")


def test_which_steps_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_steps(101, 1000, 2).tolist() == [*range(101)]
    assert chosen_steps(2, 10**9, 1000).tolist() == [0, 1]
    assert chosen_steps(4, 10**9, 1000).tolist() == [0, 1, 2, 3]
    assert len(chosen_steps(101, 1_000_000, 32)) == 2**32 // (1_000_000 * 288) == 14
    monkeypatch.setattr(judging, "_JUDGED_WORK", 10 * 100 * (256 + 2))
    draws = [chosen_steps(101, 100, 2).tolist() for _ in range(400)]
    for steps in draws:
        assert len(set(steps)) == 10
        assert steps == sorted(steps)
        assert {0, 99, 100} <= set(steps)
    # each middle entry is missed by 400 draws of 7 of 98 with probability 1e-13
    assert {step for steps in draws for step in steps} == set(range(101))


@DTYPES
def test_a_sample_of_the_steps_has_the_same_references(dtype: type[np.floating[Any]], monkeypatch: Any) -> None:
    inputs, fresh = descent(normal(33, 5, dtype), 20)
    path = path_of(NUMPY, inputs, fresh)
    whole = judge(inputs, fresh, True)(path).bound_fraction
    monkeypatch.setattr(judging, "_JUDGED_WORK", 0)
    sampled = [judge(inputs, fresh, True)(path) for _ in range(100)]
    assert [judgement.failure for judgement in sampled] == [""] * 100
    # in 100 draws of one of 18 steps, the worst one is among those of most seeds, and the others are not worse
    assert max(judgement.bound_fraction or 0 for judgement in sampled) <= (whole or 0) * (1 + 1e-9)
    assert min(judgement.bound_fraction or 0 for judgement in sampled) > 0


@pytest.mark.parametrize("quick", [False, True])
def test_a_wrong_step_is_found_wherever_it_is_judged(quick: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the reference is computed in double, and where few steps are judged."""
    inputs, fresh = descent(normal(33, 5), 10)
    path = path_of(NUMPY, inputs, fresh)
    for work in (2**32, 0):
        monkeypatch.setattr(judging, "_JUDGED_WORK", work)
        for t in (0, 9) if work == 0 else range(10):
            wrong = copied(path)
            wrong.ws[t + 1 :] = path_of(NUMPY, inputs, (path.ws[t] + 1e-9, path.bs[t])).ws[1 : 11 - t]
            assert judge(inputs, fresh, quick)(wrong).failure.startswith(("ws[", "bs[", "costs["))


def test_numbers_that_overflow_are_no_agreement() -> None:
    """With α = 10³⁰⁸ the step and its bound are infinite, and their quotient is no number."""
    problem = normal(33, 5)
    X = problem.X * 100
    inputs = Inputs({"X": X, "y": problem.y, "alpha": np.asarray(1e308)}, 2, {"L": 1e-308})
    start = np.zeros(5)
    path = Path(np.full(3, np.log(2)), np.zeros((3, 5)), np.zeros(3))
    assert judge(inputs, (start, 0.0), False)(path).failure.startswith(("ws[1, ", "bs[1]"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bound_of_a_cost_has_one_more_rounding_of_w_and_b(dtype: type[np.floating[Any]]) -> None:
    """One example with x = 0 and b = 100: 4 roundings of z, 8 of the loss and of z each, and 5 of a sum of one.

    In float64 the reference is in double itself, and all count twice.
    """
    zero, b = np.zeros((1, 1), dtype), np.full(1, 100, dtype)
    each = reference.compute_each(zero, zero[0], zero, b, roundings=1)
    expected = (4 + 8 + 8 + 5) * 100 * unit_roundoff(np.dtype(dtype)) * (2 if dtype is np.float64 else 1)
    assert each.bound.cost == pytest.approx([expected], rel=1e-3)


@DTYPES
@pytest.mark.parametrize("order", ["C", "F"])
def test_many_references_at_once_are_those_of_one_at_a_time(
    dtype: type[np.floating[Any]], order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = normal(1000, 5, dtype, order)
    rng = np.random.default_rng(0)
    ws, bs = rng.standard_normal((7, 5)).astype(dtype), rng.standard_normal(7).astype(dtype)
    monkeypatch.setattr(reference, "_ONE_THREAD", 7 * 5 * 70)  # blocks of 70 rows, and 20 in the last
    each = reference.compute_each(problem.X, problem.y, ws, bs, roundings=1)
    for t in range(7):
        one = reference.compute(Problem(problem.X, problem.y, ws[t], bs[t]), quick=True, roundings=1)
        for parts, of_one in ((each.value, one.value), (each.bound, one.bound), (each.scale, one.scale)):
            for part, right, scale in zip(parts, of_one, one.scale, strict=True):
                np.testing.assert_allclose(part[t], right, rtol=1e-12, atol=1e-13 * np.min(scale))


def test_a_path_of_half_of_the_rows_is_wrong_on_data() -> None:
    """The bound that grows with m allows 1.2% here."""
    inputs, fresh = descent(normal(200_000, 4, np.float32), 2)
    X, y, alpha = inputs.placed.values()
    half = path_of(NUMPY, Inputs({"X": X[::2], "y": y[::2], "alpha": alpha}, 2), fresh)
    for quick in (False, True):
        assert judge(inputs, fresh, quick)(path_of(NUMPY, inputs, fresh)).failure == ""
        judged = judge(inputs, fresh, quick)(half)
        assert judged.failure
        assert judged.bound_fraction is not None
        assert judged.bound_fraction < 30  # within the bound that grows with m
