"""The self-test's outcome for a terminal of 80 columns or more."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


def summary(console: Console, document: dict[str, Any]) -> None:
    """Print what the races came to, plain pytest-benchmark beside them, and the cheaters."""
    console.print(Text(f"\na kernel against itself, and slowed by 5%, threads: {document['threads']}", style="bold"))
    console.print(_races(document["summary"]))
    console.print(
        "±: half of the median interval; spread: of launches; in s: the longest; finds: the least that 95% would"
    )
    console.print(Text("plain pytest-benchmark, the same comparisons, at a threshold of 2% and of 5%", style="bold"))
    console.print(_plain(document["pytest_benchmark"]))
    console.print(Text("cheaters", style="bold"))
    for name, found in document["cheaters"].items():
        missed = "" if found["caught"] else "NOT CAUGHT: "
        console.print(Text(f"  {missed}{name}: {found['outcome']}: {found['reason']}"), soft_wrap=True)


def _races(rows: list[dict[str, Any]]) -> Table:
    table = _table(("kernel", "size", "noisy", "alarms", "hold 1", "±", "spread", "5% found", "in s", "finds"))
    for row in rows:
        table.add_row(
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
    return table


def _plain(rows: list[dict[str, Any]]) -> Table:
    table = _table(("kernel", "size", "noisy", "alarms 2%", "found", "alarms 5%", "found"))
    for row in rows:
        shares = (
            row[f"{kind}_{threshold}_percent"]
            for threshold in (2, 5)
            for kind in ("false_alarm_rate", "slowed_found")
        )
        noisy = "yes" if row["neighbour"] else "no"
        table.add_row(row["kernel"], row["workload"], noisy, *(f"{share:.0%}" for share in shares))
    return table


def _table(headings: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < 3 else "right", no_wrap=True)
    return table
