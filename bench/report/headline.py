"""The summary of a run in sentences: the fastest kernel, by how much, how near the ceiling, and whether to trust it.

Pure: sentences from records. The terminal's last lines and the page's first lines are the same.
"""

from __future__ import annotations

from math import log

from rich.console import Console
from rich.text import Text

from bench.report.formatting import duration, format_interval, format_ratio
from bench.report.machine import handicaps
from bench.report.notes import CEILINGS, NOT_REACHED, against_itself, launches_needed, speedups, timing_warnings
from bench.report.rows import Measured, is_wide, measured_races, of_ceiling, reached
from bench.results.record import Ratio, Record, Results

_MOST_WARNINGS = 8
"""A grid of 80 workloads has dozens: at the top of a page nobody would read them all."""


def race_name(record: Record, several: bool) -> str:
    """The workload; with the number of threads where the run has several numbers of them."""
    return f"{record.workload}, threads: {record.threads}" if several else record.workload


def main_race(results: Results) -> Measured:
    """The race that represents the run: the largest X, then the most threads, then the first. Empty if none."""
    return max(
        measured_races(results),
        key=lambda measured: (measured[0][0].m * measured[0][0].n, measured[0][0].threads),
        default=[],
    )


def shown_first(results: Results) -> str:
    """The name of the main race, which the charts show first; empty where nothing was timed."""
    measured = main_race(results)
    return race_name(measured[0][0], several_threads(results)) if measured else ""


def sentences(results: Results) -> tuple[str, ...]:
    """At most three: the fastest kernel, its speedup, its share of the ceiling."""
    if not (measured := main_race(results)):
        return ("No kernel was timed.",)
    where = race_name(measured[0][0], several_threads(results))
    if not (compared := reached(measured)):
        return (f"On {where} no kernel got to where the operation asks it to.",)
    best, seconds = compared[-1]
    lines = [
        f"On {where} ({best.m:,} × {best.n:,}) the fastest is {best.kernel}: "
        f"{duration(seconds.estimate)} a call{_tied(compared)}.",
    ]
    gains = [gain for gain in (_gain(best), _over_loops(results, best)) if gain]
    if gains:
        lines.append(f"It is {'; '.join(gains)}.")
    if best.ceiling:
        share = f"{of_ceiling(best)} of this machine's ceiling"
        lines.append(f"On {where} it reaches {share}, which is the time of {_ceiling(best)}.")
    elif best.work and best.device == "cpu":
        lines.append("This machine's ceiling was not measured.")
    return tuple(lines)


def _ceiling(record: Record) -> str:
    return CEILINGS.get(record.ceiling.name, record.ceiling.name) if record.ceiling else ""


def print_summary(console: Console, results: Results) -> None:
    """The terminal's last lines."""
    console.print()
    for line in sentences(results):
        console.print(Text(line))


def figures(results: Results) -> tuple[tuple[str, str], ...]:
    """The same as numbers, each with its meaning."""
    compared = reached(main_race(results))
    if not compared:
        return ()
    best, seconds = compared[-1]
    where = race_name(best, several_threads(results))
    pairs = [(duration(seconds.estimate), f"a call of {best.kernel}, the fastest on {where}")]
    ratio = best.speedup
    if ratio and ratio.baseline != best.kernel:
        low_high = f" (95% interval {_span(ratio)})" if ratio.low else ""
        pairs.append((f"{_estimate(ratio)} ×", f"as fast as {ratio.baseline}{low_high}"))
    if best.ceiling:
        pairs.append((of_ceiling(best), f"of this machine's ceiling: {_ceiling(best)}"))
    return tuple(pairs)


def trust(results: Results) -> tuple[str, ...]:
    """How far to trust the figures: the controls, the spread between launches, the widths of the intervals."""
    records = [record for measured in measured_races(results) for record, _ in measured]
    return (*_controls(results), *_spread(records), *_widths(records))


def _controls(results: Results) -> list[str]:
    controls = [race["control"] for race in results.races if race.get("control")]
    if not controls:
        return ["No kernel was timed against itself, so nothing says how far the times can be trusted."]
    passed = sum(bool(control["trustworthy"]) for control in controls)
    widest = max(controls, key=lambda control: log(control["high"] / control["low"]))
    span = _span(Ratio(widest["estimate"], widest["low"], widest["high"], widest["kernel"]))
    return [
        f"Controls: in {passed} of {len(controls)} races a kernel timed against itself showed no difference "
        f"(the widest interval: {span})."
    ]


