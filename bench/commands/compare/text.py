"""Runs side by side, for a terminal of 80 columns or more and as Markdown. Both show the same lines and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from string import ascii_uppercase

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.commands.compare.compare import Comparison, Pair
from bench.commands.compare.differences import Difference
from bench.commands.compare.drift import Change
from bench.report.formatting import duration, format_significant, interval
from bench.results.record import Ratio
from bench.results.store import Run

Row = tuple[str, ...]

_NEVER = 100.0
"""From this slowdown on (a hundredfold) `nothing` is said rather than a number."""


def summary(
    console: Console, runs: Sequence[Run], differing: Sequence[Difference], found: Sequence[Comparison]
) -> None:
    """Print what differs, what is shaky, and for each run after the first every kernel on every workload."""
    console.print()
    for line in legend(runs):
        console.print(Text(line))
    console.print()
    if differing:
        console.print(Text("what differs", style="bold"))
        console.print(_table(("", *run_labels(runs)), difference_rows(differing), left=1 + len(runs), fold=True))
    else:
        console.print("nothing differs: hardware, software and settings are the same")
    for comparison in found:
        other = _letter(runs, comparison.other)
        console.print()
        console.print(Text(heading(comparison, other), style="bold"))
        for line in warnings(comparison):
            console.print(Text(f"  {line}"), style="yellow")
        for pair in comparison.pairs:
            console.print(Text(f"\n{title(pair, comparison.one_machine)}", style="bold"))
            console.print(_table(("kernel", "A", other, f"{other} over A", "verdict"), time_rows(pair)))
            if rows := share_rows(pair):
                console.print(_table(("of the limit", "A", other, f"{other} over A", "verdict"), rows))
        console.print()
        for line in print_summary(comparison, other):
            console.print(Text(line))


def markdown(runs: Sequence[Run], differing: Sequence[Difference], found: Sequence[Comparison]) -> str:
    """The same as Markdown."""
    lines = [*(f"- {line}" for line in legend(runs)), ""]
    if differing:
        lines += _markdown_table(("", *run_labels(runs)), difference_rows(differing), left=1 + len(runs))
    for comparison in found:
        other = _letter(runs, comparison.other)
        lines += ["", f"## {heading(comparison, other)}", ""]
        lines += [f"- {line}" for line in warnings(comparison)]
        for pair in comparison.pairs:
            lines += ["", f"**{title(pair, comparison.one_machine)}**", ""]
            lines += _markdown_table(("kernel", "A", other, f"{other} over A", "verdict"), time_rows(pair))
            if rows := share_rows(pair):
                lines.append("")
                lines += _markdown_table(("of the limit", "A", other, f"{other} over A", "verdict"), rows)
        lines += ["", *(f"- {line}" for line in print_summary(comparison, other))]
    return "\n".join(lines) + "\n"


def run_labels(runs: Sequence[Run]) -> tuple[str, ...]:
    """A, B, ... for the columns. Raises ValueError for more runs than there are letters."""
    if len(runs) > len(ascii_uppercase):
        raise ValueError(f"{len(runs)} runs; expected {len(ascii_uppercase)} at most")
    return tuple(ascii_uppercase[: len(runs)])


def _letter(runs: Sequence[Run], run: Run) -> str:
    return run_labels(runs)[[id(one) for one in runs].index(id(run))]


def legend(runs: Sequence[Run]) -> list[str]:
    """Which run each letter is."""
    return [
        f"{letter}  {run.machine}, {run.name}{', the reference' if run is runs[0] else ''}"
        for letter, run in zip(run_labels(runs), runs, strict=True)
    ]


def difference_rows(differing: Sequence[Difference]) -> list[Row]:
    """A line for each group, and its properties under it."""
    rows: list[Row] = []
    for group, members in groupby(differing, key=lambda difference: difference.group):
        listed = list(members)
        rows.append((f"{group}:", *("" for _ in listed[0].values)))
        rows += [(f"  {one.name}", *one.values) for one in listed]
    return rows


def heading(comparison: Comparison, other: str) -> str:
    """What is compared with what, and how times are to be read."""
    if comparison.one_machine:
        return f"{other} over A, one machine: how many times faster, at the pace its kernels share"
    return f"{other} over A, two machines: how many times faster"


def warnings(comparison: Comparison) -> list[str]:
    """All that speaks against believing it."""
    return [*comparison.warnings, *(line for pair in comparison.pairs for line in pair.warnings)]


def title(pair: Pair, one_machine: bool) -> str:
    """The workload, and on one machine what was put down to it."""
    threads = " and ".join(map(str, dict.fromkeys(pair.threads)))
    words = f"{pair.workload}, threads: {threads}"
    return f"{words}; all kernels together {pair.pace.format_shift}" if one_machine and len(pair.cells) > 1 else words


def time_rows(pair: Pair) -> list[Row]:
    """Kernel, both times, the ratio with its interval, the verdict."""
    return [
        (cell.kernel, *map(duration, cell.seconds), format_change(cell.times), cell.times.verdict)
        for cell in pair.cells
    ]


def share_rows(pair: Pair) -> list[Row]:
    """Kernel, both shares of the limit, their ratio with its interval, the verdict; none without limits."""
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
    """`1.20 [1.12, 1.29]`, or the number alone where one launch has no interval."""
    if change.low is None or change.high is None:
        return format_significant(change.estimate)
    return interval(Ratio(change.estimate, change.low, change.high, ""))


def print_summary(comparison: Comparison, other: str) -> list[str]:
    """How many of each verdict, what could have been shown, and what only one run timed."""
    counts = Counter(cell.times.verdict for _, cell in comparison.cells)
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("faster", "slower", "no difference shown"))
    lines = [f"{other} over A, times: {verdicts}"]
    if (smallest := comparison.smallest) is not None:
        size = "nothing" if smallest >= _NEVER else f"a kernel slower by {smallest:.0%}"
        lines.append(f"these two runs would show {size} in 9 of 10 cases (the median kernel and workload)")
    if not comparison.one_machine and not any(cell.normalised for _, cell in comparison.cells):
        lines.append("not normalised: not both runs have the machine's limits")
    return [*lines, *comparison.only_in_one]


def _table(headings: Row, rows: Sequence[Row], left: int = 1, fold: bool = False) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(headings):
        table.add_column(
            name,
            justify="left" if place < left or name == "verdict" else "right",
            no_wrap=not (fold and place),
            overflow="fold" if fold and place else "ellipsis",
            max_width=None if fold or place else 20,
        )
    for row in rows:
        table.add_row(*map(Text, row), style="bold" if row[-1] in ("faster", "slower") else "")
    return table


def _markdown_table(headings: Row, rows: Sequence[Row], left: int = 1) -> Iterator[str]:
    sides = ("---" if place < left or name == "verdict" else "--:" for place, name in enumerate(headings))
    yield f"| {' | '.join(headings)} |"
    yield f"|{'|'.join(sides)}|"
    for row in rows:
        yield f"| {' | '.join(cell.strip() for cell in row)} |"
