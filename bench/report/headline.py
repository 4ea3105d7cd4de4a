"""What a person would repeat of a run: the fastest, by how much, how near the limit, and whether to believe it.

Pure: sentences from records. The terminal's last lines and the page's first are the same.
"""

from __future__ import annotations

from math import log

from rich.console import Console
from rich.text import Text

from bench.report.formatting import duration, interval
from bench.report.notes import timing_warnings
from bench.report.rows import by_race, is_wide, of_limit, timed
from bench.results.record import Ratio, Record, Results, Seconds

Measured = list[tuple[Record, Seconds]]
_MOST_WARNINGS = 8
"""A grid of 80 workloads has dozens, and who reads the top of a page none of them."""
LIMITS = {"read": "reading X and y once", "sigmoid": "taking the sigmoids", "multiply": "the products"}


def race_name(record: Record, several: bool) -> str:
    """The workload; with its threads where the run has several numbers of them."""
    return f"{record.workload}, threads: {record.threads}" if several else record.workload


def races(results: Results) -> list[Measured]:
    """Of each race in which a kernel was timed, the records, slowest first."""
    return [measured for _, records in by_race(results.records) if (measured := timed(records))]


def main_race(results: Results) -> Measured:
    """The race that stands for the run: of the largest X, then the most threads, then the first. Empty if none."""
    found = races(results)
    return max(found, key=lambda each: (each[0][0].m * each[0][0].n, each[0][0].threads), default=[])


def shown_first(results: Results) -> str:
    """Its name, which the charts begin with."""
    return race_name(main_race(results)[0][0], several_threads(results)) if main_race(results) else ""


def sentences(results: Results) -> tuple[str, ...]:
    """Three to repeat: the fastest, by how much, how near the limit. Fewer where the run has less."""
    measured = main_race(results)
    if not measured:
        return ("No kernel was timed.",)
    best, took = measured[-1]
    where = race_name(best, several_threads(results))
    found = [
        f"On {where} ({best.m:,} × {best.n:,}) the fastest is {best.kernel}: "
        f"{duration(took.median)} a call{_tied(measured)}.",
    ]
    gains = [gain for gain in (_gain(best), _over_loops(results, best)) if gain]
    if gains:
        found.append(f"It is {'; '.join(gains)}.")
    if best.ceiling:
        what = LIMITS.get(best.ceiling.name, best.ceiling.name)
        found.append(f"It reaches {of_limit(best)} of the limit of this machine there, which is {what}.")
    elif best.device == "cpu":
        found.append("How near that is to the limit of this machine was not measured.")
    return tuple(found)


def print_summary(console: Console, results: Results) -> None:
    """The terminal's last lines."""
    console.print()
    for line in sentences(results):
        console.print(Text(line))


def figures(results: Results) -> tuple[tuple[str, str], ...]:
    """The same as numbers, each with what it is."""
    measured = main_race(results)
    if not measured:
        return ()
    best, took = measured[-1]
    where = race_name(best, several_threads(results))
    found = [(duration(took.median), f"a call of {best.kernel}, the fastest on {where}")]
    ratio = best.speedup
    if ratio and ratio.baseline != best.kernel:
        low_high = f" (95% interval {_span(ratio)})" if ratio.low else ""
        found.append((f"{_estimate(ratio)} ×", f"as fast as {ratio.baseline}{low_high}"))
    if best.ceiling:
        what = LIMITS.get(best.ceiling.name, best.ceiling.name)
        found.append((of_limit(best), f"of the limit of this machine: {what}"))
    return tuple(found)


