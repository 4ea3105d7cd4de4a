"""The result of a race against a commit, for a terminal of 80 or more columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from bench.analysis import verdict
from bench.report.formatting import duration
from bench.report.table import Column, Table, number_columns, print_table

if TYPE_CHECKING:
    from bench.commands.race.result import Comparison, Row


def summary(console: Console, comparison: Comparison, machine: str, threads: int) -> None:
    """Print a row for each kernel and workload, the width of the intervals, and the verdicts."""
    if comparison.rows:
        console.print(Text(f"{comparison.operation}: the working tree against {comparison.revision}", style="bold"))
        console.print(Text(f"threads: {threads}, on {machine}"))
        print_table(console, _table(comparison))
    for line in comparison.notes:
        console.print(Text(line))
    if (half := comparison.median_half_width) is not None:
        confidence = (
            f"each holds with {100 * comparison.confidence:.4g}%, all {len(comparison.rows)} together with 95%"
        )
        console.print(Text(f"intervals: ±{100 * half:.1f}% (median); {confidence}"))
    verdicts = Counter(row.judgement.verdict for row in comparison.rows)
    counts = ", ".join(f"{verdicts[name]} {name}" for name in (verdict.PASSED, verdict.FAILED, verdict.NOT_SHOWN))
    console.print(Text(f"at most {comparison.percent:g}% slower: {counts}"))
    for line in comparison.failures:
        console.print(Text(f"FAILED: {line}"))


def progress(console: Console) -> Callable[[str, float], None]:
    """A function that shows the current launch, rewriting one line; it shows nothing if this is no terminal."""
    shown = ""

    def tick(doing: str, _share: float) -> None:
        nonlocal shown
        launch = doing.partition(":")[0]
        if launch != shown and console.is_terminal:
            console.file.write(f"\r\x1b[K{launch}")
            console.file.flush()
        shown = launch

    return tick


def _table(comparison: Comparison) -> Table:
    columns = (
        Column("kernel", max_width=14),
        Column("workload", max_width=18, wrap=True),
        *number_columns("before", "now", "× as fast"),
        Column("verdict"),
    )
    return Table("", columns, [_cells(row) for row in comparison.rows])


def _cells(row: Row) -> tuple[str, ...]:
    ratio = row.judgement.ratio
    interval = "-" if ratio is None else f"{ratio.estimate:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
    times = duration(row.seconds_before), duration(row.seconds)
    workload = row.workload.rpartition(":")[2]  # without the operation
    return row.kernel, workload, *times, interval, row.verdict.removesuffix(" shown")
