"""The summary for a terminal of 80 columns or more: a table for each race, then the cold start."""

from __future__ import annotations

from dataclasses import replace
from textwrap import fill

from rich.console import Console
from rich.text import Text

from bench.report import operations
from bench.report.formatting import clock
from bench.report.headline import main_race
from bench.report.machine import handicaps
from bench.report.notes import machine_and_run, narrowing, unavailable
from bench.report.race_tables import (
    LEGEND,
    MEMORY,
    MEMORY_MEANING,
    OLDER_LEGEND,
    cold_start_table,
    legend,
    memory_below,
    race_table,
)
from bench.report.rows import baseline, by_race, timed
from bench.report.table import fits, print_notes, print_table
from bench.results.record import Results


def summary(console: Console, results: Results) -> None:
    """Print a table for each race, in the order of the run, the cold start, and what this machine cannot run."""
    header = f"measured on {results.machine['id']}: {machine_and_run(results, results.records)}"
    console.print(Text(f"\n{fill(header, console.width, subsequent_indent='  ', break_on_hyphens=False)}"))
    print_notes(console, handicaps(results, results.records))
    explained: set[str] = set()
    for records in by_race(results.records):
        table, operation = race_table(results, records), records[0].operation
        if table.rows:
            meanings = operations.meanings(results, records)
            shown = {column.heading for column in table.columns}
            columns = {
                **({} if explained else LEGEND if "statistic" in results.run else OLDER_LEGEND),
                **({} if MEMORY in explained or MEMORY not in shown else {MEMORY: MEMORY_MEANING}),
                **({} if operation in explained else meanings),
            }
            if not fits(table, console.width):
                table = memory_below(table)
            table = replace(table, notes=(*legend(baseline(timed(records)), columns), *table.notes))
            explained |= {operation, *columns}
        console.print()
        print_table(console, table)
    console.print()
    if measured := main_race(results):
        print_table(console, cold_start_table([record for record, _ in measured]))
        console.print()
    for line in (*narrowing(results.records), *unavailable(results.records)):
        console.print(Text(line))
    if budget := results.run.get("budget"):
        start, rounds, rest = (clock(budget[f"{part}_seconds"]) for part in ("start", "rounds", "rest"))
        cold = (
            f", compiling with an empty cache {clock(budget['cold_seconds'])}" if budget.get("cold_seconds") else ""
        )
        console.print(Text(f"run time: start-up {start}, timed rounds {rounds}{cold}, other {rest}"))
