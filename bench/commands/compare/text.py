"""Runs side by side as text: for a terminal of 80 or more columns, and as Markdown with the same lines and rows.

First the sentences, then the ceilings, then a table for each workload. What is long and seldom read comes last: the
warnings if there are many, what differs, and what only one run timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

from rich.console import Console
from rich.text import Text

from bench.commands.compare import sentences as said
from bench.commands.compare.compare import Comparison
from bench.commands.compare.differences import Difference
from bench.commands.compare.tables import (
    RATIO_OF_SHARES,
    ceilings_table,
    cell_tables,
    cells_table,
    column_texts,
    difference_lines,
)
from bench.report.formatting import counted
from bench.report.table import markdown_lines, print_table
from bench.results.store import Run

_WIDE = 100
"""Columns of the terminal with room for the ratio of the shares."""
_FEW_WARNINGS = 3
"""So many are read before the tables."""


def summary(
    console: Console, runs: Sequence[Run], differences: Sequence[Difference], comparisons: Sequence[Comparison]
) -> None:
    """Print each run after the first against the first, and what differs between the runs."""
    for label, comparison in zip(said.run_labels(runs)[1:], comparisons, strict=True):
        if comparison is not comparisons[0]:
            console.print()
        _print_comparison(console, runs, comparison, label)
    if lines := difference_lines(runs, differences):
        console.print()
        console.print(Text("what differs", style="bold"))
        _print_lines(console, lines)


def _print_comparison(console: Console, runs: Sequence[Run], comparison: Comparison, label: str) -> None:
    _print_lines(console, said.sentences(comparison, label))
    first, last = split_warnings(comparison)
    _print_lines(console, first, style="yellow")
    console.print()
    lines = said.legend(runs)
    _print_lines(console, [lines[0], next(line for line in lines if line.startswith(f"{label}  "))])
    _print_lines(console, column_texts(comparison, label))
    ceilings = ceilings_table(comparison, label)
    for table in (*([ceilings] if ceilings.rows else []), cells_table(comparison, label)):
        console.print()
        print_table(console, table if console.width >= _WIDE else table.without(RATIO_OF_SHARES))
    console.print()
    _print_lines(console, said.closing_lines(comparison, label))
    _print_lines(console, last, style="yellow")
    _print_lines(console, comparison.only_in_one)


def _print_lines(console: Console, lines: Sequence[str], style: str = "") -> None:
    for line in lines:
        wrapped = fill(line, console.width, subsequent_indent="  ", break_on_hyphens=False)
        console.print(Text(wrapped, style=style))


def split_warnings(comparison: Comparison) -> tuple[list[str], list[str]]:
    """The lines before the tables and those after them: few warnings, or how many there are."""
    lines = said.warnings(comparison)
    if len(lines) <= _FEW_WARNINGS:
        return lines, []
    untrusted = sum("NOT TRUSTWORTHY" in line for line in lines)
    of_them = f", {untrusted} of them: NOT TRUSTWORTHY" if untrusted else ""
    return [f"{counted(len(lines), 'warning')} after the tables{of_them}"], lines


def markdown(runs: Sequence[Run], differences: Sequence[Difference], comparisons: Sequence[Comparison]) -> str:
    """The same content as Markdown."""
    lines = []
    for label, comparison in zip(said.run_labels(runs)[1:], comparisons, strict=True):
        first, last = split_warnings(comparison)
        lines += [f"## {label} over A", "", *said.sentences(comparison, label), ""]
        lines += [f"- {line}" for line in (*first, *said.legend(runs), *column_texts(comparison, label))]
        for table in (ceilings_table(comparison, label), *cell_tables(comparison, label)):
            lines += ["", *markdown_lines(table)] if table.rows else []
        lines += ["", *(f"- {line}" for line in said.closing_lines(comparison, label))]
        lines += [*(f"- {line}" for line in (*last, *comparison.only_in_one)), ""]
    if listed := difference_lines(runs, differences):
        lines += ["## What differs", "", *(f"- {line}" for line in listed), ""]
    return "\n".join(lines)
