"""A results file as Markdown tables, for a README or an issue."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.formatting import duration, format_significant
from bench.report.headline import several_threads
from bench.report.notes import limit, not_measured, notes, trust, unavailable
from bench.report.rows import baseline, by_race, cells_of, of_limit, timed
from bench.results.record import Results
from kernels.registry import KERNELS


def ladder(results: Results, workload: str) -> str:
    """A workload's kernels from rung to rung, with the most threads, each against the one before it.

    Raises ValueError, in one line, where no rung was timed.
    """
    measured = [each for each in timed(results.records) if each[0].workload == workload]
    threads = max((record.threads for record, _ in measured), default=0)
    there = {record.kernel: (record, seconds) for record, seconds in measured if record.threads == threads}
    rungs = [there[name] for name, spec in KERNELS.items() if name in there and ".peers." not in spec]
    if not rungs:
        known = ", ".join(dict.fromkeys(record.workload for record in results.records))
        raise ValueError(f"no rung of the ladder was timed on {workload!r}; the file has {known}")
    lines = [
        f"Measured on `{results.machine['id']}`, {workload}, threads: {threads}.",
        "",
        "| rung | reads X | time per call | × the one before | of limit |",
        "|---|--:|--:|--:|--:|",
    ]
    before = None
    for record, seconds in rungs:
        won = "" if before is None else format_significant(before / seconds.median)
        reads = "-" if record.passes is None else f"{record.passes:g} ×"
        lines.append(f"| `{record.kernel}` | {reads} | {duration(seconds.median)} | {won} | {of_limit(record)} |")
        before = seconds.median
    return "\n".join(lines) + "\n"


def tables(results: Results, workloads: Sequence[str] = ()) -> str:
    """A heading and a table for each workload, slowest kernel first, and what did not run.

    workloads: some of the run's; empty: all. Raises ValueError where the run has none of that name.
    """
    known = list(dict.fromkeys(record.workload for record in results.records))
    if unknown := [name for name in workloads if name not in known]:
        raise ValueError(f"nothing was measured on {unknown[0]!r}; the file has {', '.join(known)}")
    hardware, software = results.machine["hardware"], results.machine["software"]
    settings = ", ".join(f"`{name}={value}`" for name, value in software["environment"].items())
    lines = [
        f"Measured on `{results.machine['id']}`: {hardware['cpu']}, {hardware['cores']} cores, "
        f"{hardware['memory_gib']} GiB, {software['python']}, {results.run['began'][:10]}"
        f"{f', with {settings} in its environment' if settings else ''}. "
        "In brackets: the 95% interval across launches.",
    ]
    several = several_threads(results)
    for (workload, threads), records in by_race(results.records):
        if workloads and workload not in workloads:
            continue
        first = records[0]
        shape = f"{first.m:,} × {first.n:,}, {first.dtype}, {first.order} order"
        lines += ["", f"**{workload}** ({shape}{f', threads: {threads}' if several else ''})", ""]
        if measured := timed(records):
            over = f"× {baseline(measured)}"
            lines += [
                f"| kernel | time per call | {over} | launches | of limit | GB/s | error, ulps |",
                "|---|--:|--:|--:|--:|--:|--:|",
            ]
        for record, seconds in measured:
            kernel, *numbers = cells_of(record, seconds)
            lines.append(f"| `{kernel}` | {' | '.join(numbers)} |")
        if lists := [
            *trust(results, workload, threads),
            *limit(results, workload, threads),
            *notes(measured),
            *not_measured(records),
        ]:
            lines += ["", *(f"- {line}" for line in lists)]
    if missing := unavailable(results.records):
        lines += ["", *(f"- {line}" for line in missing)]
    return "\n".join(lines) + "\n"
