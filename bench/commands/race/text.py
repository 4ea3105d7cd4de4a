"""What a race against a commit found, for a terminal of 80 columns or more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.analysis import verdict
from bench.report.formatting import duration

if TYPE_CHECKING:
    from bench.commands.race.result import Comparison


def summary(console: Console, found: Comparison, machine: str, threads: int) -> None:
    """Print a row for each kernel and workload, how wide the intervals are, and what the gate says."""
    if found.rows:
        console.print(Text(f"the working tree against {found.revision}", style="bold"))
        console.print(Text(f"threads: {threads}, on {machine}"))
        console.print(_table(found))
    for line in found.notes:
        console.print(Text(line))
    if (half := found.median_half_width) is not None:
        sure = f"each holds with {100 * found.confidence:.4g}%, all {len(found.rows)} together with 95%"
        console.print(Text(f"intervals: ±{100 * half:.1f}% (median); {sure}"))
    verdicts = Counter(row.judgement.verdict for row in found.rows)
    counts = ", ".join(f"{verdicts[name]} {name}" for name in (verdict.PASSED, verdict.FAILED, verdict.NOT_SHOWN))
    console.print(Text(f"at most {found.percent:g}% slower: {counts}"))
    for line in found.failures:
        console.print(Text(f"FAILED: {line}"))


def progress(console: Console) -> Callable[[str, float], None]:
    """A line that says which launch runs, rewritten in place; nothing where that cannot be."""
    shown = ""

    def tick(doing: str, _share: float) -> None:
        nonlocal shown
        where = doing.partition(":")[0]
        if where != shown and console.is_terminal:
            console.file.write(f"\r\x1b[K{where}")
            console.file.flush()
        shown = where

    return tick


def _table(found: Comparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("kernel", no_wrap=True, max_width=14)
    table.add_column("workload", no_wrap=True, max_width=18)
    for heading in ("before", "now"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("× as fast", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for row in found.rows:
        ratio = row.judgement.found
        shown = "-" if ratio is None else f"{ratio.estimate:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
        verdict = row.verdict.removesuffix(" shown")
        table.add_row(row.kernel, row.workload, duration(row.seconds_before), duration(row.seconds), shown, verdict)
    return table
