"""The summary for a terminal of 80 columns or more: a table for each race, then the cold start."""

from __future__ import annotations

from dataclasses import replace
from textwrap import fill

from rich.console import Console
from rich.text import Text

from bench.report.formatting import clock
from bench.report.notes import machine_and_run, narrowing, unavailable
from bench.report.race_tables import cold_start_table, legend, race_table
from bench.report.rows import baseline, by_race, cold_start, timed
from bench.report.table import print_table
from bench.results.record import Results


def summary(console: Console, results: Results) -> None:
    """Print a table for each race, in the order of the run, the cold start, and what this machine cannot run."""
    header = f"measured on {results.machine['id']}: {machine_and_run(results, results.records)}"
    console.print(Text(f"\n{fill(header, console.width, subsequent_indent='  ', break_on_hyphens=False)}"))
    explained = False
    for records in by_race(results.records):
        table = race_table(results, records)
        if table.rows and not explained:
            table = replace(table, notes=(*legend(baseline(timed(records))), *table.notes))
            explained = True
        console.print()
        print_table(console, table)
    console.print()
    if records := cold_start(results.records):
        print_table(console, cold_start_table(records))
        console.print()
    for line in (*narrowing(results.records), *unavailable(results.records)):
        console.print(Text(line))
    if budget := results.run.get("budget"):
        start, rounds, rest = (clock(budget[f"{part}_seconds"]) for part in ("start", "rounds", "rest"))
        console.print(Text(f"run time: start-up {start}, timed rounds {rounds}, other {rest}"))