def _spread(records: list[Record]) -> list[str]:
    spreads = sorted(record.launch_spread for record in records if record.launch_spread is not None)
    if not spreads:
        return []
    low, middle, high = (f"{100 * spreads[index]:.1f}%" for index in (0, len(spreads) // 2, -1))
    return [f"Spread between launches: ±{middle} in the median (from {low} to {high})."]


def _widths(records: list[Record]) -> list[str]:
    ratios = speedups(records)
    if not ratios:
        return []
    wide = [ratio for ratio in ratios if is_wide(ratio)]
    launches = launches_needed(wide)
    remedy = f"use --launches {launches}, or a quieter machine" if launches else "use a quieter machine"
    return [
        f"{len(ratios) - len(wide)} of {len(ratios)} speedups are known to ±2%"
        f"{f'; to narrow the others, {remedy}' if wide else ''}."
    ]


def warnings(results: Results) -> tuple[str, ...]:
    """Reasons to doubt the figures, each with what to do."""
    lines = [f"{line}." for line in handicaps(results, results.records)]
    for race in results.races:
        control = race.get("control")
        if control and not control["trustworthy"]:
            lines.append(f"NOT TRUSTWORTHY: on {race['workload']}, {against_itself(control)}")
    failed = [record for record in results.records if record.outcome not in ("ok", "unavailable", "skipped")]
    lines += [f"{record.kernel} on {record.workload}: {record.outcome}: {record.reason}" for record in failed]
    for measured in measured_races(results):
        missed = [f"{record.kernel} {NOT_REACHED}" for record, _ in measured if not record.reached]
        lines += [f"On {measured[0][0].workload}: {line}." for line in (*missed, *timing_warnings(measured))]
    if len(lines) > _MOST_WARNINGS:
        lines[_MOST_WARNINGS:] = [f"And {len(lines) - _MOST_WARNINGS} more: python -m bench report lists them."]
    return tuple(lines)


def several_threads(results: Results) -> bool:
    """Whether the races of the run differ in their number of threads."""
    return len({record.threads for record in results.records}) > 1


def _tied(measured: Measured) -> str:
    """The kernels whose interval overlaps that of the fastest."""
    *others, (best, _) = measured
    fastest = best.speedup
    if fastest is None or fastest.low is None:
        return ""
    tied = [
        record.kernel
        for record, _ in others
        if (ratio := record.speedup) and ratio.high is not None and ratio.high > fastest.low
    ]
    return f" (its interval overlaps {'that' if len(tied) == 1 else 'those'} of {', '.join(tied)})" if tied else ""


def _gain(record: Record) -> str:
    ratio = record.speedup
    if ratio is None or ratio.baseline == record.kernel:
        return ""
    if ratio.low is None:
        return f"{_estimate(ratio)} times as fast as {ratio.baseline}, from one launch, so without an interval"
    if ratio.verdict == "no difference shown":
        return f"not shown to differ from {ratio.baseline} ({format_interval(ratio)})"
    return f"{_estimate(ratio)} times as fast as {ratio.baseline} (95% interval {_span(ratio)})"


def _over_loops(results: Results, best: Record) -> str:
    """The same kernel against the for-loops, on the operation's largest workload with both, if that is another."""
    over_loops = [
        record
        for measured in measured_races(results)
        for record, _ in reached(measured)
        if (record.kernel, record.operation) == (best.kernel, best.operation)
        and record.speedup
        and record.speedup.baseline == "loops"
    ]
    largest = max(over_loops, key=lambda record: record.m * record.n, default=None)
    if largest is None or largest.id == best.id or not largest.speedup or largest.speedup.low is None:
        return ""
    ratio = largest.speedup
    where = race_name(largest, several_threads(results))
    return f"on {where}, {_estimate(ratio)} times as fast as loops ({_span(ratio)})"


def _estimate(ratio: Ratio) -> str:
    return format_ratio(ratio.estimate)


def _span(ratio: Ratio) -> str:
    return f"{format_ratio(ratio.low or 0.0)} to {format_ratio(ratio.high or 0.0)}"
