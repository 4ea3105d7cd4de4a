"""A study in the terminal, and as Markdown: two tables for each workload and number of threads, then conclusions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

from rich.console import Console

from bench.analysis import variance
from bench.analysis.variance import Component
from bench.commands.variance.causes import CAUSES
from bench.commands.variance.conclusions import conclusions, effects, percent
from bench.commands.variance.document import Study
from bench.commands.variance.entries import Entry, entries
from bench.report.formatting import counted, duration
from bench.report.table import Column, Table, kernel_column, markdown_lines, number_columns, print_table

_LEGEND = (
    "All but time in %: standard deviations of logarithms. calls: single calls, robust; rounds: the rounds of a "
    "launch, robust; launches: their lower deciles, within a run.",
    "In brackets: what single calls predict for rounds, and what rounds predict for the deciles of launches.",
    "beyond: what launches vary by beyond that, with its 95% interval; none, <x: not shown, and at most x.",
)
_RATIO_LEGEND = (
    f"±: half the 95% interval after {variance.LAUNCHES} launches, from the launches' spread.",
    "vs idle: launches spread so many times as much as without the planted cause; empty where no change is shown.",
)


def tables(study: Study) -> list[Table]:
    """Two for each workload and number of threads, then runs, what was planted, and what was not timed."""
    made, of = [], entries(study)
    shown = effects(of)
    for workload in study["baselines"]:
        for threads in dict.fromkeys(entry.threads for entry in of):
            here = [entry for entry in of if (entry.workload, entry.threads) == (workload, threads)]
            times, ratios = ([entry for entry in here if bool(entry.over) is over] for over in (False, True))
            title = f"{workload}, {counted(threads, 'thread')}"
            if times:
                made.append(_times(title, times))
            if ratios:
                made.append(_ratios(f"{title}: ratios over {ratios[0].over}", ratios, shown))
    if made:
        made[-1] = replace(made[-1], notes=(*made[-1].notes, *_LEGEND, *_RATIO_LEGEND))
    failures = dict.fromkeys(
        f"{name}: {reason}" for unit in study["units"] for name, reason in unit["failures"].items()
    )
    used = dict.fromkeys(unit["condition"] for unit in study["units"])
    causes = [f"{name}: {CAUSES[name].summary}" for name in used if name in CAUSES]
    ends = [_runs(of), Table("What was planted", (), (), causes), Table("Not timed", (), (), list(failures))]
    return [*made, *(table for table in ends if table.rows or table.notes)]


def _times(title: str, of: Sequence[Entry]) -> Table:
    rows = [
        (entry.kernel, entry.condition, duration(entry.seconds), _or_dash(entry.calls), *_levels(entry))
        for entry in of
    ]
    numbers = ("time", "calls", "rounds", "launches", "beyond")
    return Table(f"{title}: times", _columns(*numbers), rows, _counts_all(of))


def _ratios(title: str, of: Sequence[Entry], shown: dict[Entry, float]) -> Table:
    rows = [
        (
            entry.kernel,
            entry.condition,
            *_levels(entry),
            _or_dash(entry.spread.half_width),
            f"{shown[entry]:.2g} ×" if entry in shown else "",
        )
        for entry in of
    ]
    return Table(title, _columns("rounds", "launches", "beyond", "±", "vs idle"), rows)


def _runs(of: Sequence[Entry]) -> Table:
    """What idle runs vary by beyond their launches."""
    idle = [entry for entry in of if entry.spread.run is not None]
    ratios = {(one.workload, one.threads, one.kernel): one.spread.run for one in idle if one.over}
    rows = [
        (
            entry.workload,
            str(entry.threads),
            entry.kernel,
            str(entry.spread.runs),
            _component(entry.spread.run),
            _component(ratios.get((entry.workload, entry.threads, entry.kernel))),
        )
        for entry in idle
        if not entry.over
    ]
    columns = (Column("workload"), *number_columns("threads"), kernel_column(), *number_columns("runs", "times"))
    title = "Between idle runs, beyond their launches, in %"
    return Table(title, (*columns, *number_columns("ratios")), rows)


def _columns(*numbers: str) -> tuple[Column, ...]:
    return (kernel_column(), Column("planted"), *number_columns(*numbers))


def _levels(entry: Entry) -> tuple[str, str, str]:
    spread = entry.spread
    return (
        _beside(spread.rounds, entry.rounds_predicted),
        _beside(spread.launches, spread.launches_predicted),
        _component(spread.launch),
    )


def _beside(observed: float | None, predicted: float | None) -> str:
    return _or_dash(observed) if predicted is None else f"{_or_dash(observed)} ({percent(predicted)})"


def _component(of: Component | None) -> str:
    if of is None:
        return "-"
    deviation, low, high = (percent(sqrt(value)) for value in (of.variance, of.low, of.high))
    return f"{deviation} [{low}, {high}]" if of.shown else f"none, <{high}" if of.high else "none"


def _or_dash(share: float | None) -> str:
    return "-" if share is None else percent(share)


def _counts_all(of: Sequence[Entry]) -> list[str]:
    """For each condition, how many launches were never quiet enough: their disturbed rounds count."""
    most = {entry.condition: entry for entry in of if entry.counts_all}
    return [
        f"{condition}: rounds beside foreign processes count in {entry.counts_all} of "
        f"{counted(entry.launches, 'launch', 'launches')}."
        for condition, entry in most.items()
    ]


def _header(study: Study) -> str:
    state = "" if study["finished"] else ", NOT COMPLETE: python -m bench variance --resume FILE.json goes on"
    return f"variance study of {study['machine']['id']}, commit {study['commit']}, {study['began']}{state}"


def _closing(study: Study) -> Table:
    of = entries(study)
    title = f"Ratios wider than ±{percent(variance.LARGE)}% after {variance.LAUNCHES} idle launches"
    lines = conclusions(of)
    if not any(entry.over and entry.spread.half_width is not None for entry in of):
        lines = ["no ratio has two launches: nothing can be said"]
    return Table(title, (), (), lines or ["none"])


def summary(console: Console, study: Study) -> None:
    """Print everything."""
    print_table(console, Table(_header(study), (), ()))
    for table in (*tables(study), _closing(study)):
        console.print()
        print_table(console, table)


def markdown(study: Study) -> str:
    """The same as Markdown."""
    lines = [_header(study)]
    for table in (*tables(study), _closing(study)):
        lines += ["", *markdown_lines(table)]
    return "\n".join(lines) + "\n"
