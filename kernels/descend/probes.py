"""The probes of a descent: those of the gradient as starts, with a learning rate that keeps them probes at each step.

With α = 1 the first step shows the gradient. Where a few rows alone have a gradient, the others stay saturated, so
that each later step is as telling as the first. `rows` starts at w = 0, where dz_i is ±½: its α is so small that dz_i
stays so, and the steps from there show the gradient all the same. The rounding of a large w_j hides the dw_j in
w_j − α dw_j. Only w_1 is large in these starts, and b is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from kernels.contract import Inputs, Judgement, Probe
from kernels.descend.judge import malformed, stacked, step_errors
from kernels.descend.path import Path
from kernels.gradient import reference
from kernels.gradient.probes import ProbeProblem, of_active, probe_problems
from kernels.gradient.problem import Problem
from kernels.gradient.reference import Reference

_SMALL_RATE = {np.dtype(np.float32): 2.0**-60, np.dtype(np.float64): 2.0**-100}
"""A score is then at most n α times the number of steps: below u/4, up to 10⁹ of both."""
_ZERO_SCORE = {np.dtype(np.float32): 104.0, np.dtype(np.float64): 746.0}
"""e to the minus this is below half of the smallest subnormal number."""


def probes(inputs: Inputs) -> Sequence[Probe]:
    """A descent from each of the gradient's probes."""
    X = inputs.placed["X"]
    return [
        Probe(
            probe.name,
            Inputs(
                {"X": probe.problem.X, "y": probe.problem.y, "alpha": np.asarray(_rate(probe), X.dtype)},
                inputs.static,
            ),
            (probe.problem.w, probe.problem.b),
            partial(_judge, probe),
            probe.change,
        )
        for probe in probe_problems(X)
    ]


def _rate(probe: ProbeProblem) -> float:
    return 1.0 if probe.problem.w.any() else _SMALL_RATE[probe.problem.dtype]


@np.errstate(over="ignore", invalid="ignore")  # of a wrong path
def _judge(probe: ProbeProblem, result: Sequence[np.ndarray]) -> Judgement:
    """Judge the first step with the probe's expected gradient, and one other, chosen anew each time."""
    path = Path(*result)
    if failure := malformed(path, probe.problem):
        return Judgement(failure)
    steps, expected = [0], [probe.expected]
    if not probe.change:  # X is another one during that call
        steps.append(int(np.random.default_rng().integers(1, len(path.costs))))
        try:
            expected.append(_expected(probe, path.ws[steps[1]], path.bs[steps[1]]))
        except ValueError as error:
            return Judgement(f"after {steps[1]} steps: {error}")
    errors = step_errors(stacked(expected), path, np.array(steps), alpha=_rate(probe))
    return Judgement(errors.failure, errors.bound_fraction, {"ulps": errors.ulps})


def _expected(probe: ProbeProblem, w: np.ndarray, b: np.ndarray) -> Reference:
    """What is expected from the kernel's own parameters. Raises ValueError outside the domain of a gradient."""
    there = Problem(probe.problem.X, probe.problem.y, w, b)
    if not probe.problem.w.any():
        return probe.expected
    # the inactive rows hold signs
    if probe.active is not None and abs(w[0]) - abs(w[1:]).sum() - abs(b) >= _ZERO_SCORE[there.dtype]:
        return of_active(there, probe.active, roundings=1)
    return reference.compute(there, quick=True, roundings=1)
