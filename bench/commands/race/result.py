"""The result of a race against a commit: a ratio and a verdict for each kernel and workload. Pure: no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench.analysis import race as race_analysis, statistics, verdict
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
    """Per call, in the working tree."""
    seconds_before: float
    judgement: Judgement
    """On time before / time now: how many times as fast the working tree is."""

    @property
    def verdict(self) -> str:
        """faster, slower or no difference shown."""
        return statistics.verdict(self.judgement.ratio)


@dataclass(frozen=True)
class Comparison:
    """The result of the whole race."""

    revision: Revision
    operation: str
    """Of all workloads; empty if no race has begun."""
    percent: float
    confidence: float
    """Of each interval."""
    rows: tuple[Row, ...]
    broken: tuple[str, ...]
    """A line for each kernel that is ok at the commit, but not in the working tree."""
    notes: tuple[str, ...]
    """A line for each kernel that could not be compared, and for each workload that is not trustworthy."""
    interrupted: bool = False

    @property
    def failures(self) -> list[str]:
        """A line for each failure; empty if the race passed."""
        slower = [row.judgement.line for row in self.rows if row.judgement.verdict == verdict.FAILED]
        nothing = [] if self.rows or self.broken else ["nothing could be compared"]
        return [*self.broken, *slower, *nothing]

    @property
    def median_half_width(self) -> float | None:
        """The median half-width of the intervals, as a fraction."""
        half_widths = [(ratio.high / ratio.low) ** 0.5 - 1 for row in self.rows if (ratio := row.judgement.ratio)]
        return median(half_widths) if half_widths else None


def judge(
    races: Sequence[Race], kernels: Sequence[str], commit: Revision, percent: float, cells: int, interrupted: bool
) -> Comparison:
    """The result of the races. cells: the number of intervals, which all hold together with 95%."""
    operation = next((race.workload.definition.name for race in races), "")
    rows: list[Row] = []
    broken: list[str] = []
    notes: list[str] = []
    untrusted = race_analysis.untrusted_races(races)
    confidence = statistics.bonferroni_confidence(cells)
    for race in races:
        trusted = race.key not in untrusted
        workload = race.workload.name
        if not trusted:
            notes.append(f"NOT TRUSTWORTHY, and not judged: {workload}: its control shows a difference")
        for kernel in kernels:
            earlier, cell = name_at(kernel, commit), f"{kernel} on {workload}"
            (outcome, reason), (outcome_before, reason_before) = race.outcome(kernel), race.outcome(earlier)
            if not race.samples(kernel):
                notes.append(f"skipped: {cell}: {race.workload.skip_reasons.get(kernel, 'the run ended before it')}")
            elif outcome != "ok" and outcome_before == "ok":
                broken.append(f"{cell}: {outcome} (ok at {commit}): {reason}")
            elif outcome != "ok":
                notes.append(f"not compared: {cell}: {outcome}: {reason}")
            elif outcome_before != "ok":
                notes.append(f"not compared: {earlier} on {workload}: {outcome_before}: {reason_before}")
            elif logs := counted_log_ratios(race, kernel, earlier):
                ratio = statistics.interval(logs, confidence) if trusted else None
                rows.append(_row(race, kernel, earlier, len(logs), ratio, percent))
    return Comparison(commit, operation, percent, confidence, tuple(rows), tuple(broken), tuple(notes), interrupted)


def _row(race: Race, kernel: str, earlier: str, launches: int, ratio: Estimate | None, percent: float) -> Row:
    requirement = f"{kernel} on {race.workload.name}, at most {percent:g}% slower than {earlier}"
    seconds, seconds_before = (
        median(statistics.lower_decile(sample.rounds) for sample in race.samples(name) if sample.rounds)
        for name in (kernel, earlier)
    )
    judgement = Judgement(requirement, ratio, verdict.not_slower_by(percent))
    return Row(kernel, race.workload.name, launches, seconds, seconds_before, judgement)


def counted_log_ratios(race: Race, kernel: str, earlier: str) -> list[float]:
    """log(time before / time now) in each launch except the first, where the versions have unequal iterations."""
    return replace(race, launch_results=race.launch_results[1:]).log_ratios(kernel, earlier)


def name_at(kernel: str, commit: Revision) -> str:
    """The name of a kernel's version at the commit."""
    return f"{kernel}@{commit.name}"
