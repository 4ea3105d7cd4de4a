"""The tables of a comparison as values: the ceilings, and for each workload its kernels with times and shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.commands.compare.compare import Cell, Comparison, Pair
from bench.commands.compare.differences import Difference
from bench.commands.compare.sentences import SHOWN, format_change, run_labels, share
from bench.report.formatting import duration, format_si
from bench.report.table import NAME_WIDTH, Column, Table, number_columns
from bench.results.store import Run

Row = tuple[str, ...]

RATIO_OF_SHARES = "ratio of shares"
"""The heading of the column that a narrow terminal leaves out."""
_UNITS = {"bytes": "B/s", "sigmoids": "/s", "flops": "flop/s"}


def ceilings_table(comparison: Comparison, label: str) -> Table:
    """A row for each ceiling: both rates and their ratio."""
    rows = [
        (
            ceiling.name,
            *(format_rate(rate, ceiling.unit) for rate in ceiling.rates),
            format_change(ceiling.change),
            _shown(ceiling.change.verdict),
        )
        for ceiling in comparison.ceilings
    ]
    columns = (Column("ceiling"), *number_columns("A", label, f"{label} over A"), Column(""))
    return Table("", columns, rows, emphasized=_emphasized(rows, 4))


def format_rate(rate: float, unit: str) -> str:
    """`98.3 GB/s`, `1.08 G/s`. unit: as in a MachineCeiling."""
    return f"{format_si(rate)}{_UNITS[unit]}"


def cells_table(comparison: Comparison, label: str) -> Table:
    """All workloads below one heading: a row for each workload, followed by a row for each of its kernels."""
    rows: list[Row] = []
    emphasized = []
    normalised = _has_shares(comparison)
    for pair in comparison.pairs:
        emphasized.append(len(rows))
        together = f"all {pair.shift.format_shift}" if _has_pace(comparison, pair) else ""
        rows.append((comparison.name(pair), "", "", together, *("" for _ in _columns(label, normalised)[3:])))
        for cell in pair.cells:
            if cell.times.verdict in SHOWN:
                emphasized.append(len(rows))
            name, *figures = cell_row(cell, normalised)
            rows.append((f"  {name}", *figures))
    longest = max(len(comparison.name(pair)) for pair in comparison.pairs)
    name_column = Column("", max_width=max(NAME_WIDTH + 2, longest))
    return Table("", (name_column, *_columns(label, normalised)), rows, emphasized=emphasized)


def cell_tables(comparison: Comparison, label: str) -> Iterator[Table]:
    """The same as a table for each workload, with its threads; on one machine, also the change of all its kernels."""
    normalised = _has_shares(comparison)
    for pair in comparison.pairs:
        threads = " and ".join(map(str, dict.fromkeys(pair.threads)))
        shift = f"; all kernels together {pair.shift.format_shift}" if _has_pace(comparison, pair) else ""
        yield Table(
            f"{pair.workload}, threads: {threads}{shift}",
            (Column("kernel"), *_columns(label, normalised)),
            [cell_row(cell, normalised) for cell in pair.cells],
        )


def _columns(label: str, normalised: bool) -> tuple[Column, ...]:
    times = *number_columns("A", label, f"{label} over A"), Column("")
    return (*times, *number_columns("A share", f"{label} share", RATIO_OF_SHARES)) if normalised else times


def _has_shares(comparison: Comparison) -> bool:
    return any(cell.shares for _, cell in comparison.cells)


def _has_pace(comparison: Comparison, pair: Pair) -> bool:
    """Whether the change that all kernels share is not in the cells."""
    return comparison.one_machine and len(pair.cells) > 1


def cell_row(cell: Cell, normalised: bool) -> Row:
    """Kernel, both times, their ratio with its interval, and the verdict where a difference is shown.

    normalised: with both shares of the ceiling and their ratio
    """
    times = (cell.kernel, *map(duration, cell.seconds), format_change(cell.times), _shown(cell.times.verdict))
    if not normalised:
        return times
    return (*times, share(cell, 0), share(cell, 1), format_change(cell.normalised) if cell.normalised else "-")


def _shown(verdict: str) -> str:
    return verdict if verdict in SHOWN else ""


def _emphasized(rows: Sequence[Sequence[str]], verdict: int) -> list[int]:
    return [index for index, row in enumerate(rows) if row[verdict]]


def column_texts(comparison: Comparison, label: str) -> list[str]:
    """What the columns of the cells mean."""
    lines = [f"A, {label}: time of a call; {label} over A: how many times as fast [95% interval]"]
    if comparison.one_machine:
        lines[0] += ", over all (the pace of the kernels)"
    if _has_shares(comparison):
        lines.append("share: of the ceiling that the same run measured: what the code makes of its machine")
    return lines


def difference_lines(runs: Sequence[Run], differences: Sequence[Difference]) -> list[str]:
    """A line for each property that differs: `hardware, cores: 2 (A), 16 (B)`."""
    labels = run_labels(runs)
    return [
        f"{difference.group}, {difference.name}: "
        + ", ".join(f"{value} ({label})" for value, label in zip(difference.values, labels, strict=True))
        for difference in differences
    ]
