"""The summary for a terminal of 80 columns or more: a table for each race, then the cold start."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console
from rich.text import Text

from bench.report.formatting import clock
from bench.report.notes import unavailable
from bench.report.race_tables import LEGEND, cold_start_table, race_table
from bench.report.rows import by_race, cold_start
from bench.report.table import print_table
from bench.results.record import Results


def summary(console: Console, results: Results) -> None:
    """Print a table for each race, in the order of the run, the cold start, and what this machine cannot run."""
    console.print(Text(f"\nmeasured on {results.machine['id']}"))
    legend: tuple[str, ...] = LEGEND
    for records in by_race(results.records):
        table = race_table(results, records)
        console.print()
        print_table(console, replace(table, notes=(*legend, *table.notes)) if table.rows else table)
        legend = () if table.rows else legend
    console.print()
    if records := cold_start(results.records):
        print_table(console, cold_start_table(records))
        console.print()
    for line in unavailable(results.records):
        console.print(Text(line))
    if budget := results.run.get("budget"):
        start, rounds, rest = (clock(budget[f"{part}_seconds"]) for part in ("start", "rounds", "rest"))
        console.print(Text(f"run time: start-up {start}, timed rounds {rounds}, other {rest}"))
