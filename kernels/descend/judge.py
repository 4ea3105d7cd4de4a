"""When a descent is right: step by step, from the kernel's own parameters.

A bound over the whole path would allow anything in float32, since errors of early steps grow. So each step is judged
by itself: from the kernel's (w_t, b_t), the reference's gradient leads to (w_t+1, b_t+1) within

    α B + u (2 |w_t| + 3 α |dw| + 4 |w_t+1|) + 4 t,

where B is the bound of the gradient's own error at (w_t, b_t) (kernels/gradient/reference.py, with one rounding of
w and b more: a kernel may keep them in a wider dtype than it returns), u the unit roundoff and t the smallest normal
number. The terms: w_t is rounded once; α dw is a product, in the kernel and here; w_t+1 is a difference, in the
kernel and here, and is rounded to the dtype; and one more of each for the terms of second order.

Every step is judged where that takes little time. Else the first, the last, and some that are chosen anew each time;
then the whole path must also be possible (kernels/descend/path_checks.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kernels.contract import Fresh, Inputs, Judge, Judgement
from kernels.descend.bounds import Columns, columns, largest_scores, parameters
from kernels.descend.learning_rate import divergence
from kernels.descend.path import Path
from kernels.descend.path_checks import contradiction
from kernels.gradient import reference
from kernels.gradient.judge import not_finite
from kernels.gradient.operation import distinct
from kernels.gradient.problem import Gradient, Problem
from kernels.gradient.reference import Reference, unit_roundoff

_JUDGED_WORK = 2**32
"""Examples × judged steps × (256 + features): a score with its sigmoid, loss and bounds takes as long as 256 of a
product's multiply-adds. About 0.6 s."""
_EXACT_WORK = 2**21
"""Examples × steps × (17 + features), up to which float64 is judged in double-double: about 0.2 s."""
_FEWEST_JUDGED = 4


class StepErrors(NamedTuple):
    """The errors of the judged costs and steps."""

    bound_fraction: float
    """The largest error / its bound."""
    ulps: float
    failure: str
    """The cost or parameter whose error is the largest share of its bound; empty if that is within it."""


def judge(inputs: Inputs, fresh: Fresh, quick: bool) -> Judge:
    """Judge the steps of a path that must start at `fresh`. Raises ValueError for a start that does not fit X."""
    X, y, alpha = inputs.placed.values()
    start, rate, L, of_X = Problem(X, y, *fresh), float(alpha), inputs.details["L"], columns(X)
    different = distinct(inputs)

    @np.errstate(over="ignore", invalid="ignore")  # of a wrong path; what is not a number is not within a bound
    def judge_path(result: Sequence[np.ndarray]) -> Judgement:
        path = Path(*result)
        curves = {"cost": path.costs[np.isfinite(path.costs)].tolist()}
        steps = chosen_steps(len(path.costs), *X.shape)
        if failure := malformed(path, start) or _outside(start, of_X, path, steps):
            return Judgement(failure, curves=curves)
        errors = step_errors(_expected(start, path, steps, quick, different), path, steps, rate)
        failure = errors.failure
        if not failure and len(steps) < len(path.costs):
            failure = contradiction(of_X, path, rate, L)
        reached = not (rate * L > 2 and divergence(path.costs))  # the learning rate's doing, not the kernel's
        return Judgement(failure, errors.bound_fraction, {"ulps": errors.ulps}, reached, curves)

    return judge_path


def malformed(path: Path, start: Problem) -> str:
    """What no further judgement can make good: numbers that are not finite, or another start."""
    if failure := not_finite(path._asdict()):
        return failure
    if not (np.array_equal(path.ws[0], start.w) and path.bs[0] == start.b):
        return "the path does not begin at the start that was given"
    return ""


