"""Fitting as an operation: X and y are placed once, the start is new with every call.

fit(X, y, w_0, b_0) → (ws, bs, evaluations, norm)   with   (w, b) = argmin J(w, b) + (λ/2) |w|²
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kernels.contract import Inputs, Operation, Option, Part, Size
from kernels.fit.judge import judge
from kernels.fit.mirror import mirror, probes
from kernels.fit.optimum import optimum_of
from kernels.fit.problem import Settings
from kernels.gradient import operation as gradient
from kernels.number_text import decimal_number, whole_number

PENALTY, BUDGET = 1e-4, 10_000
_NOMINAL_EVALUATIONS = 100
"""L-BFGS takes 10 to 190 gradients on this project's workloads."""
_NOMINAL_EVALUATIONS_OF_RIVALS = 15
"""Of scikit-learn's: few, so that none is left out where it is the fastest of the three. On flights lbfgs takes ten
times as many."""
_NOMINAL_SECONDS = {
    "loops": (4e-7, 1.2e-7),
    "loops-examples": (3.5e-6, 1e-9),
    **dict.fromkeys(("numpy", "jax", "sklearn-lbfgs"), (2e-8, 1e-9)),
    "sklearn-newton-cg": (1e-8, 7e-10),
}
_NOMINAL_STEP = (2e-9, 3e-10)
"""Nominal seconds of a gradient for each example and for each element: of solvers that take long on large data, and
of a step of gradient descent, which uses its whole budget. The same on every machine."""
_PASSES = 20
"""Over X, of a fit: four of Newton's method at the least, 190 of L-BFGS on flights at the most."""
_PASSES_FOR_OPTIMUM = 12
"""Passes in double for the reference's optimum, and for judging."""


def static(options: Mapping[str, Any]) -> Settings:
    """What a solver may compile for. Raises ValueError for options that make no sense."""
    penalty, tolerance, budget = options["penalty"], options["tolerance"], options["budget"]
    if not penalty >= 0:
        raise ValueError(f"penalty is {penalty:g}; expected {_OPTIONS['penalty'].expected}")
    if tolerance is not None and not 0 < tolerance < 1:
        raise ValueError(f"tolerance is {tolerance:g}; expected {_OPTIONS['tolerance'].expected}")
    if not budget >= 1:
        raise ValueError(f"budget is {budget}; expected {_OPTIONS['budget'].expected}")
    return Settings(float(penalty), tolerance, int(budget))


def inputs(X: np.ndarray, y: np.ndarray, options: Mapping[str, Any]) -> Inputs:
    """X (m, n) and y (m,) as they are placed.

    Raises ValueError for data outside the domain of a gradient, and for data without exactly one optimum: with one
    class only, or without a penalty where a column is constant, columns depend on one another, or a plane separates
    the classes.
    """
    of_gradient, settings = gradient.inputs(X, y, {}), static(options)
    X, y = of_gradient.placed.values()
    if len(classes := np.unique(y)) == 1:
        raise ValueError(f"every label is {classes[0]:g}: b has no optimum; expected examples of both classes")
    details = {"penalty": settings.penalty, "tolerance": settings.tolerance_for(X.dtype)}
    made = Inputs(of_gradient.placed, settings, details)
    if not settings.penalty:
        constant = np.flatnonzero(X.min(axis=0) == X.max(axis=0))
        if constant.size:
            raise ValueError(
                f"column {constant[0]} of X is constant, as b is: without a penalty there is no single optimum; "
                "expected a penalty above 0"
            )
        optimum_of(made)  # raises ValueError where there is none
    return made


def _result(inputs: Inputs) -> Mapping[str, Part]:
    n = inputs.placed["X"].shape[1]
    return {
        "ws": Part((None, n), by_step=True),
        "bs": Part((None,), by_step=True),
        "evaluations": Part((None,), by_step=True),
        "norm": Part(()),
    }


def _nominal_seconds(kernel: str, size: Size, settings: Settings) -> float:
    per_example, per_element = _NOMINAL_SECONDS.get(kernel, (0.0, 0.0))
    rival = kernel.startswith("sklearn-")
    evaluations = _NOMINAL_EVALUATIONS_OF_RIVALS if rival else _NOMINAL_EVALUATIONS
    if kernel == "numba-descent":
        (per_example, per_element), evaluations = _NOMINAL_STEP, settings.budget
    return evaluations * size.m * (per_example + size.n * per_element)


def _preparation_seconds(size: Size, _settings: Settings) -> float:
    return gradient.preparation_seconds(size) + _PASSES_FOR_OPTIMUM * size.m * size.n * (size.n + 50) * 1e-10


_OPTIONS = {
    "penalty": Option(PENALTY, decimal_number, "a number, 0 or more", "λ of a fit's penalty λ/2 |w|²", depends=True),
    "tolerance": Option(
        None,
        decimal_number,
        "a number between 0 and 1",
        "The max|∇F| at which a fit has reached the optimum (default: 1e-6, or 1e-3 in float32)",
    ),
    "budget": Option(
        BUDGET, whole_number, "a whole number, 1 or more", "The most gradients that one solver of a fit may compute"
    ),
}
FIT = Operation(
    name="fit",
    summary="the coefficients of a logistic regression with the penalty λ/2 |w|², from any start",
    fields={"X": 0, "y": 0},
    inputs=inputs,
    fresh=gradient.fresh,
    fresh_many=gradient.fresh_many,
    result=_result,
    judge=judge,
    probes=probes,
    mirror=mirror,
    work=lambda _size, _settings: None,
    passes=_PASSES,
    static=static,
    options=_OPTIONS,
    baselines=("sklearn-newton-cholesky",),
    nominal_seconds=_nominal_seconds,
    preparation_seconds=_preparation_seconds,
    figures={
        "max|∇F|": "the largest component of the gradient at the answer, by the reference",
        "evaluations": "gradients and Hessians that the solver says it computed, on a sample by its share",
        "distance": "|answer − optimum|, of w and b together",
        "allowed distance": "how far an answer with this gradient can be from the optimum, by the Hessian's smallest "
        "eigenvalue there",
    },
    texts={"curve": "distance from the optimum, as F − F* or max|∇F|", "against": "evaluations"},
)
