"""Which records a table has, in which order, and what stands in their cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from math import exp
from typing import Any

from bench.analysis.statistics import SMALLEST_EFFECT
from bench.report.formatting import duration, format_interval, format_significant
from bench.results.record import Ratio, Record, Results, Seconds

Measured = list[tuple[Record, Seconds]]
"""Kernels that were timed, with the seconds of a call."""

_NARROW = exp(2 * SMALLEST_EFFECT)
SMALLEST_X = 10_000_000
"""The bytes of X from which the memory of a kernel is a multiple of X. What a process adds to its memory for its own
sake, such as the stacks of threads, is up to half a megabyte; so the first decimal is the kernel's."""


def by_race(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The records of each race: of one workload and number of threads."""
    races = groupby(records, key=lambda record: (record.workload, record.threads))
    return (list(group) for _, group in races)


def race_of(results: Results, record: Record) -> Mapping[str, Any]:
    """What the run says of the record's race as a whole; empty if it says nothing."""
    key = record.workload, record.threads
    return next((race for race in results.races if (race["workload"], race["threads"]) == key), {})


def timed(records: Iterable[Record]) -> Measured:
    """The correct kernels that were timed, with the seconds of a call, slowest first; `reached` or not."""
    measured = [(record, record.seconds) for record in records if record.outcome == "ok" and record.seconds]
    return sorted(measured, key=lambda pair: -pair[1].estimate)


def measured_races(results: Results) -> list[Measured]:
    """The timed kernels of each race that timed any, slowest first."""
    return [measured for records in by_race(results.records) if (measured := timed(records))]


def reached(measured: Measured) -> Measured:
    """Those that got to where the operation asks them to, and may be compared."""
    return [(record, seconds) for record, seconds in measured if record.reached]


def is_users_own(kernel: str) -> bool:
    """Whether the kernel is not in the registry, but the user's own: `stem:ATTRIBUTE`."""
    return ":" in kernel


def marked(record: Record) -> str:
    """The kernel's name, with an asterisk if it says that it is not right for all scores."""
    return record.kernel if record.largest_score is None else f"{record.kernel}*"


def is_wide(ratio: Ratio) -> bool:
    """Whether the interval is wider than ±2%."""
    return ratio.low is not None and ratio.high is not None and ratio.high / ratio.low > _NARROW


def baseline(measured: Measured) -> str:
    """The name of the kernel that the speedups are relative to."""
    return next((record.speedup.baseline for record, _ in measured if record.speedup), "(no baseline)")


def cells_of(record: Record, seconds: Seconds, figure: float | None) -> tuple[str, ...]:
    """Kernel, time of a call, speedup, spread, memory, share of the ceiling, GB/s and the first figure."""
    return (
        f"→ {marked(record)}" if is_users_own(record.kernel) else marked(record),
        duration(seconds.estimate),
        speedup(record),
        "-" if record.launch_spread is None else f"±{100 * record.launch_spread:.1f}%",
        format_memory(memory_of_x(record)),
        of_ceiling(record),
        rate(record),
        "-" if figure is None else format_significant(figure),
    )


def memory_of_x(record: Record) -> float | None:
    """The memory of the data and of a call, relative to that of X; None where that is not known, or X is small.

    On a GPU the data are in its own memory, which is not observed.
    """
    x_bytes = record.m * record.n * (4 if record.dtype == "float32" else 8)
    counters = record.counters or {}
    placed, call = counters.get("placed_bytes"), counters.get("call_bytes")
    if record.device == "gpu" or x_bytes < SMALLEST_X or placed is None or call is None:
        return None
    return float(1 + (placed + call) / x_bytes)


def format_memory(multiple: float | None) -> str:
    """`1.3 X`; `-` where it is not known."""
    return "-" if multiple is None else f"{format_significant(multiple, 2)} X"


def of_ceiling(record: Record) -> str:
    """`73%`, or `-` where no ceiling was measured, or the kernel is not compared."""
    if record.ceiling is None or not record.reached:
        return "-"
    return f"{format_significant(100 * record.ceiling.fraction, 2)}%"


def rate(record: Record) -> str:
    """GB/s; `-` where the kernel did other work than the operation's."""
    if record.gigabytes_per_second is None or not record.reached:
        return "-"
    return format_significant(record.gigabytes_per_second, 2)


def speedup(record: Record) -> str:
    """`12.3 [12.1, 12.6]`, or `1` for the baseline itself; `-` without an interval, or if it is not compared."""
    ratio = record.speedup
    if ratio is None or ratio.low is None or ratio.high is None or not record.reached:
        return "-"
    if ratio.baseline == record.kernel:
        return "1"
    return format_interval(ratio)
