"""The summary for a terminal of 80 columns or more: a table for each workload, then what did not run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from itertools import groupby
from math import exp, floor, log10

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.analysis.roofline import BROKEN, WAYS
from bench.analysis.statistics import SMALLEST_EFFECT
from bench.report.progress import clock
from bench.results.record import Ratio, Record, Results, Seconds

_TIME_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_NARROW = exp(2 * SMALLEST_EFFECT)
_NAME_WIDTH = 20
_COUNT_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


def summary(console: Console, results: Results) -> None:
    """Print a table for each race, in the order of the run, the cold start, and what this machine cannot run."""
    machine = results.machine["id"]
    for (workload, threads), records in by_race(results.records):
        console.print()
        measured = timed(records)
        if measured:
            fastest = measured[-1][0]
            size = f"{fastest.m:,} × {fastest.n:,} {fastest.dtype} {fastest.order}, {counted(threads, 'thread')}"
            size += f", X in {where}" if (where := next((r.level for r, _ in measured if r.level), "")) else ""
            console.print(Text(f"{workload}: {size}", style="bold"))
            console.print(Text(f"speedup over {baseline(measured)}, with its 95% interval, on {machine}"))
            console.print(_table(measured))
        for line in (
            *trust(results, workload, threads),
            *limit(results, workload, threads),
            *notes(measured),
            *not_measured(records),
        ):
            console.print(Text(f"  {line}"))
    console.print()
    if rows := cold_start(results.records):
        console.print(Text(f"cold start, on {rows[0].workload}", style="bold"))
        console.print(_cold_table(rows))
        console.print()
    for line in unavailable(results.records):
        console.print(Text(line))
    if budget := results.run.get("budget"):
        start, rounds, rest = (clock(budget[f"{part}_seconds"]) for part in ("start", "rounds", "rest"))
        console.print(Text(f"spent: start-up {start}, timed rounds {rounds}, the rest {rest}"))


def by_race(records: Sequence[Record]) -> Iterable[tuple[tuple[str, int], list[Record]]]:
    """The records of one race after those of another."""
    races = groupby(records, key=lambda record: (record.workload, record.threads))
    return ((race, list(group)) for race, group in races)


def trust(results: Results, workload: str, threads: int) -> list[str]:
    """What the control says, and where it shows a difference, what was seen and what to do."""
    for race in results.races:
        control = race.get("control")
        if control and (race["workload"], race["threads"]) == (workload, threads):
            found = Ratio(control["estimate"], control["low"], control["high"], control["kernel"])
            line = f"control: {control['kernel']} against itself {interval(found)}"
            if control["trustworthy"]:
                return [line]
            return [f"NOT TRUSTWORTHY: {line[9:]}", *(f"  {cause}" for cause in control["causes"])]
    return []


def limit(results: Results, workload: str, threads: int) -> list[str]:
    """What the limit is, and what it comes from; where a part of it failed, why."""
    races = (race for race in results.races if (race["workload"], race.get("threads")) == (workload, threads))
    race = next(races, {})
    ceilings, lines = race.get("ceilings") or {}, []
    if set(ceilings) == set(WAYS):
        took = {name: duration(ceilings[name]["seconds"]) for name in WAYS}
        rate = significant(ceilings["read"]["bytes_per_second"] / 1e9)
        reading = f"reading X and y {took['read']} ({rate} GB/s)"
        lines.append(f"limit: {reading}, sigmoids {took['sigmoid']}, products {took['multiply']}")
    for failed in race.get("ceilings_failed", ()):
        what = "the other way counts" if failed["measures"] in ceilings else "so there is no limit"
        lines.append(f"limit: {failed['name']}: {failed['outcome']}: {failed['reason']}; {what}")
    return lines


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
    table.add_column("kernel", no_wrap=True, max_width=_NAME_WIDTH)
    for heading in ("time/call", "speedup", "launches", "of limit", "GB/s", "ulps"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record, seconds in measured:
        name, *cells = cells_of(record, seconds)
        table.add_row(*map(Text, (_marked(name), *cells)), style="bold" if record is measured[-1][0] else "")
    return table


def _marked(kernel: str) -> str:
    """The name, with an arrow behind one that a user brings."""
    if not is_brought(kernel):
        return kernel
    return f"{kernel if len(kernel) < _NAME_WIDTH else f'{kernel[: _NAME_WIDTH - 2]}…'}←"


def is_brought(kernel: str) -> bool:
    """Whether it is the user's own: `stem:ATTRIBUTE`."""
    return ":" in kernel


