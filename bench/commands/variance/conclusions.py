"""For each entry with a wide interval: the likely cause, and what a narrower one costs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import expm1, log1p

from bench.analysis import variance
from bench.commands.variance.causes import IDLE
from bench.commands.variance.entries import Entry
from bench.report.formatting import clock, counted

_BEYOND = 2.0
"""Rounds that spread so many times as much as their calls predict have a cause of their own."""
_OTHERS = 0.05
"""A share of a core that others used, from which on it is named."""


def effects(of: Sequence[Entry]) -> dict[Entry, float]:
    """Entry with a planted cause → how many times as wide it is as the idle one, where that is shown.

    At 5% for all causes of a kernel together (Bonferroni).
    """
    idle = {entry.place: entry for entry in of if entry.condition == IDLE}
    planted = [entry for entry in of if entry.condition != IDLE and entry.place in idle]
    counts = {place: sum(entry.place == place for entry in planted) for place in idle}
    shown = {
        entry: variance.widened(entry.spread, idle[entry.place].spread, counts[entry.place]) for entry in planted
    }
    return {entry: factor for entry, factor in shown.items() if factor is not None}


def conclusions(of: Sequence[Entry]) -> list[str]:
    """A sentence or two for each idle ratio whose interval is wide after five launches, the widest first."""
    wide = [
        (half, entry)
        for entry in of
        if entry.over and entry.condition == IDLE
        if (half := entry.spread.half_width) is not None and half > log1p(variance.LARGE)
    ]
    shown = effects(of)
    lines = []
    for half, entry in sorted(wide, key=lambda pair: -pair[0]):
        planted = {one.condition: factor for one, factor in shown.items() if one.place == entry.place}
        where = f"{entry.kernel} over {entry.over} on {entry.workload}, {counted(entry.threads, 'thread')}"
        lines.append(f"{where}: ±{percent(expm1(half))}%. {likely_cause(entry, planted)} {cost(entry)}")
    return lines


def likely_cause(entry: Entry, planted: dict[str, float]) -> str:
    """What the components say, then what the planted causes say. planted: cause → its effect, where shown"""
    spread = entry.spread
    if spread.launch is None or not spread.launch.shown:
        cause = f"Its rounds' scatter of {percent(spread.rounds)}% explains it"
        if entry.rounds_predicted and spread.rounds > _BEYOND * entry.rounds_predicted:
            cause += (
                f"; single calls predict {percent(entry.rounds_predicted)}%, so what disturbs a round outlasts a call"
            )
    else:
        deviation = percent(spread.launch.variance**0.5)
        cause = f"Launches differ by {deviation}% beyond their rounds' scatter"
        if spread.drift is not None and spread.drift.shown:
            cause += f", and change by {percent(spread.drift.variance**0.5)}% while they last: the machine's speed"
        else:
            cause += ", and no change is shown while they last: what a start decides, such as the place of memory"
    if spread.run is not None and spread.run.shown:
        cause += f"; runs differ by {percent(spread.run.variance**0.5)}% beyond that"
    if entry.others > _OTHERS:
        cause += f"; other processes and the host used up to {entry.others:.0%} of a core"
    narrower = [f"{name} ({factor:.2g} ×)" for name, factor in planted.items() if factor < 1]
    wider = [f"{name} ({factor:.2g} ×)" for name, factor in planted.items() if factor > 1]
    if narrower:
        cause += f"; narrower with {', '.join(narrower)}, which takes a cause away"
    if wider:
        cause += f"; wider with {', '.join(wider)}"
    return f"{cause}."


def cost(entry: Entry) -> str:
    """How many launches or rounds give ±2.5%, and how much longer the race then takes."""
    remedy, parts = variance.remedy(entry.spread), []
    if remedy.launches is not None and entry.launch_seconds is not None:
        more = max(0, remedy.launches - variance.LAUNCHES) * entry.launch_seconds
        parts.append(f"{remedy.launches} launches (about {clock(more)} more)")
    if remedy.rounds is not None and entry.round_seconds is not None:
        more = variance.LAUNCHES * max(0.0, remedy.rounds - entry.spread.rounds_per_launch) * entry.round_seconds
        parts.append(f"{remedy.rounds} rounds in each of {variance.LAUNCHES} launches (about {clock(more)} more)")
    goal = f"±{percent(variance.LARGE)}%"
    return f"{goal} needs {', or '.join(parts)}." if parts else f"{goal} is out of reach of more launches or rounds."


def percent(share: float) -> str:
    """`0.04`, `1.2`, `23`: two digits of a percentage, without the sign."""
    value = 100 * share
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.095 else f"{value:.2f}"
