"""Runs side by side as text: for a terminal of 80 or more columns, and as Markdown with the same lines and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from string import ascii_uppercase

from rich.console import Console
from rich.text import Text

from bench.commands.compare.compare import Comparison, Pair
from bench.commands.compare.differences import Difference
from bench.commands.compare.drift import Change
from bench.report.formatting import duration, format_interval, format_significant
from bench.report.table import NAME_WIDTH, Column, Table, markdown_lines, number_columns, print_table
from bench.results.record import Ratio
from bench.results.store import Run

Row = tuple[str, ...]

_NOTHING_SHOWN = 100.0
"""If only a slowdown of 100× or more could be shown, the text says `nothing` instead of a number."""


def summary(
    console: Console, runs: Sequence[Run], differences: Sequence[Difference], comparisons: Sequence[Comparison]
) -> None:
    """Print what differs and, for each run after the first, its warnings and every kernel on every workload."""
    console.print()
    for line in legend(runs):
        console.print(Text(line))
    console.print()
    if differences:
        print_table(console, differences_table("what differs", runs, differences))
    else:
        console.print("nothing differs: hardware, software and settings are the same")
    for label, comparison in zip(run_labels(runs)[1:], comparisons, strict=True):
        console.print()
        console.print(Text(heading(comparison, label), style="bold"))
        for line in warnings(comparison):
            console.print(Text(f"  {line}"), style="yellow")
        for table in tables(comparison, label):
            if table.title:
                console.print()
            print_table(console, table)
        console.print()
        for line in closing_lines(comparison, label):
            console.print(Text(line))


def markdown(runs: Sequence[Run], differences: Sequence[Difference], comparisons: Sequence[Comparison]) -> str:
    """The same content as Markdown."""
    lines = [*(f"- {line}" for line in legend(runs)), ""]
    if differences:
        lines += markdown_lines(differences_table("", runs, differences))
    for label, comparison in zip(run_labels(runs)[1:], comparisons, strict=True):
        lines += ["", f"## {heading(comparison, label)}", ""]
        lines += [f"- {line}" for line in warnings(comparison)]
        for table in tables(comparison, label):
            lines += ["", *markdown_lines(table)]
        lines += ["", *(f"- {line}" for line in closing_lines(comparison, label))]
    return "\n".join(lines) + "\n"


def run_labels(runs: Sequence[Run]) -> tuple[str, ...]:
    """A, B, ...: the names of the runs in columns. Raises ValueError for more runs than letters."""
    if len(runs) > len(ascii_uppercase):
        raise ValueError(f"{len(runs)} runs; expected at most {len(ascii_uppercase)}")
    return tuple(ascii_uppercase[: len(runs)])


def legend(runs: Sequence[Run]) -> list[str]:
    """One line for each run: its label, machine and name."""
    return [
        f"{label}  {run.machine}, {run.name}{', the reference' if run is runs[0] else ''}"
        for label, run in zip(run_labels(runs), runs, strict=True)
    ]


def differences_table(title: str, runs: Sequence[Run], differences: Sequence[Difference]) -> Table:
    """A row for each group, followed by a row for each of its properties."""
    rows: list[Row] = []
    for group, members in groupby(differences, key=lambda difference: difference.group):
        rows.append((f"{group}:", *("" for _ in runs)))
        rows += [(f"  {difference.name}", *difference.values) for difference in members]
    return Table(title, (Column(""), *(Column(label, wrap=True) for label in run_labels(runs))), rows)


def heading(comparison: Comparison, other: str) -> str:
    """Which runs are compared, and what the ratio of their times means."""
    if comparison.one_machine:
        return f"{other} over A, one machine: how many times as fast, relative to the pace of its kernels"
    return f"{other} over A, two machines: how many times as fast"


def warnings(comparison: Comparison) -> list[str]:
    """The comparison's warnings and those of its workloads."""
    return [*comparison.warnings, *(line for pair in comparison.pairs for line in pair.warnings)]


def title(pair: Pair, one_machine: bool) -> str:
    """The workload with its threads; on one machine also the change that all kernels share."""
    threads = " and ".join(map(str, dict.fromkeys(pair.threads)))
    workload = f"{pair.workload}, threads: {threads}"
    shift = f"; all kernels together {pair.shift.format_shift}" if one_machine and len(pair.cells) > 1 else ""
    return workload + shift


def tables(comparison: Comparison, label: str) -> Iterator[Table]:
    """For each workload a table of the times and, if both runs have ceilings, one of the shares of the ceiling."""
    for pair in comparison.pairs:
        yield _ratio_table(title(pair, comparison.one_machine), "kernel", label, time_rows(pair))
        if rows := share_rows(pair):
            yield _ratio_table("", "of the ceiling", label, rows)


def _ratio_table(title: str, name: str, label: str, rows: Sequence[Row]) -> Table:
    columns = Column(name, max_width=NAME_WIDTH), *number_columns("A", label, f"{label} over A"), Column("verdict")
    return Table(
        title, columns, rows, emphasized=[i for i, row in enumerate(rows) if row[-1] in ("faster", "slower")]
    )


def time_rows(pair: Pair) -> list[Row]:
    """Kernel, both times, their ratio with its interval, and the verdict."""
    return [
        (cell.kernel, *map(duration, cell.seconds), format_change(cell.times), cell.times.verdict)
        for cell in pair.cells
    ]


def share_rows(pair: Pair) -> list[Row]:
    """Kernel, both shares of the ceiling, their ratio with its interval, and the verdict; empty without ceilings."""
    return [
        (
            cell.kernel,
            *(f"{format_significant(100 * share, 2)}%" for share in cell.shares),
            format_change(cell.normalised),
            cell.normalised.verdict,
        )
        for cell in pair.cells
        if cell.shares and cell.normalised
    ]


def format_change(change: Change) -> str:
    """`1.20 [1.12, 1.29]`; only the number if there is no interval."""
    if change.low is None or change.high is None:
        return format_significant(change.estimate)
    return format_interval(Ratio(change.estimate, change.low, change.high, ""))


def closing_lines(comparison: Comparison, other: str) -> list[str]:
    """The counts of the verdicts, the smallest slowdown that would be shown, and kernels that only one run timed."""
    counts = Counter(cell.times.verdict for _, cell in comparison.cells)
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("faster", "slower", "no difference shown"))
    lines = [f"{other} over A, times: {verdicts}"]
    if (smallest := comparison.smallest) is not None:
        size = "nothing" if smallest >= _NOTHING_SHOWN else f"a kernel slower by {smallest:.0%}"
        lines.append(f"these two runs would show {size} in 9 of 10 cases (the median kernel and workload)")
    if not comparison.one_machine and not any(cell.normalised for _, cell in comparison.cells):
        lines.append("not normalised: a run has no ceilings of its machine")
    return [*lines, *comparison.only_in_one]
