"""The lines below a table: what a reader must know of its figures, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.analysis.roofline import BROKEN
from bench.report.formatting import counted, duration, format_interval, format_significant
from bench.report.machine import processor
from bench.report.rows import Measured, is_users_own, is_wide, reached, timed
from bench.results.record import Ratio, Record, Results
from kernels.ceilings.specs import UNITS

CEILINGS = {
    "read": "reading X and y",
    "arithmetic": "sigmoids and products together",
    "sigmoid": "sigmoids",
    "multiply": "products",
    "matmul": "products of matrices",
}
"""Ceiling → what it is the time of, in words."""


NOT_REACHED = "did not get to where the operation asks it to: its time is shown, its speedup is not"


def control(race: Mapping[str, Any]) -> list[str]:
    """What the control of a race shows, if the race has one."""
    measured = race.get("control")
    if not measured:
        return []
    return [f"{'control passed' if measured['trustworthy'] else 'NOT TRUSTWORTHY'}: {against_itself(measured)}"]


def against_itself(control: Mapping[str, Any]) -> str:
    """How a kernel compares with itself; where a difference is shown, the causes and what to do."""
    ratio = Ratio(control["estimate"], control["low"], control["high"], control["kernel"])
    words = f"{control['kernel']} is {format_interval(ratio)} times as fast as itself"
    if control["trustworthy"]:
        return words
    return f"{words}; measure again{''.join(f'; {cause}' for cause in control['causes'])}"


def disturbances(race: Mapping[str, Any]) -> list[str]:
    """How many sweeps other processes disturbed, and whether they count; nothing for files of older schemas."""
    launches = [launch for launch in race.get("sweeps", ()) if "foreign" in launch]
    timed = [launch for launch, one in zip(launches, race.get("seconds", ()), strict=False) if one.get("rounds")]
    if timed and not any(launch["foreign"] for launch in timed):
        return ["the system does not show what other processes do here: every sweep counts"]
    sweeps, disturbed = sum(len(one["foreign"]) for one in launches), sum(one.get("disturbed", 0) for one in launches)
    if not disturbed:
        return []
    lines = [f"other processes disturbed {disturbed} of {sweeps} sweeps; these were timed again, and do not count"]
    reasons = dict.fromkeys(one["counts_all"] for one in launches if one.get("counts_all"))
    if reasons:
        counting = sum(bool(one.get("counts_all")) for one in launches)
        of_launches = f"in {counting} of {len(launches)} launches they count all the same: {'; '.join(reasons)}"
        lines = [f"other processes disturbed {disturbed} of {sweeps} sweeps; {of_launches}"]
    return lines


def ceilings(race: Mapping[str, Any]) -> list[str]:
    """The parts of a race's ceiling, the slowest first; and why one could not be measured."""
    measured, lines = race.get("ceilings") or {}, []
    missing = {failed["measures"] for failed in race.get("ceilings_failed", ())} - set(measured)
    if set(measured) >= set(UNITS) and not missing:
        slowest_first = sorted(CEILINGS.keys() & measured.keys(), key=lambda part: -measured[part]["seconds"])
        rate = format_significant(measured["read"]["bytes_per_second"] / 1e9)
        times = (
            f"{CEILINGS[part]} {duration(measured[part]['seconds'])}{f' ({rate} GB/s)' if part == 'read' else ''}"
            for part in slowest_first
        )
        lines.append(f"ceiling: {', '.join(times)}")
    for failed in race.get("ceilings_failed", ()):
        what = "the other method is used" if failed["measures"] in measured else "so there is no ceiling"
        lines.append(f"ceiling: {failed['name']}: {failed['outcome']}: {failed['reason']}; {what}")
    return lines


def not_measured(records: Sequence[Record]) -> list[str]:
    """A line for each kernel that failed or was skipped in a race, and why; and which were checked only."""
    failed = [record for record in records if record.outcome not in ("ok", "unavailable")]
    lines = [f"{record.kernel} on {record.workload}: {record.outcome}: {record.reason}" for record in failed]
    checked = [record.kernel for record in records if record.outcome == "ok" and not record.seconds]
    return lines + ([f"correct on {records[0].workload}, not timed: {', '.join(checked)}"] if checked else [])


