"""From trials to a summary: how often there is a false alarm, how often a slowdown is found, and what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median
from typing import Any

from bench.analysis import statistics
from bench.commands.selftest.slowed import SHARE
from bench.report.formatting import counted


@dataclass(frozen=True)
class Trial:
    """One race of a kernel against itself, and against itself slowed."""

    kernel: str
    workload: str
    neighbour: bool
    launches: int
    seconds: float
    """Wall time of the race: starting, checking and timing three workers."""
    same: dict[str, Any]
    """Of the kernel over itself: estimate, low, high, verdict."""
    slowed: dict[str, Any] | None
    """Of the slowed kernel over the kernel; None in some races of older files."""
    same_logs: tuple[float, ...]
    slowed_logs: tuple[float, ...]
    launch_spread: float
    """The standard deviation over launches of the logarithm of the ratio over itself."""
    threads: int = 1
    sweeps: int = 0
    """How many were timed; 0 in older files."""
    disturbed: int = 0
    """How many of them were disturbed."""
    counts_all: tuple[str, ...] = ()
    """Why disturbed sweeps count in some of the launches; empty if they do in none."""

    @classmethod
    def of_json(cls, fields: dict[str, Any]) -> Trial:
        """A trial of a results file or a journal, also of an older one."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        return cls(**values)


@dataclass(frozen=True)
class Row:
    """All races of one kind. A share is an estimate and its exact 95% interval; empty where there are no races."""

    kernel: str
    workload: str
    neighbour: str
    threads: int | None
    """None: all numbers of threads."""
    races: int
    false_alarms: int
    false_alarm_share: tuple[float, ...]
    covered: int
    covered_share: tuple[float, ...]
    """Of intervals that contain 1."""
    half_width_median: float
    half_width_90: float
    launch_spread_median: float
    launches_median: float
    slowed_races: int
    slowed_found: int
    slowed_found_share: tuple[float, ...]
    slowed_by_median: float
    seconds_median: float
    seconds_most: float
    smallest_found: float
    """The smallest slowdown that 95% of races would find. A race finds one if its interval does not contain 1: the
    slowdown must exceed the half-width plus the error of the estimate. This is their 95th percentile over races."""
    all_count_races: int
    """Races in which all sweeps of some launch count, disturbed or not."""
    sweeps: int
    disturbed_sweeps: int


def summarize(trials: Sequence[Trial]) -> list[Row]:
    """A row for each kernel, size, neighbour and number of threads, one for each kernel and number of threads, and
    one for all races.
    """
    kinds: dict[tuple[str, str, str, int | None], list[Trial]] = {}
    for trial in trials:
        neighbour = "yes" if trial.neighbour else "no"
        for key in (
            (trial.kernel, trial.workload, neighbour, trial.threads),
            (trial.kernel, "all", "-", trial.threads),
            ("all", "all", "-", None),
        ):
            kinds.setdefault(key, []).append(trial)
    in_order = sorted(kinds, key=lambda key: (key.count("all"), key[3] or 0, key[:3]))
    return [_row(*key, kinds[key]) for key in in_order]


def _row(kernel: str, workload: str, neighbour: str, threads: int | None, trials: Sequence[Trial]) -> Row:
    same = [trial.same for trial in trials]
    slowed = [trial.slowed for trial in trials if trial.slowed]
    alarms = sum(ratio["verdict"] != "no difference shown" for ratio in same)
    covered = sum(ratio["low"] <= 1 <= ratio["high"] for ratio in same)
    slowed_found = sum(ratio["verdict"] == "slower" for ratio in slowed)
    half_widths = [log(ratio["high"] / ratio["low"]) / 2 for ratio in same]
    needed = [half + log(ratio["estimate"]) for half, ratio in zip(half_widths, same, strict=True)]
    return Row(
        kernel=kernel,
        workload=workload,
        neighbour=neighbour,
        threads=threads,
        races=len(trials),
        false_alarms=alarms,
        false_alarm_share=_proportion(alarms, len(trials)),
        covered=covered,
        covered_share=_proportion(covered, len(trials)),
        half_width_median=median(half_widths),
        half_width_90=_quantile(half_widths, 0.9),
        launch_spread_median=median(trial.launch_spread for trial in trials),
        launches_median=median(trial.launches for trial in trials),
        slowed_races=len(slowed),
        slowed_found=slowed_found,
        slowed_found_share=_proportion(slowed_found, len(slowed)),
        slowed_by_median=median(1 / ratio["estimate"] - 1 for ratio in slowed) if slowed else 0.0,
        seconds_median=median(trial.seconds for trial in trials),
        seconds_most=max(trial.seconds for trial in trials),
        smallest_found=max(statistics.SMALLEST_EFFECT, exp(_quantile(needed, 0.95)) - 1),
        all_count_races=sum(bool(trial.counts_all) for trial in trials),
        sweeps=sum(trial.sweeps for trial in trials),
        disturbed_sweeps=sum(trial.disturbed for trial in trials),
    )


