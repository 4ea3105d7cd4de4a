"""What a table of a race has in its cells, the same in the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import exp

from bench.analysis.statistics import SMALLEST_EFFECT
from bench.report.formatting import duration, format_significant, interval
from bench.results.record import Ratio, Record, Seconds

_NARROW = exp(2 * SMALLEST_EFFECT)


def by_race(records: Sequence[Record]) -> Iterable[tuple[tuple[str, int], list[Record]]]:
    """The records of one race after those of another."""
    races = groupby(records, key=lambda record: (record.workload, record.threads))
    return ((race, list(group)) for race, group in races)


def timed(records: Iterable[Record]) -> list[tuple[Record, Seconds]]:
    """The kernels that passed the gate and were timed, with the seconds of a call, slowest first."""
    found = [(record, record.seconds) for record in records if record.outcome == "ok" and record.seconds]
    return sorted(found, key=lambda pair: -pair[1].median)


def is_brought(kernel: str) -> bool:
    """Whether it is the user's own: `stem:ATTRIBUTE`."""
    return ":" in kernel


def is_wide(ratio: Ratio) -> bool:
    """Whether its interval says less than ±2%."""
    return ratio.low is not None and ratio.high is not None and ratio.high / ratio.low > _NARROW


def baseline(measured: list[tuple[Record, Seconds]]) -> str:
    """The name of the kernel that the speedups are over."""
    return next((record.speedup.baseline for record, _ in measured if record.speedup), "(no baseline)")


def cells_of(record: Record, seconds: Seconds) -> tuple[str, ...]:
    """Kernel, time of a call, speedup, spread of its launches, examples a second, GB/s and error, as text."""
    return (
        record.kernel,
        duration(seconds.median),
        speedup(record),
        "-" if record.launch_spread is None else f"±{100 * record.launch_spread:.1f}%",
        of_limit(record),
        format_significant(record.gigabytes_per_second or 0.0, 2),
        format_significant(record.error.max_ulps) if record.error else "-",
    )


def of_limit(record: Record) -> str:
    """`73%`, or `-` where no limit was measured."""
    return "-" if record.ceiling is None else f"{format_significant(100 * record.ceiling.fraction, 2)}%"


def speedup(record: Record) -> str:
    """`12.3 [12.1, 12.6]`, or `1` for the baseline itself; `-` where one launch has no interval."""
    ratio = record.speedup
    if ratio is None or ratio.low is None or ratio.high is None:
        return "-"
    if ratio.baseline == record.kernel:
        return "1"
    return interval(ratio)


def cold_start(records: Sequence[Record]) -> list[Record]:
    """The kernels' records on the largest workload that all but the left out were timed on."""
    ok = [record for record, _ in timed(records)]
    largest = max(ok, key=lambda record: record.m * record.n, default=None)
    return [r for r in ok if largest and (r.workload, r.threads) == (largest.workload, largest.threads)]
