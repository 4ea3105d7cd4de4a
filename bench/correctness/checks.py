"""The checks: a kernel is timed only if its results are right, at the workload's own shape.

    data           the workload's own data, within the a-priori bound of the operation's reference
    ...            the operation's own probes: calls that are made so that a mistake shows
    timed          the result of a timed call; the kernel cannot know which call is checked
    unseen         the workload's own data with new arguments, after the last timed round
    at-once        the result exists when the call returns, and not later
    clock          a round takes no longer than the worker says

docs/gate.md explains each check, and why the bound alone would not suffice. The kernel computes in its worker and is
checked here, in a process that it cannot reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

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


_COPYING_FACTOR, _CALL_SHARE = 2.0, 0.25
"""Bringing a result back may take twice as long as copying arrays that are complete, plus a quarter of a call. Noise
changes the minimum over many rounds far less, and a kernel that does more of its work there is detected."""


def check_at_once(seconds: float, copying: float, call: float) -> CheckResult:
    """Whether the result existed when the call returned.

    seconds: of bringing a result back, the minimum over all rounds; copying: of a result that is known to be
    complete; call: of a call
    """
    allowed = _COPYING_FACTOR * copying + _CALL_SHARE * call
    if seconds <= allowed:
        return CheckResult("at-once", bound_fraction=seconds / allowed)
    failure = f"at-once: bringing a result back took {seconds:.2g} s, but {copying:.2g} s with nothing to compute"
    return CheckResult("at-once", failure)


_MESSAGE_SECONDS, _CLOCK_SHARE = 1e-3, 0.05
"""How much longer than its worker says a round may take, as the race sees it: a request and a response, which take
0.1 to 0.5 ms on a machine of 2024, and a twentieth of the round. A disturbed round is repeated."""


class WatchedRound(NamedTuple):
    """A round that the race timed as well, from its request to the response. All in seconds."""

    reported: float
    """By the clock of the worker."""
    passed: float
    """By the clock of the race."""
    waited: float
    """How long the two processes waited for a core before and after the calls, as the system counts it."""

    @property
    def unexplained(self) -> float:
        """The seconds that the worker does not report, over what messages and noise explain; above 1 is too much."""
        explained = self.reported + self.waited
        return (self.passed - explained) / (_MESSAGE_SECONDS + _CLOCK_SHARE * self.reported)


def check_clock(watched: WatchedRound) -> CheckResult:
    """Whether a worker's clock is slower than the race's."""
    if watched.unexplained <= 1:
        return CheckResult("clock", bound_fraction=max(0.0, watched.unexplained))
    took, reported = (f"{seconds * 1e3:.3g} ms" for seconds in (watched.passed - watched.waited, watched.reported))
    return CheckResult("clock", f"clock: a round took {took}, and it reported {reported}")
