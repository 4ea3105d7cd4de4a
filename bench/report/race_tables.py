"""The tables of a run as values: a race, the cold start, the ladder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from textwrap import wrap

from bench.report import operations
from bench.report.formatting import counted, duration, format_si, format_significant, reads_of_x
from bench.report.notes import ceilings, control, disturbances, not_measured, notes
from bench.report.operations import CEILING, RATE
from bench.report.rows import SMALLEST_X, Measured, baseline, cells_of, memory_of_x, of_ceiling, race_of, timed
from bench.report.table import Column, Table, kernel_column, number_columns
from bench.results.record import Record, Results

LEGEND = {
    "kernel": "slowest first",
    "time/call": "a tenth of the rounds of a launch (a start of all processes) were faster; averaged over launches",
    "× {baseline}": "times as fast as {baseline} [95% confidence interval]; the average of the launches' ratios, so "
    "it can differ a little from time ÷ time",
    "spread": "relative standard deviation of the time between launches; it does not give the width of the interval",
}
"""What the columns of every race mean, as in the README. The texts of the other columns are the operation's."""
OLDER_LEGEND = {**LEGEND, "time/call": "median within a launch (a start of all processes), averaged over launches"}
"""The same for files that name no statistic."""
MEMORY = "memory"
MEMORY_MEANING = (
    f"X and the most that the kernel adds, in copies of the data and in a call, relative to X; without its "
    f"libraries; only for X from {SMALLEST_X / 1e6:.0f} MB on"
)
"""A column of the races with so large an X, measured in memory that the system can observe."""
_LEGEND_WIDTH = 78
"""With the indent of a note, 80 columns."""
_STEPS = {
    "import": "import_seconds",
    "place": "placement_seconds",
    "build": "build_seconds",
    "lower": "lower_seconds",
    "compile": "compile_seconds",
    "cached": "compile_cached_seconds",
    "1st call": "first_call_seconds",
}
"""Heading → the field of a cold start."""
_STEP_TEXTS = {
    "place": "place: the data to the device.",
    "build": "build: making the call for this workload.",
    "lower": "lower: tracing, before compiling.",
    "cached": "cached: loading what an earlier launch compiled.",
}
_OVERTAKES = "overtakes {}"
"""NumPy's kernel, or the baseline where that is not raced."""


def race_table(results: Results, records: Sequence[Record]) -> Table:
    """The kernels of one race, slowest first. records: of that race"""
    first, measured, race = records[0], timed(records), race_of(results, records[0])
    level = next((record.level for record, _ in measured if record.level), "")
    figure = operations.figure_name(results, first.operation)
    parts = (
        f"{first.m:,} × {first.n:,} {first.dtype} {first.order}",
        counted(first.threads, "thread"),
        f"X in {level}" if level else "",
        operations.details(results, first.operation, race),
    )
    headings = ("time/call", f"× {baseline(measured)}", "spread", MEMORY, CEILING, RATE, figure)
    fastest = max((index for index, (record, _) in enumerate(measured) if record.reached), default=None)
    table = Table(
        title=f"{first.workload}: {', '.join(part for part in parts if part)}",
        columns=(kernel_column(), *number_columns(*headings)),
        rows=[cells_of(record, seconds, operations.figure(results, record)) for record, seconds in measured],
        notes=(
            *control(race),
            *disturbances(race),
            *(ceilings(race) if operations.has_ceiling(records) else ()),
            *operations.right_up_to(results, (record for record, _ in measured)).values(),
            *notes(measured),
            *not_measured(records),
        ),
        emphasized=() if fastest is None else (fastest,),
    )
    return table.without(
        *(() if any(memory_of_x(record) for record, _ in measured) else (MEMORY,)),
        *(() if operations.has_ceiling(records) else (CEILING, RATE)),
        *(() if figure else ("",)),
    )


def memory_below(table: Table) -> Table:
    """A race's table with the column of memory as a note below it, for a terminal that is too narrow."""
    headings = [column.heading for column in table.columns]
    if MEMORY not in headings:
        return table
    kernels = ", ".join(f"{row[0]} {row[headings.index(MEMORY)]}" for row in table.rows)
    return replace(table.without(MEMORY), notes=(f"{MEMORY}: {kernels}", *table.notes))


def legend(baseline_name: str, columns: Mapping[str, str]) -> list[str]:
    """The lines that explain these columns of a race with this baseline, aligned below one another.

    columns: heading → its meaning, with `{baseline}` as in LEGEND
    """
    texts = {heading.replace("{baseline}", baseline_name): text for heading, text in columns.items() if text}
    indent = max(map(len, texts), default=0) + 2
    return [
        line
        for heading, text in texts.items()
        for line in wrap(
            text.replace("{baseline}", baseline_name),
            _LEGEND_WIDTH,
            initial_indent=heading.ljust(indent),
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
        )
    ]


def cold_start_table(records: Sequence[Record]) -> Table:
    """What each kernel needs once, before its first call. records: of one race

    A step that no kernel has is left out, and the last column if nothing is compared.
    """
    steps = [
        heading
        for heading, field in _STEPS.items()
        if any(getattr(record.cold, field) is not None for record in records)
    ]
    named = ("numpy", *(record.speedup.baseline for record in records if record.speedup))
    compared = next((name for name in named if any(name in (record.break_even or {}) for record in records)), "")
    overtakes = _OVERTAKES.format(compared)
    rows = [
        (
            record.kernel,
            *(duration(getattr(record.cold, _STEPS[step]), digits=2) for step in steps),
            *([_calls(record, compared)] if compared else []),
        )
        for record in records
    ]
    explained = [text for step, text in _STEP_TEXTS.items() if step in steps]
    if compared:
        explained.append(f"{overtakes}: the number of calls after which it is ahead, compiling included.")
    return Table(
        title=f"cold start, on {records[0].workload}",
        columns=(kernel_column(), *number_columns(*steps, *([overtakes] if compared else []))),
        rows=rows,
        notes=(" ".join(explained),) if explained else (),
    )


def _calls(record: Record, compared: str) -> str:
    """After how many calls the kernel has overtaken that one."""
    if not record.reached or compared not in (record.break_even or {}):
        return "-"
    calls = (record.break_even or {})[compared]
    return "never" if calls is None else f"{calls:,}" if calls < 1e6 else format_si(calls)


def ladder_table(rungs: Measured) -> Table:
    """Each rung against the one before it."""
    rows, before = [], None
    for record, seconds in rungs:
        gain = "" if before is None else format_significant(before / seconds.estimate)
        rows.append((record.kernel, reads_of_x(record.passes), duration(seconds.estimate), gain, of_ceiling(record)))
        before = seconds.estimate
    headings = ("reads X", "time/call", "× previous", CEILING)
    table = Table("", (Column("rung", code=True), *number_columns(*headings)), rows)
    return table if operations.has_ceiling(record for record, _ in rungs) else table.without(CEILING)
