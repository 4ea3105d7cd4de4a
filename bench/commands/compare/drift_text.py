"""`python -m bench compare --drift`: how much runs of one machine differ, as text and as Markdown."""

from __future__ import annotations

from math import expm1, inf

from rich.console import Console
from rich.text import Text

from bench.analysis import statistics
from bench.commands.compare.between_runs import Repeatability
from bench.commands.compare.drift import BETWEEN_RUNS
from bench.commands.compare.variance_components import Spread
from bench.report.table import Column, Table, markdown_lines, number_columns, print_notes, print_table


def summary(console: Console, result: Repeatability) -> None:
    """Print the sentence, the table and its notes."""
    console.print(Text(sentence(result), style="bold"))
    print_table(console, table(result))
    print_notes(console, notes(result))


def markdown(result: Repeatability) -> str:
    """The same as Markdown."""
    lines = [sentence(result), "", *markdown_lines(table(result)), "", *(f"- {note}" for note in notes(result))]
    return "\n".join(lines) + "\n"


def sentence(result: Repeatability) -> str:
    """How far apart two runs are in 19 of 20 cases."""
    most = expm1(statistics.t_quantile(inf) * result.together.total)
    return (
        f"{len(result.runs)} runs of {result.runs[0].machine}: two of them differ by up to ±{most:.1%} "
        "in the geometric mean of all times (in 19 of 20 cases)"
    )


def table(result: Repeatability) -> Table:
    """A row for each way of normalising a kernel's time, and one for all times together."""
    columns = (
        Column("time over"),
        *number_columns("cells", "runs, sd", "95% interval", "launches, sd", "shown"),
    )
    return Table("", columns, [_row(spread) for spread in (*result.spreads, result.together)])


def _row(spread: Spread) -> tuple[str, ...]:
    return (
        spread.name,
        str(spread.cells),
        f"{spread.between:.1%}",
        f"{spread.low:.1%} to {spread.high:.1%}",
        f"{spread.launches:.1%}",
        f"{spread.smallest:.0%}",
    )


def notes(result: Repeatability) -> list[str]:
    """What the columns mean, the least repeatable cells, and warnings."""
    cells = ", ".join(f"{name} {deviation:.0%}" for name, deviation in result.least_repeatable)
    return [
        "runs: the standard deviation of the change from one run to another, beyond what its launches explain",
        "launches: what the launches of both runs add to it; more launches make it smaller",
        "shown: the slowdown of one cell (a kernel on a workload) that two such runs would show in 9 of 10 cases",
        f"compare expects {BETWEEN_RUNS:.1%} between runs over the pace of the other kernels",
        f"least repeatable: {cells}",
        *result.warnings,
    ]
