"""The self-test's outcome for a terminal of 80 columns or more."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from bench.commands.selftest.summary import Verdict
from bench.report.table import Column, Table, number_columns, print_table


def summary(console: Console, document: dict[str, Any]) -> None:
    """Print the summary of the races, that of plain pytest-benchmark, the cheaters, and what held."""
    for table in (_races(document["summary"]), _plain(document["pytest_benchmark"])):
        console.print()
        print_table(console, table)
    console.print()
    console.print(Text("cheaters", style="bold"))
    for name, cheater in document["cheaters"].items():
        missed = "" if cheater["caught"] else "NOT CAUGHT: "
        console.print(Text(f"  {missed}{name}: {cheater['outcome']}: {cheater['reason']}"), soft_wrap=True)
    console.print()
    console.print(Text("what is asked of the races", style="bold"))
    for verdict in document["verdicts"]:
        console.print(Text(f"  {Verdict(**verdict)}"), soft_wrap=True)


def _races(summaries: list[dict[str, Any]]) -> Table:
    rows = [
        (
            row["kernel"],
            row["workload"].removesuffix("-f64"),
            row["neighbour"],
            "-" if row["threads"] is None else str(row["threads"]),
            f"{row['false_alarms']}/{row['races']}",
            str(row["covered"]),
            f"{row['covered_share'][1]:.0%}–{row['covered_share'][2]:.0%}",
            f"{row['slowed_found']}/{row['slowed_races']}",
            f"{row['half_width_median']:.1%}",
            str(row["all_count_races"]),
            f"{row['disturbed_sweeps']}/{row['sweeps']}",
        )
        for row in summaries
    ]
    return Table(
        title="a kernel against itself, and slowed by 5%",
        columns=_columns("alarms", "hold 1", "of 100", "5% found", "±", "all count", "disturbed"),
        rows=rows,
        notes=(
            "alarms: of the races, those that show a difference where there is none; hold 1: intervals that contain "
            "1, and the exact interval of their share; ±: half the median interval; all count: races in which "
            "disturbed sweeps count, too; disturbed: of the sweeps, those beside which others computed",
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
        cells = (row["kernel"], row["workload"], noisy, str(row["threads"]))
        rows.append((*cells, *(f"{share:.0%}" for share in shares)))
    return Table(
        title="the same comparisons with plain pytest-benchmark, at thresholds of 2% and 5%",
        columns=_columns("alarms 2%", "found", "alarms 5%", "found"),
        rows=rows,
    )


def _columns(*numbers: str) -> tuple[Column, ...]:
    return (Column("kernel"), Column("size"), Column("noisy"), *number_columns("threads", *numbers))
