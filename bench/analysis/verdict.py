"""Whether a ratio is as large as required: passed, failed, or not shown either way. Pure.

A verdict on estimates fails by chance. A verdict on intervals also says when it cannot decide: it fails only if the
whole interval is on the wrong side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose

from bench.analysis.statistics import Estimate, bonferroni_confidence, welch_interval
from bench.results.record import Fraction, Record, Results, Seconds

PASSED, FAILED, NOT_SHOWN = "passed", "failed", "not shown either way"
DEFAULT_PERCENT = 10.0
"""Two runs at different times differ by several per cent on one machine (other load, memory placement, temperature),
and neither run's interval includes that."""
_ROUNDING = 1e-6
"""Relative, of the amounts of work in results files, which have seven digits."""


@dataclass(frozen=True)
class Judgement:
    """One requirement on a ratio, and whether it is met."""

    requirement: str
    """Kernel and workload, and what is required."""
    ratio: Estimate | None
    """None if no ratio with an interval was measured."""
    minimum: float
    """The smallest ratio that meets the requirement."""

    @property
    def verdict(self) -> str:
        """PASSED, FAILED or NOT_SHOWN."""
        if self.ratio is None or self.ratio.low < self.minimum <= self.ratio.high:
            return NOT_SHOWN
        return PASSED if self.ratio.low >= self.minimum else FAILED

    @property
    def line(self) -> str:
        """The requirement, the verdict and the ratio."""
        if self.ratio is None:
            return f"{self.requirement}: {self.verdict} (no interval)"
        ratio = self.ratio
        return f"{self.requirement}: {self.verdict}: {ratio.estimate:.3g} [{ratio.low:.3g}, {ratio.high:.3g}]"


def not_slower_by(percent: float) -> float:
    """The smallest ratio, time before over time now, of a kernel that is at most this much slower."""
    return 1 / (1 + percent / 100)


def comparable_records(ids: Sequence[str], run: Results) -> list[Record]:
    """The run's records among these ids that have a time with an interval."""
    return [record for record in run.records if record.id in ids and record.seconds and record.seconds.low]


def judge_against_run(now: Record, then: Record, percent: float, comparisons: int, run: str) -> Judgement:
    """A record against the record of an earlier run. All `comparisons` intervals hold together with 95%.

    If both have the same limiting ceiling, their shares of it are compared, so a machine that is slower today as a
    whole is no regression; else the seconds are compared. Times of different work are not.
    """
    requirement = f"{now.kernel} on {now.workload}, at most {percent:g}% slower than in {run}"
    minimum, confidence = not_slower_by(percent), bonferroni_confidence(comparisons)
    if conflict := _other_work(now, then):
        return Judgement(f"{requirement} (not comparable: {conflict})", None, minimum)
    if min(now.launches, then.launches) < 2:
        return Judgement(requirement, None, minimum)
    if now.ceiling and then.ceiling and now.ceiling.name == then.ceiling.name:
        share_now, share_then = _share(now.ceiling), _share(then.ceiling)
        if share_now and share_then:
            ratio = welch_interval(share_now, now.launches, share_then, then.launches, confidence)
            return Judgement(f"{requirement} (shares of the ceiling)", ratio, minimum)
    seconds_now, seconds_then = _time(now.seconds), _time(then.seconds)
    if not (seconds_now and seconds_then):
        return Judgement(requirement, None, minimum)
    ratio = welch_interval(seconds_then, then.launches, seconds_now, now.launches, confidence)
    return Judgement(f"{requirement} (seconds)", ratio, minimum)


def _other_work(now: Record, then: Record) -> str:
    """How the work of one record differs from that of the other, now and then; empty if it is the same."""
    for name in ("operation", "m", "n", "dtype", "order", "reached"):
        values = getattr(now, name), getattr(then, name)
        if values[0] != values[1]:
            return f"{name} is {values[0]}, and was {values[1]}"
    amounts = [(name, (now.work or {}).get(name), amount) for name, amount in (then.work or {}).items()]
    differing = (
        name for name, one, other in amounts if one is not None and not isclose(one, other, rel_tol=_ROUNDING)
    )
    return next((f"the amount of {name} is another" for name in differing), "")


def _share(ceiling: Fraction) -> Estimate | None:
    return Estimate(ceiling.fraction, ceiling.low, ceiling.high) if ceiling.low and ceiling.high else None


def _time(seconds: Seconds | None) -> Estimate | None:
    return Estimate(seconds.estimate, seconds.low, seconds.high) if seconds and seconds.low and seconds.high else None