def trust(results: Results) -> tuple[str, ...]:
    """How far to believe it: the controls, how much launches differed, how narrow the intervals are."""
    controls = [race["control"] for race in results.races if race.get("control")]
    measured = [record for each in races(results) for record, _ in each]
    found = []
    if controls:
        good = sum(bool(control["trustworthy"]) for control in controls)
        widest = max(controls, key=lambda control: log(control["high"] / control["low"]))
        span = _span(Ratio(widest["estimate"], widest["low"], widest["high"], widest["kernel"]))
        found.append(
            f"Controls: in {good} of {len(controls)} races a kernel timed against itself showed no difference "
            f"(the widest interval: {span})."
        )
    else:
        found.append("No kernel was timed against itself, so nothing says how far the measuring can be trusted.")
    spreads = sorted(record.launch_spread for record in measured if record.launch_spread is not None)
    if spreads:
        low, middle, high = (f"{100 * spreads[place]:.1f}%" for place in (0, len(spreads) // 2, -1))
        found.append(
            f"From one start of a kernel to the next its time varied by typically ±{middle} (of all: {low} to "
            f"{high})."
        )
    ratios = [r.speedup for r in measured if r.speedup and r.speedup.low and r.speedup.baseline != r.kernel]
    if ratios:
        wide = [ratio for ratio in ratios if is_wide(ratio)]
        needed = [ratio.launches_needed for ratio in wide]
        remedy = ""
        if wide:
            most = max((number for number in needed if number), default=None)
            enough = (
                f"--launches {most} would make them so"
                if most and all(needed)
                else "it would take more launches than is reasonable"
            )
            remedy = f"; for the others {enough}, or a quieter machine"
        found.append(f"{len(ratios) - len(wide)} of {len(ratios)} speedups are known to ±2%{remedy}.")
    return tuple(found)


def warnings(results: Results) -> tuple[str, ...]:
    """What speaks against it, each with what to do."""
    found = []
    for race in results.races:
        control = race.get("control")
        if control and not control["trustworthy"]:
            ratio = Ratio(control["estimate"], control["low"], control["high"], control["kernel"])
            causes = "; ".join(control["causes"])
            found.append(
                f"NOT TRUSTWORTHY: on {race['workload']}, {control['kernel']} against itself came out "
                f"{interval(ratio)}{f': {causes}' if causes else ''}"
            )
    failed = [record for record in results.records if record.outcome not in ("ok", "unavailable", "skipped")]
    found += [f"{record.kernel} on {record.workload}: {record.outcome}: {record.reason}" for record in failed]
    for measured in races(results):
        found += [f"On {measured[0][0].workload}: {line}." for line in timing_warnings(measured)]
    if len(found) > _MOST_WARNINGS:
        found[_MOST_WARNINGS:] = [f"And {len(found) - _MOST_WARNINGS} more: python -m bench report lists them."]
    return tuple(found)


def several_threads(results: Results) -> bool:
    """Whether its races have several numbers of threads."""
    return len({record.threads for record in results.records}) > 1


def _tied(measured: Measured) -> str:
    """The kernels whose interval overlaps that of the fastest."""
    *others, (best, _) = measured
    spans = {record.kernel: record.speedup for record, _ in measured}
    own = spans[best.kernel]
    if own is None or own.low is None:
        return ""
    tied = [
        record.kernel
        for record, _ in others
        if (ratio := spans[record.kernel]) and ratio.high is not None and ratio.high > own.low
    ]
    return f" (the intervals do not tell it from {', '.join(tied)})" if tied else ""


def _gain(record: Record) -> str:
    ratio = record.speedup
    if ratio is None or ratio.baseline == record.kernel:
        return ""
    if ratio.low is None:
        return f"{_estimate(ratio)} times as fast as {ratio.baseline}, from one launch, so without an interval"
    if ratio.verdict == "no difference shown":
        return f"not shown to differ from {ratio.baseline} ({interval(ratio)})"
    return f"{_estimate(ratio)} times as fast as {ratio.baseline} (95% interval {_span(ratio)})"


def _over_loops(results: Results, best: Record) -> str:
    """The same kernel over the for-loops, on the largest workload where they were measured, if that is another."""
    found = [
        record
        for measured in races(results)
        for record, _ in measured
        if record.kernel == best.kernel and record.speedup and record.speedup.baseline == "loops"
    ]
    largest = max(found, key=lambda record: record.m * record.n, default=None)
    if largest is None or largest.id == best.id or not largest.speedup or largest.speedup.low is None:
        return ""
    ratio = largest.speedup
    where = race_name(largest, several_threads(results))
    return f"on {where}, {_estimate(ratio)} times as fast as loops ({_span(ratio)})"


def _estimate(ratio: Ratio) -> str:
    return interval(ratio).partition(" ")[0]


def _span(ratio: Ratio) -> str:
    low, high = interval(ratio).partition("[")[2].rstrip("]").split(", ")
    return f"{low} to {high}"
