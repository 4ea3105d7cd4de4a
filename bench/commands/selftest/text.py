"""The self-test's outcome for a terminal of 80 columns or more."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from bench.report.table import Column, Table, number_columns, print_table


def summary(console: Console, document: dict[str, Any]) -> None:
    """Print the summary of the races, that of plain pytest-benchmark, and the cheaters."""
    for table in (_races(document["summary"], document["threads"]), _plain(document["pytest_benchmark"])):
        console.print()
        print_table(console, table)
    console.print()
    console.print(Text("cheaters", style="bold"))
    for name, cheater in document["cheaters"].items():
        missed = "" if cheater["caught"] else "NOT CAUGHT: "
        console.print(Text(f"  {missed}{name}: {cheater['outcome']}: {cheater['reason']}"), soft_wrap=True)


def _races(summaries: list[dict[str, Any]], threads: int) -> Table:
    rows = [
        (
            row["kernel"],
            row["workload"].removesuffix("-f64"),
            row["neighbour"],
            f"{row['false_alarms']}/{row['races']}",
            f"{row['covered']}/{row['races']}",
            f"{row['half_width_median']:.1%}",
            f"{row['launch_spread_median']:.1%}",
            f"{row['slowed_found']}/{row['slowed_races']}",
            f"{row['seconds_most']:.0f}",
            f"{row['smallest_found']:.1%}",
        )
        for row in summaries
    ]
    return Table(
        title=f"a kernel against itself, and slowed by 5%, threads: {threads}",
        columns=_columns("alarms", "hold 1", "±", "spread", "5% found", "in s", "finds"),
        rows=rows,
        notes=(
            "alarms: races that show a difference where there is none; hold 1: intervals that contain 1; "
            "±: half the median interval; spread: between launches; in s: the longest race; "
            "finds: the smallest slowdown that 95% of the races find",
        ),
    )


def _plain(summaries: list[dict[str, Any]]) -> Table:
    rows = []
    for row in summaries:
        shares = (
            row[f"{kind}_{threshold}_percent"]
            for threshold in (2, 5)
            for kind in ("false_alarm_rate", "slowed_found")
        )
        noisy = "yes" if row["neighbour"] else "no"
        rows.append((row["kernel"], row["workload"], noisy, *(f"{share:.0%}" for share in shares)))
    return Table(
        title="the same comparisons with plain pytest-benchmark, at thresholds of 2% and 5%",
        columns=_columns("alarms 2%", "found", "alarms 5%", "found"),
        rows=rows,
    )


def _columns(*numbers: str) -> tuple[Column, ...]:
    return (Column("kernel"), Column("size"), Column("noisy"), *number_columns(*numbers))
