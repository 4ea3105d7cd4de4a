"""The probes of a descent: those of the gradient as starts, with α = 1, so that the first step shows the gradient.

The rounding of a large w_j hides the dw_j in w_j − α dw_j. Only w_1 is large in these starts, and b is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from kernels.contract import Inputs, Judgement, Probe
from kernels.descend.judge import malformed, stacked, step_errors
from kernels.descend.path import Path
from kernels.gradient import reference
from kernels.gradient.probes import probe_problems
from kernels.gradient.problem import Problem
from kernels.gradient.reference import Reference


def probes(inputs: Inputs) -> Sequence[Probe]:
    """A descent from each of the gradient's probes."""
    X = inputs.placed["X"]
    one = np.ones((), X.dtype)
    return [
        Probe(
            probe.name,
            Inputs({"X": probe.problem.X, "y": probe.problem.y, "alpha": one}, inputs.static),
            (probe.problem.w, probe.problem.b),
            partial(_judge, probe.problem, probe.expected),
        )
        for probe in probe_problems(X)
    ]


@np.errstate(over="ignore", invalid="ignore")  # of a wrong path
def _judge(start: Problem, expected: Reference, result: Sequence[np.ndarray]) -> Judgement:
    """Judge the first step with the probe's expected gradient, and one other, chosen anew each time, as any step."""
    path = Path(*result)
    if failure := malformed(path, start):
        return Judgement(failure)
    t = int(np.random.default_rng().integers(1, len(path.costs)))
    try:
        there = Problem(start.X, start.y, path.ws[t], path.bs[t])
    except ValueError as error:
        return Judgement(f"after {t} steps: {error}")
    references = stacked([expected, reference.compute(there, quick=True, roundings=1)])
    errors = step_errors(references, path, np.array([0, t]), alpha=1.0)
    return Judgement(errors.failure, errors.bound_fraction, {"ulps": errors.ulps})