def _proportion(count: int, of: int) -> tuple[float, ...]:
    if not of:
        return ()
    proportion = statistics.proportion(count, of)
    return (round(proportion.estimate, 4), round(proportion.low, 4), round(proportion.high, 4))


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


MOST_ALARMS = 0.01
"""False alarms, as a share of the races."""
LEAST_FOUND = 0.95
"""Slowdowns of 5% that are found, as a share of the races."""


@dataclass(frozen=True)
class Verdict:
    """What is asked of the races, and whether it held in these."""

    asked: str
    figures: str
    failure: str
    """Why it did not hold; empty if it did."""

    def __str__(self) -> str:
        """`false alarms, at most 1%: 3 of 500, 0.6% [0.1%, 1.7%]: held`."""
        return f"{self.asked}: {self.figures}: {f'not held: {self.failure}' if self.failure else 'held'}"


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """Whether there were few false alarms, the intervals contained 1 as often as is promised, and each kernel's
    slowdowns were found, for each number of threads. `passed` allows for chance, these do not.
    """
    whole = next(row for row in rows if row.kernel == "all")
    alarms, (_, low, high) = whole.false_alarm_share[0], whole.covered_share
    outside = f"{statistics.CONFIDENCE:.0%} is outside of the exact interval: intervals are "
    outside += "too narrow" if high < statistics.CONFIDENCE else "wider than they need to be"
    return [
        Verdict(
            f"false alarms, at most {MOST_ALARMS:.0%}",
            _figures(whole.false_alarms, whole.races, whole.false_alarm_share),
            f"{alarms:.1%} is more" if alarms > MOST_ALARMS else "",
        ),
        Verdict(
            f"intervals that contain 1, {statistics.CONFIDENCE:.0%} promised",
            _figures(whole.covered, whole.races, whole.covered_share),
            "" if low <= statistics.CONFIDENCE <= high else outside,
        ),
        *map(_found, (row for row in rows if row.kernel != "all" and row.workload == "all" and row.slowed_races)),
    ]


def _found(row: Row) -> Verdict:
    share = row.slowed_found_share[0]
    return Verdict(
        f"{row.kernel} slowed by {SHARE:.0%}, {counted(row.threads or 1, 'thread')}, found in at least "
        f"{LEAST_FOUND:.0%}",
        f"{_figures(row.slowed_found, row.slowed_races, row.slowed_found_share)}, "
        f"slower by {row.slowed_by_median:.1%} (median)",
        f"{share:.1%} is less" if share < LEAST_FOUND else "",
    )


def _figures(number: int, of: int, share: Sequence[float]) -> str:
    return f"{number} of {of}, {share[0]:.1%} [{share[1]:.1%}, {share[2]:.1%}]"


_MOST_ALARMS_POSSIBLE = 0.02
"""One false alarm in a comparison of fifty kernels is acceptable."""
_LEAST_COVERAGE = 0.95 * statistics.CONFIDENCE
"""A twentieth less than promised is acceptable."""


def passed(document: dict[str, Any]) -> bool:
    """Whether there is no reason to distrust this machine's numbers: every cheater is caught, and the exact 95%
    intervals for the shares of false alarms and of coverage reach the values above. The smallest slowdown that is
    found is not a criterion: it depends on the machine more than on the method.
    """
    whole = next(row for row in document["summary"] if row["kernel"] == "all")
    caught = all(cheater["caught"] for cheater in document["cheaters"].values())
    alarms, coverage = whole["false_alarm_share"], whole["covered_share"]
    return bool(caught and alarms[1] <= _MOST_ALARMS_POSSIBLE and coverage[2] >= _LEAST_COVERAGE)