def machine_and_run(results: Results, records: Iterable[Record]) -> str:
    """The machine, Python and NumPy, the launches of these records, and the date, as far as they are known."""
    hardware, software = results.machine["hardware"], results.machine["software"]
    numpy = software.get("libraries", {}).get("numpy")
    launches = sorted({record.launches for record, _ in timed(records)} - {0})
    few, many = (launches[0], launches[-1]) if launches else (0, 0)
    parts = (
        processor(results.machine),
        counted(hardware["cores"], "core"),
        f"{hardware['memory_gib']} GiB",
        software["python"],
        f"NumPy {numpy}" if numpy else "",
        "" if not many else counted(many, "launch", "launches") if few == many else f"{few} to {many} launches",
        results.run.get("began", "")[:10],
    )
    return ", ".join(part for part in parts if part)


def unavailable(records: Iterable[Record]) -> list[str]:
    """A line for each reason why kernels cannot run on this machine at all."""
    kernels: dict[str, dict[str, None]] = {}
    for record in records:
        if record.outcome == "unavailable":
            kernels.setdefault(record.reason, {})[record.kernel] = None
    return [f"unavailable: {', '.join(names)}: {reason}" for reason, names in kernels.items()]


def notes(measured: Measured) -> list[str]:
    """The user's own kernels, which are not compared or not selected, wide intervals, warnings, copies to a GPU."""
    compared = reached(measured)
    lines = [
        f"→ yours: {record.kernel}, number {len(compared) - index} of {len(compared)} by speed"
        for index, (record, _) in enumerate(compared)
        if is_users_own(record.kernel)
    ]
    lines += [f"{record.kernel} {NOT_REACHED}" for record, _ in measured if not record.reached]
    if unselected := [record.kernel for record, _ in measured if not record.selected]:
        lines.append(f"not selected, timed only for comparison: {', '.join(unselected)}")
    ratios = speedups(record for record, _ in measured)
    if wide := [ratio for ratio in ratios if is_wide(ratio)]:
        verb = "is" if len(wide) == 1 else "are"
        lines.append(f"{len(wide)} of {counted(len(ratios), 'interval')} {verb} wider than ±2%")
    lines += timing_warnings(measured)
    for record, _ in measured:
        if record.device == "gpu" and record.cold.placement_seconds:
            rate = format_significant(_bytes_of_data(record) / record.cold.placement_seconds / 1e9)
            took = duration(record.cold.placement_seconds)
            lines.append(f"{record.kernel}: the data placed on the GPU once, in {took} ({rate} GB/s)")
    return lines


def _bytes_of_data(record: Record) -> int:
    """The size of X (m, n) and y (m,)."""
    return record.m * (record.n + 1) * (4 if record.dtype == "float32" else 8)


def speedups(records: Iterable[Record]) -> list[Ratio]:
    """The ratios that have an interval, without the baselines' own."""
    ratios = ((record.kernel, record.speedup) for record in records if record.outcome == "ok" and record.reached)
    return [ratio for kernel, ratio in ratios if ratio and ratio.low and ratio.baseline != kernel]


def narrowing(records: Iterable[Record]) -> list[str]:
    """What would narrow all intervals to ±2%: a number of launches, or a quieter machine."""
    wide = [ratio for ratio in speedups(records) if is_wide(ratio)]
    if not wide:
        return []
    launches = launches_needed(wide)
    return [f"to narrow every interval to ±2%, use {f'--launches {launches}' if launches else 'a quieter machine'}"]


def launches_needed(wide: Sequence[Ratio]) -> int | None:
    """How many launches bring all these intervals to ±2%; None where no reasonable number does."""
    counts = [ratio.launches_needed for ratio in wide if ratio.launches_needed]
    return max(counts) if counts and len(counts) == len(wide) else None


def timing_warnings(measured: Measured) -> list[str]:
    """Reasons to doubt the times of kernels, and what to do."""
    lines = []
    for record, _ in measured:
        kernel, counters = record.kernel, record.counters or {}
        if record.ceiling and (record.ceiling.low or record.ceiling.fraction) > BROKEN:
            lines.append(
                f"{kernel} is faster than the ceiling: either the ceiling was measured wrong, or the kernel does not "
                "compute in its timed calls. Report it, with the results file"
            )
        if record.steady is False:
            lines.append(
                f"{kernel} was not steady: its later rounds differ from the earlier ones; "
                "measure again on an idle machine"
            )
        if counters.get("over_used"):
            lines.append(
                f"{kernel} used {counters['cores_used']:g} cores, but it was given {record.threads}: "
                "make it respect the number of threads"
            )
        if counters.get("compiled_again"):
            lines.append(
                f"{kernel} compiled again while it was timed: its time includes compiling; "
                "make it compile once for all calls"
            )
    return lines