def chosen_steps(entries: int, m: int, n: int) -> np.ndarray:
    """The entries that are judged, in order: all, or the first, the last two, and some that no kernel can know."""
    count = max(_FEWEST_JUDGED, _JUDGED_WORK // (m * (256 + n)))
    if count >= entries:
        return np.arange(entries)
    middle = 1 + np.random.default_rng().choice(entries - 3, count - 3, replace=False)
    return np.sort([0, *middle, entries - 2, entries - 1])


def step_errors(expected: Reference, path: Path, steps: np.ndarray, alpha: float) -> StepErrors:
    """Compare the costs of these entries, and the steps from there, with the reference, which has a row for each."""
    u, tiny = unit_roundoff(path.costs.dtype), float(np.finfo(path.costs.dtype).smallest_normal)
    value, bound, scale = expected.value, expected.bound, expected.scale
    of_costs = _largest_error(path.costs[steps], value.cost, bound.cost, np.maximum(u * scale.cost, tiny))
    moving, v = steps[steps < len(path.costs) - 1], parameters(path)
    slope, slope_bound, slope_scale = (np.column_stack([of.dw, of.db])[: len(moving)] for of in (value, bound, scale))
    before, right = v[moving], v[moving] - alpha * slope
    allowed = alpha * slope_bound + u * (2 * abs(before) + 3 * alpha * abs(slope) + 4 * abs(right)) + 4 * tiny
    unit = np.maximum(u * (abs(before) + alpha * slope_scale), tiny)
    of_parameters = _largest_error(v[moving + 1], right, allowed, unit)
    worst = max(of_costs, of_parameters, key=lambda error: error.fraction)
    ulps = max(of_costs.ulps, of_parameters.ulps)
    if worst.fraction <= 1:
        return StepErrors(worst.fraction, ulps, "")
    t, *feature = worst.place
    name = f"costs[{steps[t]}]" if worst is of_costs else f"bs[{moving[t] + 1}]"
    if feature and feature[0] < path.ws.shape[1]:
        name = f"ws[{moving[t] + 1}, {feature[0]}]"
    text = f"{name} is {worst.value:.9g}, not {worst.right:.9g} (error: {worst.fraction:.2g} times what is allowed)"
    return StepErrors(worst.fraction, ulps, text)


class _Error(NamedTuple):
    fraction: float
    ulps: float
    place: tuple[int, ...]
    value: float
    right: float


def _largest_error(values: np.ndarray, right: Any, bound: Any, unit: Any) -> _Error:
    """The error that is the largest share of its bound."""
    error = abs(values - right)
    fractions = np.nan_to_num(error / bound, nan=np.inf)
    place = tuple(int(index) for index in np.unravel_index(np.argmax(fractions), fractions.shape))
    ulps = float(np.max(error / unit))
    return _Error(float(fractions[place]), ulps, place, float(values[place]), float(right[place]))


def stacked(references: Sequence[Reference]) -> Reference:
    """One reference with a row for each of these."""
    return Reference(*(Gradient(*map(np.stack, zip(*parts, strict=True))) for parts in zip(*references, strict=True)))


def _expected(start: Problem, path: Path, steps: np.ndarray, quick: bool, different: int) -> Reference:
    """The reference at these entries."""
    X, y = start.X, start.y
    if quick or X.dtype != np.float64 or start.m * len(steps) * (17 + start.n) > _EXACT_WORK:
        return reference.compute_each(X, y, path.ws[steps], path.bs[steps], roundings=1, distinct=different)
    problems = (Problem(X, y, path.ws[t], path.bs[t]) for t in steps)
    return stacked([reference.compute(problem, roundings=1, distinct=different) for problem in problems])


def _outside(start: Problem, of_X: Columns, path: Path, steps: np.ndarray) -> str:
    """The first of these entries that is outside the domain of a gradient; empty if there is none."""
    limit = float(np.finfo(start.dtype).max) / 4 / start.m
    for t in steps[largest_scores(of_X, path)[steps] > limit]:
        try:
            Problem(start.X, start.y, path.ws[t], path.bs[t])
        except ValueError as error:
            return f"after {t} steps: {error}"
    return ""
