"""When a fit is right: by the reference's gradient at its answer.

The optimum is *reached* where every component of ∇F is within the tolerance, give or take what the rounding errors of
one gradient may be (the bound of kernels/gradient/reference.py: a solver knows its gradient no better). A solver that
stops before that, and says so, is right: its time is shown, and enters no ratio. One that says it got there and did
not is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.contract import Fresh, Inputs, Judge, Judgement
from kernels.fit.optimum import costs_and_gradients, optimum_of
from kernels.fit.problem import Fit, Settings
from kernels.gradient import reference
from kernels.gradient.judge import not_finite
from kernels.gradient.operation import distinct
from kernels.gradient.problem import Problem

_MOST_CURVE_POINTS = 40
_CURVE_WORK = 2**29
"""Examples × iterates × (50 + features), of all points of the curves: about a quarter of a second. An exp, a
logarithm and a quotient take as long as 50 of a product's multiply-adds."""


def judge(inputs: Inputs, fresh: Fresh, quick: bool) -> Judge:
    """Judge the answer of a fit that must start at `fresh`. quick: without curves.

    Raises ValueError for a start that does not fit X, and where no single optimum can be found.
    """
    X, y = inputs.placed.values()
    start, settings = Problem(X, y, *fresh), Settings(*inputs.static)
    tolerance, different, optimum = settings.tolerance_for(X.dtype), distinct(inputs), optimum_of(inputs)

    @np.errstate(over="ignore", invalid="ignore")  # of a wrong answer
    def judge_fit(result: Sequence[np.ndarray]) -> Judgement:
        fit = Fit(*result)
        if failure := malformed(fit, start):
            return Judgement(failure)
        try:
            Problem(X, y, fit.ws[-1], fit.bs[-1])
        except ValueError as error:
            return Judgement(f"at the answer: {error}")
        expected = reference.compute_each(X, y, fit.ws[-1:], fit.bs[-1:], roundings=1, distinct=different)
        v = np.append(fit.ws[-1], fit.bs[-1]).astype(np.float64)
        gradient, bound = (np.append(of.dw[0], of.db[0]) for of in (expected.value, expected.bound))
        gradient[:-1] += settings.penalty * v[:-1]
        norm = float(abs(gradient).max())
        reached = bool((abs(gradient) <= tolerance + bound).all())
        failure = ""
        if not reached and float(fit.norm) <= tolerance:
            failure = f"it says that max|∇F| is {float(fit.norm):.3g} at its answer; it is {norm:.3g}"
        figures = {
            "max|∇F|": norm,
            "evaluations": float(fit.evaluations[-1]),
            "distance": float(np.linalg.norm(v - optimum.v)),
            "allowed distance": optimum.allowed_distance(float(np.linalg.norm(gradient))),
        }
        curves = {} if quick else _curves(X, y, fit, settings.penalty, optimum.cost)
        return Judgement(failure, norm / tolerance if reached else None, figures, reached, curves)

    return judge_fit


def malformed(fit: Fit, start: Problem) -> str:
    """What no further judgement can make good: numbers that are not finite, another start, counts that fall."""
    entries = {len(part) for part in fit[:3]}
    if len(entries) > 1 or min(entries) < 1:
        return (
            f"ws, bs and evaluations have {', '.join(str(len(part)) for part in fit[:3])} entries; expected as many"
        )
    if failure := not_finite({name: getattr(fit, name) for name in ("ws", "bs", "evaluations")}):
        return failure
    if not (np.array_equal(fit.ws[0], start.w) and fit.bs[0] == start.b):
        return "the first iterate is not the start that was given"
    if fit.evaluations[0] < 0 or (np.diff(fit.evaluations) < 0).any():
        return "evaluations fall from one iterate to the next, or below 0"
    return ""


def _curves(X: np.ndarray, y: np.ndarray, fit: Fit, penalty: float, least: float) -> dict[str, list[float]]:
    """F less its least value, max|∇F|, and the evaluations so far, of evenly spaced iterates."""
    most = int(np.clip(_CURVE_WORK // (len(X) * (50 + X.shape[1])), 4, _MOST_CURVE_POINTS))
    chosen = np.unique(np.linspace(0, len(fit.bs) - 1, most).round().astype(int))
    vs = np.column_stack([fit.ws, fit.bs])[chosen].astype(np.float64)
    costs, gradients = costs_and_gradients(X, y, vs, penalty)
    rounding = 2.0**-52 * least  # what is smaller is not known
    return {
        "F − F*": np.maximum(costs - least, rounding).tolist(),
        "max|∇F|": abs(gradients).max(axis=1).tolist(),
        "evaluations": fit.evaluations[chosen].tolist(),
    }
