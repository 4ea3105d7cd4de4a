"""From trials to a summary: how often there is a false alarm, and how often a slowdown is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median
from typing import Any

from bench.analysis import statistics


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
    """Of the slowed kernel over the kernel, in the races that have one."""
    same_logs: tuple[float, ...]
    slowed_logs: tuple[float, ...]
    launch_spread: float
    """The standard deviation over launches of the logarithm of the ratio over itself."""


@dataclass(frozen=True)
class Row:
    """All races of one kind; a share is its estimate, and the bounds of its exact 95% interval."""

    kernel: str
    workload: str
    neighbour: str
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
    """Both of the races with a slowed kernel."""
    smallest_found: float
    """The smallest slowdown that 95% of races would find. A race finds one if its interval does not contain 1: the
    slowdown must exceed the half-width plus the error of the estimate. This is their 95th percentile over races."""


def summarize(trials: Sequence[Trial]) -> list[Row]:
    """A row for each kernel, size and neighbour, one for each kernel, and one for all."""
    kinds: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in trials:
        noisy_neighbour = "yes" if trial.neighbour else "no"
        for key in ((trial.kernel, trial.workload, noisy_neighbour), (trial.kernel, "all", "-"), ("all", "all", "-")):
            kinds.setdefault(key, []).append(trial)
    return [_row(*key, kinds[key]) for key in sorted(kinds, key=lambda key: (key.count("all"), key))]


def _row(kernel: str, workload: str, noisy_neighbour: str, trials: Sequence[Trial]) -> Row:
    same = [trial.same for trial in trials]
    slowed = [trial for trial in trials if trial.slowed]
    alarms = sum(ratio["verdict"] != "no difference shown" for ratio in same)
    covered = sum(ratio["low"] <= 1 <= ratio["high"] for ratio in same)
    slowed_found = sum(trial.slowed["verdict"] == "slower" for trial in slowed if trial.slowed)
    half_widths = [log(ratio["high"] / ratio["low"]) / 2 for ratio in same]
    needed = [half + log(ratio["estimate"]) for half, ratio in zip(half_widths, same, strict=True)]
    seconds = [trial.seconds for trial in slowed]
    return Row(
        kernel=kernel,
        workload=workload,
        neighbour=noisy_neighbour,
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
        slowed_by_median=median(1 / trial.slowed["estimate"] - 1 for trial in slowed if trial.slowed),
        seconds_median=median(seconds),
        seconds_most=max(seconds),
        smallest_found=max(statistics.SMALLEST_EFFECT, exp(_quantile(needed, 0.95)) - 1),
    )


def _proportion(count: int, of: int) -> tuple[float, ...]:
    proportion = statistics.proportion(count, of)
    return (round(proportion.estimate, 4), round(proportion.low, 4), round(proportion.high, 4))


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


_MOST_ALARMS = 0.02
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
    return bool(caught and alarms[1] <= _MOST_ALARMS and coverage[2] >= _LEAST_COVERAGE)
