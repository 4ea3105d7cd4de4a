"""Which records a table has, in which order, and what stands in their cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import exp

from bench.analysis.statistics import SMALLEST_EFFECT
from bench.report.formatting import duration, format_interval, format_significant
from bench.results.record import Ratio, Record, Results, Seconds

Measured = list[tuple[Record, Seconds]]
"""Kernels that were timed, with the seconds of a call."""

_NARROW = exp(2 * SMALLEST_EFFECT)


def by_race(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The records of each race: of one workload and number of threads."""
    races = groupby(records, key=lambda record: (record.workload, record.threads))
    return (list(group) for _, group in races)


def timed(records: Iterable[Record]) -> Measured:
    """The correct kernels that were timed, with the seconds of a call, slowest first."""
    measured = [(record, record.seconds) for record in records if record.outcome == "ok" and record.seconds]
    return sorted(measured, key=lambda pair: -pair[1].median)


def measured_races(results: Results) -> list[Measured]:
    """The timed kernels of each race that timed any, slowest first."""
    return [measured for records in by_race(results.records) if (measured := timed(records))]


def is_users_own(kernel: str) -> bool:
    """Whether the kernel is not in the registry, but the user's own: `stem:ATTRIBUTE`."""
    return ":" in kernel


def is_wide(ratio: Ratio) -> bool:
    """Whether the interval is wider than ±2%."""
    return ratio.low is not None and ratio.high is not None and ratio.high / ratio.low > _NARROW


def baseline(measured: Measured) -> str:
    """The name of the kernel that the speedups are relative to."""
    return next((record.speedup.baseline for record, _ in measured if record.speedup), "(no baseline)")


def cells_of(record: Record, seconds: Seconds) -> tuple[str, ...]:
    """Kernel, time of a call, speedup, spread between launches, share of the ceiling, GB/s and error."""
    return (
        f"→ {record.kernel}" if is_users_own(record.kernel) else record.kernel,
        duration(seconds.median),
        speedup(record),
        "-" if record.launch_spread is None else f"±{100 * record.launch_spread:.1f}%",
        of_ceiling(record),
        format_significant(record.gigabytes_per_second or 0.0, 2),
        format_significant(record.error.max_ulps) if record.error else "-",
    )


def of_ceiling(record: Record) -> str:
    """`73%`, or `-` where no ceiling was measured."""
    return "-" if record.ceiling is None else f"{format_significant(100 * record.ceiling.fraction, 2)}%"


def speedup(record: Record) -> str:
    """`12.3 [12.1, 12.6]`, or `1` for the baseline itself; `-` where one launch has no interval."""
    ratio = record.speedup
    if ratio is None or ratio.low is None or ratio.high is None:
        return "-"
    if ratio.baseline == record.kernel:
        return "1"
    return format_interval(ratio)


def cold_start(records: Sequence[Record]) -> list[Record]:
    """The records of the largest workload on which a kernel was timed."""
    measured = [record for record, _ in timed(records)]
    largest = max(measured, key=lambda record: record.m * record.n, default=None)
    return [r for r in measured if largest and (r.workload, r.threads) == (largest.workload, largest.threads)]
