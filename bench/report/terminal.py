"""The summary for a terminal of 80 columns or more: a table for each workload, then what did not run."""

from __future__ import annotations

from dataclasses import astuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.report.formatting import clock, counted, duration
from bench.report.notes import limit, not_measured, notes, trust, unavailable
from bench.report.rows import baseline, by_race, cells_of, cold_start, is_brought, timed
from bench.results.record import Record, Results, Seconds

_NAME_WIDTH = 20


def summary(console: Console, results: Results) -> None:
    """Print a table for each race, in the order of the run, the cold start, and what this machine cannot run."""
    machine = results.machine["id"]
    for (workload, threads), records in by_race(results.records):
        console.print()
        measured = timed(records)
        if measured:
            fastest = measured[-1][0]
            size = f"{fastest.m:,} × {fastest.n:,} {fastest.dtype} {fastest.order}, {counted(threads, 'thread')}"
            size += f", X in {where}" if (where := next((r.level for r, _ in measured if r.level), "")) else ""
            console.print(Text(f"{workload}: {size}", style="bold"))
            console.print(Text(f"speedup over {baseline(measured)}, with its 95% interval, on {machine}"))
            console.print(_table(measured))
        for line in (
            *trust(results, workload, threads),
            *limit(results, workload, threads),
            *notes(measured),
            *not_measured(records),
        ):
            console.print(Text(f"  {line}"))
    console.print()
    if rows := cold_start(results.records):
        console.print(Text(f"cold start, on {rows[0].workload}", style="bold"))
        console.print(_cold_table(rows))
        console.print()
    for line in unavailable(results.records):
        console.print(Text(line))
    if budget := results.run.get("budget"):
        start, rounds, rest = (clock(budget[f"{part}_seconds"]) for part in ("start", "rounds", "rest"))
        console.print(Text(f"spent: start-up {start}, timed rounds {rounds}, the rest {rest}"))


def _table(measured: list[tuple[Record, Seconds]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("kernel", no_wrap=True, max_width=_NAME_WIDTH)
    for heading in ("time/call", "speedup", "launches", "of limit", "GB/s", "ulps"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record, seconds in measured:
        name, *cells = cells_of(record, seconds)
        table.add_row(*map(Text, (_marked(name), *cells)), style="bold" if record is measured[-1][0] else "")
    return table


def _marked(kernel: str) -> str:
    """The name, with an arrow behind one that a user brings."""
    if not is_brought(kernel):
        return kernel
    return f"{kernel if len(kernel) < _NAME_WIDTH else f'{kernel[: _NAME_WIDTH - 2]}…'}←"


def _cold_table(records: list[Record]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("kernel", no_wrap=True, max_width=_NAME_WIDTH)
    for heading in ("import", "place", "lower", "compile", "cached", "1st call", "overtakes numpy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in records:
        calls = (record.break_even or {}).get("numpy", "-")
        after = "never" if calls is None else calls if calls == "-" else f"after {calls:,}"
        table.add_row(*map(Text, (record.kernel, *map(duration, astuple(record.cold)), str(after))))
    return table
