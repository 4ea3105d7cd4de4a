"""From trials to rows: how often a difference is called, and how often one is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median
from typing import Any

from bench.analysis import statistics


@dataclass(frozen=True)
class Trial:
    """One race of a kernel with itself and with itself slowed."""

    kernel: str
    workload: str
    neighbour: bool
    launches: int
    seconds: float
    """Of the wall, until it ended: starting, checking and timing three workers."""
    same: dict[str, Any]
    """Ratio of the kernel to itself: estimate, low, high, verdict."""
    slowed: dict[str, Any] | None
    """Ratio of the slowed kernel to the kernel; every other race has it."""
    same_logs: tuple[float, ...]
    slowed_logs: tuple[float, ...]
    launch_spread: float
    """The standard deviation of the logarithm of the ratio to itself, over launches."""


@dataclass(frozen=True)
class Row:
    """What all races of one kind came to; shares are estimate, low, high of the exact 95% interval."""

    kernel: str
    workload: str
    neighbour: str
    races: int
    false_alarms: int
    false_alarm_share: tuple[float, ...]
    covered: int
    covered_share: tuple[float, ...]
    """Of intervals that hold 1."""
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
    """Of the races with a slowed kernel."""
    smallest_found: float
    """The least slowdown that 95% of races would find: a race finds it where its interval leaves out 1, and so
    it must exceed the half-width and the error of the estimate together; their 95th percentile over races."""


def summarize(trials: Sequence[Trial]) -> list[Row]:
    """A row for each kernel, size and neighbour, then all of a kernel, then all."""
    kinds: dict[tuple[str, str, str], list[Trial]] = {}
    for one in trials:
        beside = "yes" if one.neighbour else "no"
        for key in ((one.kernel, one.workload, beside), (one.kernel, "all", "-"), ("all", "all", "-")):
            kinds.setdefault(key, []).append(one)
    return [_row(*key, kinds[key]) for key in sorted(kinds, key=lambda key: (key.count("all"), key))]


def _row(kernel: str, workload: str, neighbour: str, trials: Sequence[Trial]) -> Row:
    same = [one.same for one in trials]
    slowed = [one for one in trials if one.slowed]
    alarms = sum(ratio["verdict"] != "no difference shown" for ratio in same)
    covered = sum(ratio["low"] <= 1 <= ratio["high"] for ratio in same)
    found = sum(one.slowed["verdict"] == "slower" for one in slowed if one.slowed)
    halves = [log(ratio["high"] / ratio["low"]) / 2 for ratio in same]
    needed = [half + log(ratio["estimate"]) for half, ratio in zip(halves, same, strict=True)]
    seconds = [one.seconds for one in slowed]
    return Row(
        kernel=kernel,
        workload=workload,
        neighbour=neighbour,
        races=len(trials),
        false_alarms=alarms,
        false_alarm_share=_proportion(alarms, len(trials)),
        covered=covered,
        covered_share=_proportion(covered, len(trials)),
        half_width_median=median(halves),
        half_width_90=_quantile(halves, 0.9),
        launch_spread_median=median(one.launch_spread for one in trials),
        launches_median=median(one.launches for one in trials),
        slowed_races=len(slowed),
        slowed_found=found,
        slowed_found_share=_proportion(found, len(slowed)),
        slowed_by_median=median(1 / one.slowed["estimate"] - 1 for one in slowed if one.slowed),
        seconds_median=median(seconds),
        seconds_most=max(seconds),
        smallest_found=max(statistics.SMALLEST_EFFECT, exp(_quantile(needed, 0.95)) - 1),
    )


def _proportion(count: int, of: int) -> tuple[float, ...]:
    found = statistics.proportion(count, of)
    return (round(found.estimate, 4), round(found.low, 4), round(found.high, 4))


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


_MOST_ALARMS = 0.02
"""What a person who compares fifty kernels will bear: one false word."""
_LEAST_COVERAGE = 0.95 * statistics.CONFIDENCE
"""Of what is promised, a twentieth may be missing."""


def passed(document: dict[str, Any]) -> bool:
    """Whether nothing speaks against trusting this machine's numbers: every cheater is caught, and the exact 95%
    intervals of the shares of false alarms and of coverage reach what is asked of them. How small a slowdown is found
    is told, and not judged: it is the machine's, more than the measuring's.
    """
    whole = next(row for row in document["summary"] if row["kernel"] == "all")
    caught = all(found["caught"] for found in document["cheaters"].values())
    alarms, coverage = whole["false_alarm_share"], whole["covered_share"]
    return bool(caught and alarms[1] <= _MOST_ALARMS and coverage[2] >= _LEAST_COVERAGE)
