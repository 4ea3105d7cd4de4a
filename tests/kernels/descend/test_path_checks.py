"""What a path shows by itself: no false alarm for a right one, and what is found of a wrong one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from kernels import Inputs, Problem, load
from kernels.contract import Fresh
from kernels.descend import judge as judging
from kernels.descend.bounds import columns, cost_errors, largest_scores, step_errors
from kernels.descend.judge import judge
from kernels.descend.path import Path
from kernels.descend.path_checks import contradiction
from kernels.gradient import reference
from kernels.gradient.reference import unit_roundoff
from tests.support.descents import copied, descent, descents, every_descent_quickly, path_of
from tests.support.problems import available, normal

NUMPY = load("numpy", "descend")
STEPS = 30


def contradicts(inputs: Inputs, path: Path) -> str:
    return contradiction(columns(inputs.placed["X"]), path, float(inputs.placed["alpha"]), inputs.details["L"])


@every_descent_quickly
def test_no_false_alarm_over_the_whole_domain(name: str) -> None:
    kernel = available(name, "descend")

    @given(descents())
    def passes(case: tuple[Inputs, Fresh]) -> None:
        inputs, fresh = case
        path = path_of(kernel, inputs, fresh)
        assert judge(inputs, fresh, False)(path).failure == ""
        assert judge(inputs, fresh, True)(path).failure == ""
        assert contradicts(inputs, path) == ""

    passes()


@given(descents())
def test_the_bounds_without_the_examples_are_wider_than_those_with_them(case: tuple[Inputs, Fresh]) -> None:
    inputs, fresh = case
    X, y, alpha = inputs.placed.values()
    path, of_X, u = path_of(NUMPY, inputs, fresh), columns(X), unit_roundoff(X.dtype)
    C, E, scores = cost_errors(of_X, path), step_errors(of_X, path, float(alpha)), largest_scores(of_X, path)
    for t in range(inputs.static + 1):
        at = reference.compute(Problem(X, y, path.ws[t], path.bs[t]), roundings=1)
        absX, absw = np.abs(X, dtype=np.float64), np.abs(path.ws[t], dtype=np.float64)
        assert scores[t] * (1 + 1e-12) >= (absX @ absw).max() + abs(float(path.bs[t]))
        assert C[t] * (1 + 1e-12) >= at.bound.cost
        if t < inputs.static:
            before, slope = np.append(path.ws[t], path.bs[t]).astype(float), np.append(at.value.dw, at.value.db)
            right = before - float(alpha) * slope
            allowed = float(alpha) * np.append(at.bound.dw, at.bound.db)
            allowed += u * (2 * abs(before) + 3 * float(alpha) * abs(slope) + 4 * abs(right))
            assert np.all(E[t] * (1 + 1e-12) >= allowed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_false_alarm_for_errors_as_large_as_the_bounds_allow(dtype: type[np.floating[Any]]) -> None:
    """Each step and each cost is off by nine tenths of its bound, in a random direction."""
    rng = np.random.default_rng(0)
    inputs, _ = descent(normal(33, 5, dtype), STEPS)
    X, y, alpha = inputs.placed.values()
    of_X, u = columns(X), unit_roundoff(X.dtype)
    for trial in range(20):
        v = rng.standard_normal(6).astype(dtype)
        costs, vs = [], [v]
        for t in range(STEPS + 1):
            at = reference.compute(Problem(X, y, v[:5], v[5]), roundings=1)
            costs.append(at.value.cost + 0.9 * rng.choice([-1, 1]) * at.bound.cost)
            slope = np.append(at.value.dw, at.value.db)
            right = v - float(alpha) * slope
            allowed = float(alpha) * np.append(at.bound.dw, at.bound.db)
            allowed += u * (2 * abs(v) + 3 * float(alpha) * abs(slope) + 3 * abs(right))
            signs = rng.choice([-1, 1], 6) if trial % 2 else (-1) ** t
            v = (right + 0.9 * signs * allowed).astype(dtype)
            vs.append(v)
        array = np.array(vs[:-1])
        path = Path(np.array(costs, dtype), array[:, :5], array[:, 5])
        assert contradiction(of_X, path, float(alpha), inputs.details["L"]) == ""


def skipped(path: Path, t: int) -> Path:
    """Entry t + 1 repeats entry t; the others come one later."""
    return Path(*(np.concatenate([part[: t + 1], part[t:-1]]) for part in path))


@pytest.mark.parametrize("t", range(1, STEPS - 1))
def test_a_skipped_step_is_found_wherever_it_is(t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, fresh = descent(normal(200, 5), STEPS)
    wrong = skipped(path_of(NUMPY, inputs, fresh), t)
    failure = contradicts(inputs, wrong)
    assert failure.startswith("the steps from entries ")
    assert str(t) in failure
    # judging only a few steps finds it as well, whichever they are
    monkeypatch.setattr(judging, "_JUDGED_WORK", 0)
    assert judge(inputs, fresh, True)(wrong).failure


def test_what_is_found_of_wrong_gradients() -> None:
    inputs, fresh = descent(normal(200, 5), STEPS)
    path, alpha, t = path_of(NUMPY, inputs, fresh), float(inputs.placed["alpha"]), 5

    def with_step(d: np.ndarray, d_b: float) -> Path:
        """Another step from entry t, and right ones from there."""
        rest = path_of(NUMPY, inputs, (path.ws[t] + d, path.bs[t] + d_b))
        return Path(
            *(np.concatenate([part[: t + 1], later[: STEPS - t]]) for part, later in zip(path, rest, strict=True))
        )

    before, step = (np.diff(path.ws, axis=0)[s] for s in (t - 1, t))
    before_b, step_b = (float(np.diff(path.bs)[s]) for s in (t - 1, t))
    assert contradicts(inputs, with_step(step, step_b)) == ""
    assert contradicts(inputs, with_step(before, before_b))  # with the gradient of the step before
    assert contradicts(inputs, with_step(-step, -step_b))  # uphill
    assert contradicts(inputs, with_step(2 * step, 2 * step_b))  # twice as far
    assert contradicts(inputs, with_step(0 * step, 0.0))  # nowhere
    assert alpha * inputs.details["L"] == pytest.approx(1)


@pytest.mark.parametrize(("rate", "found"), [(0.5, True), (1.0, True), (1.9, True), (2.1, False)])
def test_a_descent_may_swing_only_with_a_rate_above_2_over_l(rate: float, found: bool) -> None:
    """Between two points of the same cost: over α g the gradient changes from g to −g, and L allows L α |g|."""
    inputs, fresh = descent(normal(200, 5), STEPS, rate)
    path = path_of(NUMPY, inputs, fresh)
    entries = np.arange(STEPS + 1) % 2
    swinging = Path(*(part[entries] for part in path))._replace(costs=np.full(STEPS + 1, path.costs[0]))
    assert bool(contradicts(inputs, swinging)) is found


@pytest.mark.parametrize("t", range(1, STEPS))
def test_a_cost_that_does_not_fit_its_steps_is_found(t: int) -> None:
    inputs, fresh = descent(normal(200, 5), STEPS)
    path = path_of(NUMPY, inputs, fresh)
    cost = path.costs[t]
    # at first the costs of the neighbours differ, later the cost is known to many digits
    near = (path.costs[t - 1], path.costs[t + 1]) if t < 10 else (cost * (1 - 1e-9), cost * (1 + 1e-9))
    for wrong_cost in (*near, 2 * cost, 0.0, -1.0):
        wrong = copied(path)
        wrong.costs[t] = wrong_cost
        failure = contradicts(inputs, wrong)
        assert failure.startswith("costs[")
        assert "; with these steps it is " in failure


def test_where_nothing_is_known_nothing_is_said() -> None:
    """With m u above 1 a correct kernel may return any cost; and numbers whose squares overflow raise no alarm."""
    inputs, fresh = descent(normal(33, 5, np.float32), STEPS)
    path, of_X = path_of(NUMPY, inputs, fresh), columns(inputs.placed["X"])
    assert np.isinf(cost_errors(of_X._replace(m=2**24), path)).all()
    inputs, fresh = descent(normal(33, 5), STEPS)
    huge = Path(*(np.full_like(part, 1e200) for part in path_of(NUMPY, inputs, fresh)))
    with np.errstate(over="ignore", invalid="ignore"):
        assert contradicts(inputs, huge) == ""
