"""The lines below a table: what a reader must know of its figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.analysis.roofline import BROKEN
from bench.report.formatting import duration, format_significant, interval
from bench.report.rows import is_brought, is_wide
from bench.results.record import Ratio, Record, Results, Seconds
from kernels.ceilings.specs import METHODS


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
    if set(ceilings) == set(METHODS):
        took = {name: duration(ceilings[name]["seconds"]) for name in METHODS}
        rate = format_significant(ceilings["read"]["bytes_per_second"] / 1e9)
        reading = f"reading X and y {took['read']} ({rate} GB/s)"
        lines.append(f"limit: {reading}, sigmoids {took['sigmoid']}, products {took['multiply']}")
    for failed in race.get("ceilings_failed", ()):
        what = "the other way counts" if failed["measures"] in ceilings else "so there is no limit"
        lines.append(f"limit: {failed['name']}: {failed['outcome']}: {failed['reason']}; {what}")
    return lines


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
    lines += timing_warnings(measured)
    for record, _ in measured:
        if record.device == "gpu" and record.cold.placement_seconds:
            rate = format_significant(record.bytes_per_call / record.cold.placement_seconds / 1e9)
            took = duration(record.cold.placement_seconds)
            lines.append(f"{record.kernel}: X and y placed on the GPU once, in {took} ({rate} GB/s)")
    return lines


def timing_warnings(measured: list[tuple[Record, Seconds]]) -> list[str]:
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
