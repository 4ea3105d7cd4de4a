"""The checks: a kernel is timed only if its results are right, at the workload's own shape.

    data           the workload's own data, within the a-priori bound of the operation's reference
    ...            the operation's own probes: calls that are made so that a mistake shows
    timed          the result of a timed call, chosen after the last round
    unseen         the workload's own data with new arguments, after the last timed round
    at-once        the result exists when the call returns, and not later
    threads        no more cores are busy than the race allows
    clock          a round takes no longer than the worker says
    new-data       a call takes no longer on data that the kernel has not seen, where the operation has such data

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
"""Reading a result may take twice as long as reading one that is complete, plus a quarter of a call. Noise changes
the medians far less, and a kernel that does more of its work there is detected."""
_LONGEST_COPYING = 2e-4
"""Seconds. Reading a complete result takes up to 20 µs in the CPU's memory, and a few transfers of 10 to 30 µs from a
GPU. A backend of the user's own could be slow on purpose where nothing is to be computed: beyond this time, and a
quarter of a call, its slowness is no excuse."""


def allowed_reading(copying: float, call: float) -> float:
    """The most that reading a result may take, where reading a complete one takes `copying`. All in seconds."""
    return _COPYING_FACTOR * _excused(copying, call) + _CALL_SHARE * call


def _excused(copying: float, call: float) -> float:
    return min(copying, max(_CALL_SHARE * call, _LONGEST_COPYING))


def check_at_once(seconds: float, copying: float, call: float) -> CheckResult:
    """Whether the result existed when the call returned.

    seconds: of reading a result; copying: of reading one that is known to be complete, in the same round; call: of a
    call
    """
    allowed = allowed_reading(copying, call)
    if seconds <= allowed:
        return CheckResult("at-once", bound_fraction=seconds / allowed)
    took, complete = f"at-once: reading a result took {seconds:.2g} s", f"a complete one takes {copying:.2g} s"
    if copying > _excused(copying, call):
        return CheckResult("at-once", f"{took}; {complete}, but {allowed:.2g} s is the most that counts as reading")
    return CheckResult("at-once", f"{took}; {complete}, so the kernel had not finished when its call returned")


_CORES_ERROR = 0.25
"""How many cores more than allowed may seem busy, because of the resolution of the clocks."""
_TICKS_SECONDS = 0.02
"""Two ticks of the clock by which the system tells the processor time of a process."""


def check_threads(threads: int, in_rounds: float, cpu_seconds: float, awake_seconds: float) -> CheckResult:
    """Whether no more cores were busy than the kernel may use.

    threads: how many; in_rounds: cores busy during the timed calls, as the worker reports it; cpu_seconds: of all its
    processes, as the system counts them; awake_seconds: while it was not suspended
    """
    seen = max(0.0, cpu_seconds - _TICKS_SECONDS) / awake_seconds if awake_seconds else 0.0
    allowed, used = threads + _CORES_ERROR, max(in_rounds, seen)
    if used <= allowed:
        return CheckResult("threads", bound_fraction=used / allowed)
    cores = "core" if threads == 1 else "cores"
    return CheckResult("threads", f"threads: it kept {used:.2g} cores busy, and may use {threads} {cores}")


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
    return CheckResult("clock", f"clock: a round took {took} by the race's clock, and {reported} by the worker's")


_NEW_DATA_FACTOR, _SINGLE_FACTOR = 1.5, 2.0
"""A call on new data may take so many times as long as one on the workload's, since the steps of a solver differ that
much from start to start. A single call takes up to twice as long as in a round, whose calls find their code in the
caches; a known one that takes longer is no excuse."""


def allowed_on_new_data(known: float, call: float) -> float:
    """The most seconds of a single call on new data. known: of one on the workload's; call: of one in the rounds"""
    return _NEW_DATA_FACTOR * min(max(known, call), _SINGLE_FACTOR * call)


def check_new_data(seconds: float, known: float, call: float) -> CheckResult:
    """Whether the kernel is as fast on data that it has not seen, in one of several tries.

    seconds: of a call on such data; known, call: as in `allowed_on_new_data`
    """
    allowed = allowed_on_new_data(known, call)
    if seconds <= allowed:
        return CheckResult("new-data", bound_fraction=seconds / allowed)
    return CheckResult(
        "new-data",
        f"new-data: a call takes {seconds:.2g} s on data that it has not seen, and "
        f"{allowed / _NEW_DATA_FACTOR:.2g} s on those of the workload: it remembers results",
    )