def notes(measured: list[tuple[Record, Seconds]]) -> list[str]:
    """What to know of kernels that were timed: which ran only to be compared with, and what placing cost."""
    unselected = [record.kernel for record, _ in measured if not record.selected]
    lines = [
        f"← yours: {record.kernel}, number {len(measured) - place} of {len(measured)} by speed"
        for place, (record, _) in enumerate(measured)
        if is_brought(record.kernel)
    ]
    lines += [f"not selected, measured to compare with: {', '.join(unselected)}"] if unselected else []
    wide = [record.speedup for record, _ in measured if record.speedup and is_wide(record.speedup)]
    if wide:
        names = ", ".join(record.kernel for record, _ in measured if record.speedup in wide)
        needed = [ratio.launches_needed for ratio in wide if ratio.launches_needed]
        would_do = (
            f"--launches {max(needed)} would do" if len(needed) == len(wide) else "more launches than is reasonable"
        )
        lines.append(f"wider than ±2%: {names}; {would_do}")
    lines += faults(measured)
    for record, _ in measured:
        if record.device == "gpu" and record.cold.placement_seconds:
            rate = significant(record.bytes_per_call / record.cold.placement_seconds / 1e9)
            took = duration(record.cold.placement_seconds)
            lines.append(f"{record.kernel}: X and y placed on the GPU once, in {took} ({rate} GB/s)")
    return lines


def faults(measured: list[tuple[Record, Seconds]]) -> list[str]:
    """What speaks against the times of kernels that were timed."""
    lines = []
    for record, _ in measured:
        if record.ceiling and (record.ceiling.low or record.ceiling.fraction) > BROKEN:
            lines.append(f"{record.kernel} is beyond the limit, which was measured wrong: report it, with the file")
        if record.steady is False:
            lines.append(f"{record.kernel} had not settled: its later rounds differ from the earlier ones")
        if record.seen and record.seen["over_used"]:
            lines.append(f"{record.kernel} used {record.seen['cores_used']:g} cores; it was given {record.threads}")
        if record.seen and record.seen["compiled_again"]:
            lines.append(f"{record.kernel} compiled again while it was timed")
    return lines


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
        significant(record.gigabytes_per_second or 0.0, 2),
        significant(record.error.max_ulps) if record.error else "-",
    )


def of_limit(record: Record) -> str:
    """`73%`, or `-` where no limit was measured."""
    return "-" if record.ceiling is None else f"{significant(100 * record.ceiling.fraction, 2)}%"


def speedup(record: Record) -> str:
    """`12.3 [12.1, 12.6]`, or `1` for the baseline itself; `-` where one launch has no interval."""
    ratio = record.speedup
    if ratio is None or ratio.low is None or ratio.high is None:
        return "-"
    if ratio.baseline == record.kernel:
        return "1"
    return interval(ratio)


def interval(ratio: Ratio) -> str:
    """`12.3 [12.1, 12.6]`."""
    estimate, low, high = (_short(number) for number in (ratio.estimate, ratio.low or 0.0, ratio.high or 0.0))
    return f"{estimate} [{low}, {high}]"


def cold_start(records: Sequence[Record]) -> list[Record]:
    """The kernels' records on the largest workload that all but the left out were timed on."""
    ok = [record for record, _ in timed(records)]
    largest = max(ok, key=lambda record: record.m * record.n, default=None)
    return [r for r in ok if largest and (r.workload, r.threads) == (largest.workload, largest.threads)]


def _cold_table(records: list[Record]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("kernel", no_wrap=True, max_width=_NAME_WIDTH)
    for heading in ("import", "place", "lower", "compile", "cached", "1st call", "overtakes numpy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in records:
        calls = (record.break_even or {}).get("numpy", "-")
        after = "never" if calls is None else calls if calls == "-" else f"after {calls:,}"
        table.add_row(*map(Text, (record.kernel, *map(duration, astuple(record.cold)), str(after))))
    return table


def counted(number: int, noun: str) -> str:
    """`1 kernel`, `2 kernels`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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
