"""Whether a ratio is as large as it has to be: passed, failed, or not shown either way. Pure.

A gate that looks at estimates fails by chance; one that looks at intervals says when it cannot tell. Only what
is shown fails: the whole interval must lie on the wrong side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.statistics import Estimate, bonferroni_confidence, welch_interval
from bench.results.record import Record, Results

PASSED, FAILED, NOT_SHOWN = "passed", "failed", "not shown either way"
DEFAULT_PERCENT = 10.0
"""Two runs at different times differ by several per cent on one machine (what else it did, where memory lay, how warm
it was), which no interval of either can know."""


@dataclass(frozen=True)
class Judgement:
    """What came of one demand."""

    what: str
    """Kernel and workload, and what was asked of them."""
    found: Estimate | None
    """The ratio; None where none with an interval was measured."""
    least: float
    """What it should be, or more."""

    @property
    def verdict(self) -> str:
        """One of three."""
        if self.found is None or self.found.low < self.least <= self.found.high:
            return NOT_SHOWN
        return PASSED if self.found.low >= self.least else FAILED

    @property
    def line(self) -> str:
        """What was asked, what was found, and the verdict."""
        if self.found is None:
            return f"{self.what}: {self.verdict} (no interval)"
        found = self.found
        return f"{self.what}: {self.verdict}: {found.estimate:.3g} [{found.low:.3g}, {found.high:.3g}]"


def not_slower_by(percent: float) -> float:
    """The least ratio, time before over time now, of what is at most so much slower."""
    return 1 / (1 + percent / 100)


def in_common(now: Sequence[str], then: Results) -> list[Record]:
    """The other run's records, by id, that have a time with an interval."""
    return [record for record in then.records if record.id in now and record.seconds and record.seconds.low]


def over_run(now: Record, then: Record, percent: float, comparisons: int, run: str) -> Judgement:
    """A record against that of another run; comparisons: how many are judged, which all hold together with 95%.

    Where both have the machine's limit, and it is the same, shares of it are compared, so that a machine that is
    slower today as a whole is no regression; else seconds are.
    """
    what = f"{now.kernel} on {now.workload}, at most {percent:g}% slower than in {run}"
    confidence = bonferroni_confidence(comparisons)
    if min(now.launches, then.launches) < 2:
        return Judgement(what, None, not_slower_by(percent))
    if now.ceiling and then.ceiling and now.ceiling.name == then.ceiling.name:
        shares = [
            Estimate(share.fraction, share.low, share.high)
            for share in (now.ceiling, then.ceiling)
            if share.low and share.high
        ]
        if len(shares) == 2:
            own, other = shares
            found = welch_interval(own, now.launches, other, then.launches, confidence)
            return Judgement(f"{what} (shares of the limit)", found, not_slower_by(percent))
    seconds = [
        Estimate(taken.median, taken.low, taken.high)
        for taken in (now.seconds, then.seconds)
        if taken and taken.low and taken.high
    ]
    if len(seconds) < 2:
        return Judgement(what, None, not_slower_by(percent))
    own, other = seconds
    found = welch_interval(other, then.launches, own, now.launches, confidence)
    return Judgement(f"{what} (seconds)", found, not_slower_by(percent))
