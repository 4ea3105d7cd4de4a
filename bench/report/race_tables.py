"""The tables of a run as values: a race, the cold start, the ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from textwrap import wrap

from bench.report.formatting import counted, duration, format_significant, reads_of_x
from bench.report.notes import ceilings, control, not_measured, notes
from bench.report.rows import Measured, baseline, cells_of, of_ceiling, timed
from bench.report.table import Column, Table, kernel_column, number_columns
from bench.results.record import Record, Results

LEGEND = {
    "kernel": "slowest first",
    "time/call": "median within a launch (a start of all processes), averaged over launches",
    "× {baseline}": "times as fast as {baseline} [95% confidence interval]; the average of the launches' ratios, so "
    "it can differ a little from time ÷ time",
    "spread": "relative standard deviation of the time between launches; it does not give the width of the interval",
    "of ceiling": "100% is the longest of reading X and y once, m sigmoids with losses, 2mn multiply-adds",
    "GB/s": "bytes of X, y, w and dw, each counted once, divided by the time",
    "ulps": "largest error of cost, dw, db, divided by u · the mean |term| of the sum; u is 2⁻⁵³, or 2⁻²⁴ in float32",
}
"""What the columns of a race mean. The README has the same texts."""
_LEGEND_WIDTH = 78
"""With the indent of a note, 80 columns."""


def race_table(results: Results, records: Sequence[Record]) -> Table:
    """The kernels of one race, slowest first. records: of that race."""
    first, measured = records[0], timed(records)
    level = next((record.level for record, _ in measured if record.level), "")
    size = f"{first.m:,} × {first.n:,} {first.dtype} {first.order}, {counted(first.threads, 'thread')}"
    headings = ("time/call", f"× {baseline(measured)}", "spread", "of ceiling", "GB/s", "ulps")
    return Table(
        title=f"{first.workload}: {size}{f', X in {level}' if level else ''}",
        columns=(kernel_column(), *number_columns(*headings)),
        rows=[cells_of(record, seconds) for record, seconds in measured],
        notes=(
            *control(results, first.workload, first.threads),
            *ceilings(results, first.workload, first.threads),
            *notes(measured),
            *not_measured(records),
        ),
        emphasized=(len(measured) - 1,),
    )


def legend(baseline_name: str) -> list[str]:
    """The lines that explain the columns of a race with this baseline, aligned below one another."""
    texts = {heading.format(baseline=baseline_name): text for heading, text in LEGEND.items()}
    indent = max(map(len, texts)) + 2
    return [
        line
        for heading, text in texts.items()
        for line in wrap(
            text.format(baseline=baseline_name),
            _LEGEND_WIDTH,
            initial_indent=heading.ljust(indent),
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
        )
    ]


def cold_start_table(records: Sequence[Record]) -> Table:
    """What each kernel needs once, before its first call. records: of one race."""
    rows = []
    for record in records:
        calls = (record.break_even or {}).get("numpy", "-")
        after = "never" if calls is None else calls if calls == "-" else f"after {calls:,}"
        rows.append((record.kernel, *map(duration, astuple(record.cold)), str(after)))
    headings = ("import", "place", "lower", "compile", "cached", "1st call", "overtakes numpy")
    return Table(
        title=f"cold start, on {records[0].workload}",
        columns=(kernel_column(), *number_columns(*headings)),
        rows=rows,
        notes=(
            "place: X and y to the device. lower: tracing, before compiling. cached: loading what an earlier launch "
            "compiled. overtakes numpy: after so many calls it is ahead, compiling included.",
        ),
    )


def ladder_table(rungs: Measured) -> Table:
    """Each rung against the one before it."""
    rows, before = [], None
    for record, seconds in rungs:
        gain = "" if before is None else format_significant(before / seconds.median)
        rows.append((record.kernel, reads_of_x(record.passes), duration(seconds.median), gain, of_ceiling(record)))
        before = seconds.median
    headings = ("reads X", "time/call", "× previous", "of ceiling")
    return Table("", (Column("rung", code=True), *number_columns(*headings)), rows)
