"""The summary for a terminal of 80 columns or more: a table for each workload, then what did not run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import floor, log10

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.record import Record, Results, Seconds

_TIME_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_COUNT_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


def summary(console: Console, results: Results) -> None:
    """Print a table for each workload, in the order of the run, and then what this machine cannot run."""
    machine = results.machine["id"]
    for _, records in by_workload(results.records):
        console.print()
        if measured := timed(records):
            fastest = measured[-1][0]
            size = f"{fastest.m:,} × {fastest.n:,} {fastest.dtype} {fastest.order}"
            console.print(Text(f"{fastest.workload}: {size}", style="bold"))
            console.print(Text(f"speedup over {baseline(measured)}, with its 95% interval, on {machine}"))
            console.print(_table(measured))
        for line in notes(measured):
            console.print(Text(f"  {line}"))
        for line in not_measured(records):
            console.print(Text(f"  {line}"))
    console.print()
    for line in unavailable(results.records):
        console.print(Text(line))


def by_workload(records: Sequence[Record]) -> Iterable[tuple[str, list[Record]]]:
    """The records of one workload after those of another."""
    return ((name, list(group)) for name, group in groupby(records, key=lambda record: record.workload))


def timed(records: Iterable[Record]) -> list[tuple[Record, Seconds]]:
    """The kernels that passed the gate and were timed, with the seconds of a call, slowest first."""
    found = [(record, record.seconds) for record in records if record.outcome == "ok" and record.seconds]
    return sorted(found, key=lambda pair: -pair[1].median)


def not_measured(records: Sequence[Record]) -> list[str]:
    """A line for each kernel that this workload has no time of, and why."""
    failed = [record for record in records if record.outcome not in ("ok", "unavailable")]
    lines = [f"{record.kernel} on {record.workload}: {record.outcome}: {record.reason}" for record in failed]
    checked = [record.kernel for record in records if record.outcome == "ok" and not record.seconds]
    return lines + ([f"agree on {records[0].workload}, not timed: {', '.join(checked)}"] if checked else [])


def unavailable(records: Iterable[Record]) -> list[str]:
    """A line for each reason why kernels cannot run on this machine at all."""
    kernels: dict[str, dict[str, None]] = {}
    for record in records:
        if record.outcome == "unavailable":
            kernels.setdefault(record.reason, {})[record.kernel] = None
    return [f"unavailable: {', '.join(names)}: {reason}" for reason, names in kernels.items()]


def _table(measured: list[tuple[Record, Seconds]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("kernel", no_wrap=True, max_width=20)
    for heading in ("time/call", "speedup", "examples/s", "GB/s", "ulps", "1st call"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record, seconds in measured:
        cells = (*cells_of(record, seconds), duration(record.cold.first_call_seconds))
        table.add_row(*cells, style="bold" if record is measured[-1][0] else "")
    return table


def notes(measured: list[tuple[Record, Seconds]]) -> list[str]:
    """What to know of kernels that were timed: which ran only to be compared with, and what placing cost."""
    unselected = [record.kernel for record, _ in measured if not record.selected]
    lines = [f"not selected, measured to compare with: {', '.join(unselected)}"] if unselected else []
    for record, _ in measured:
        if record.device == "gpu" and record.cold.placement_seconds:
            rate = significant(record.bytes_per_call / record.cold.placement_seconds / 1e9)
            took = duration(record.cold.placement_seconds)
            lines.append(f"{record.kernel}: X and y placed on the GPU once, in {took} ({rate} GB/s)")
    return lines


def baseline(measured: list[tuple[Record, Seconds]]) -> str:
    """The name of the kernel that the speedups are over."""
    return next((record.speedup.baseline for record, _ in measured if record.speedup), "(no baseline)")


def cells_of(record: Record, seconds: Seconds) -> tuple[str, ...]:
    """Kernel, time of a call, speedup, examples a second, GB/s and error, as text."""
    return (
        record.kernel,
        duration(seconds.median),
        speedup(record),
        quantity(record.m / seconds.median),
        significant(record.gigabytes_per_second or 0.0, 2),
        significant(record.error.max_ulps) if record.error else "-",
    )


def speedup(record: Record) -> str:
    """`12.3 [12.1, 12.6]`, or `1` for the baseline itself."""
    ratio = record.speedup
    if ratio is None:
        return "-"
    if ratio.baseline == record.kernel:
        return "1"
    estimate, low, high = (_short(number) for number in (ratio.estimate, ratio.low, ratio.high))
    return f"{estimate} [{low}, {high}]"


def _short(number: float) -> str:
    if number < 1:
        return f"{number:.2f}" if number >= 0.1 else significant(number, 2)
    return significant(number) if number < 10_000 else quantity(number).replace(" ", "")


def duration(seconds: float | None) -> str:
    """Three digits and a unit."""
    if seconds is None:
        return "-"
    seconds = _rounded(seconds, 3)
    scale, unit = next((pair for pair in _TIME_UNITS if seconds >= pair[0]), _TIME_UNITS[-1])
    return f"{significant(seconds / scale)} {unit}"


def quantity(number: float) -> str:
    """Three digits and a decimal prefix."""
    number = _rounded(number, 3)
    scale, prefix = next((pair for pair in _COUNT_UNITS if number >= pair[0]), _COUNT_UNITS[-1])
    return f"{significant(number / scale)}{' ' if prefix else ''}{prefix}"


def significant(number: float, digits: int = 3) -> str:
    """The number to so many digits, as a power of ten only below 0.001 and from a million."""
    if number == 0:
        return "0"
    number = _rounded(number, digits) if number < 1000 else round(number)
    if not 1e-3 <= number < 1e6:
        return f"{number:.1e}"
    decimals = max(0, digits - 1 - floor(log10(number)))
    return f"{number:,.{decimals}f}" if number >= 10_000 else f"{number:.{decimals}f}"


def _rounded(number: float, digits: int) -> float:
    return float(f"{number:.{digits}g}")
