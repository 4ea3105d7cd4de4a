"""What a race against a commit comes to: a ratio for each kernel and workload, and the gate. Pure: no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench.analysis import race as race_analysis
from bench.analysis import statistics, verdict
from bench.analysis.race import Race
from bench.analysis.statistics import Estimate
from bench.analysis.verdict import Judgement
from bench.commands.race.source_trees import Revision


@dataclass(frozen=True)
class Row:
    """One kernel on one workload."""

    kernel: str
    workload: str
    launches: int
    seconds: float
    """Of a call, in the working tree."""
    seconds_before: float
    judgement: Judgement
    """Of time before / time now: how many times as fast."""

    @property
    def verdict(self) -> str:
        """faster, slower or no difference shown."""
        return statistics.verdict(self.judgement.found)


@dataclass(frozen=True)
class Comparison:
    """What came of it."""

    revision: Revision
    percent: float
    confidence: float
    """Of each interval."""
    rows: tuple[Row, ...]
    broken: tuple[str, ...]
    """A line for each kernel that works at the commit, and not in the working tree."""
    notes: tuple[str, ...]
    """A line for each that could not be compared, and for each race that is not to be trusted."""
    interrupted: bool = False

    @property
    def failures(self) -> list[str]:
        """A line each; none where the gate is passed."""
        slower = [row.judgement.line for row in self.rows if row.judgement.verdict == verdict.FAILED]
        nothing = [] if self.rows or self.broken else ["nothing could be compared"]
        return [*self.broken, *slower, *nothing]

    @property
    def median_half_width(self) -> float | None:
        """Of the intervals, as a share."""
        found = [row.judgement.found for row in self.rows]
        return median((one.high / one.low) ** 0.5 - 1 for one in found if one) if any(found) else None


def judge(
    races: Sequence[Race], kernels: Sequence[str], commit: Revision, percent: float, cells: int, interrupted: bool
) -> Comparison:
    """What the races say. cells: how many kernels on workloads were to be compared; all intervals hold with 95%."""
    rows: list[Row] = []
    broken: list[str] = []
    notes: list[str] = []
    untrusted = race_analysis.untrusted_races(races)
    confidence = statistics.bonferroni_confidence(cells)
    for race in races:
        trusted = race.key not in untrusted
        workload = race.workload.name
        if not trusted:
            notes.append(f"NOT TRUSTWORTHY, and not judged: {workload}: a kernel differs from itself there")
        for kernel in kernels:
            earlier, what = before(kernel, commit), f"{kernel} on {workload}"
            (outcome, reason), (outcome_before, reason_before) = race.outcome(kernel), race.outcome(earlier)
            if not race.launches(kernel):
                notes.append(f"skipped: {what}: {race.workload.left_out.get(kernel, 'the run ended before it')}")
            elif outcome != "ok" and outcome_before == "ok":
                broken.append(f"{what}: {outcome} (ok at {commit}): {reason}")
            elif outcome != "ok":
                notes.append(f"not compared: {what}: {outcome}: {reason}")
            elif outcome_before != "ok":
                notes.append(f"not compared: {earlier} on {workload}: {outcome_before}: {reason_before}")
            elif ratios := logs(race, kernel, earlier):
                found = statistics.interval(ratios, confidence) if trusted else None
                rows.append(_row(race, kernel, earlier, len(ratios), found, percent))
    return Comparison(commit, percent, confidence, tuple(rows), tuple(broken), tuple(notes), interrupted)


def _row(race: Race, kernel: str, earlier: str, launches: int, found: Estimate | None, percent: float) -> Row:
    what = f"{kernel} on {race.workload.name}, at most {percent:g}% slower than {earlier}"
    seconds, seconds_before = (
        median(median(entry.rounds) for entry in race.launches(name) if entry.rounds) for name in (kernel, earlier)
    )
    judgement = Judgement(what, found, verdict.not_slower_by(percent))
    return Row(kernel, race.workload.name, launches, seconds, seconds_before, judgement)


def logs(race: Race, kernel: str, earlier: str) -> list[float]:
    """log(time before / time now) in each launch but the first, in which the two counted calls each by itself."""
    return replace(race, blocks=race.blocks[1:]).log_ratios(kernel, earlier)


def before(kernel: str, commit: Revision) -> str:
    """The name of the commit's version of a kernel."""
    return f"{kernel}@{commit.name}"
