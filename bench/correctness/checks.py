"""The checks: a kernel is timed only if its results are right, at the workload's own shape.

    data           the workload's own data, within the a-priori bound of the operation's reference
    ...            the operation's own probes: calls that are made so that a mistake shows
    timed          the result of a timed call; the kernel cannot know which call is checked
    unseen         the workload's own data with new arguments, after the last timed round
    at-once        the result exists when the call returns, and not later
    placed         placing the arguments of a call takes no longer than before any data was placed

docs/gate.md explains each check, and why the bound alone would not suffice. The kernel computes in its worker and is
checked here, in a process that it cannot reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from kernels.contract import Judgement


@dataclass(frozen=True)
class CheckResult:
    """The result of one check of one kernel."""

    check: str
    failure: str = ""
    """What is wrong, in one line; empty if the check passed."""
    bound_fraction: float | None = None
    """The largest error / the bound on the error of a correct kernel; None where nothing was compared."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """By the names of the operation's figures."""
    reached: bool = True
    """Whether the kernel got to where the operation asks it to."""
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """What there is to draw, step by step."""


def check_result(
    check: str, judge: Callable[[Sequence[np.ndarray]], Judgement], result: Sequence[np.ndarray] | str
) -> CheckResult:
    """Judge what a worker sent. A text as result says what is wrong with the result's form."""
    if isinstance(result, str):
        return CheckResult(check, f"{check}: {result}")
    judged = judge(result)
    failure = f"{check}: {judged.failure}" if judged.failure else ""
    fraction = judged.bound_fraction
    fraction = fraction if fraction is not None and isfinite(fraction) else None
    figures = {name: float(value) for name, value in judged.figures.items() if isfinite(value)}
    curves = {name: tuple(map(float, values)) for name, values in judged.curves.items()}
    return CheckResult(check, failure, fraction, figures, judged.reached, curves)


_ALONE_FACTOR, _CALL_SHARE = 2.0, 0.25
"""An untimed step may take twice as long as without anything to compute, plus a quarter of a call. Noise changes the
minimum over many rounds far less, and a kernel that does more of its work there is detected."""


def check_untimed_work(check: str, step: str, seconds: float, alone: float, call: float) -> CheckResult:
    """Whether a kernel computes in an untimed step.

    seconds: of the step, the minimum over all rounds; alone: of the step without anything to compute; call: of a call
    """
    allowed = _ALONE_FACTOR * alone + _CALL_SHARE * call
    if seconds <= allowed:
        return CheckResult(check, bound_fraction=seconds / allowed)
    failure = f"{check}: {step} took {seconds:.2g} s, but {alone:.2g} s without anything to compute"
    return CheckResult(check, failure)
