"""A results file as Markdown tables, for a README or an issue."""

from __future__ import annotations

from bench.record import Results
from bench.report.terminal import (
    by_workload,
    duration,
    not_measured,
    quantity,
    significant,
    speedup,
    unavailable,
)


def tables(results: Results) -> str:
    """A heading and a table for each workload, slowest kernel first, and what did not run."""
    hardware, software = results.machine["hardware"], results.machine["software"]
    lines = [
        f"Measured on `{results.machine['id']}`: {hardware['cpu']}, {hardware['cores']} cores, "
        f"{hardware['memory_gib']} GiB, {software['python']}, {results.run['began'][:10]}. "
        "In brackets: the 95% interval within this run.",
    ]
    for workload, records in by_workload(results.records):
        first = records[0]
        lines += ["", f"**{workload}** ({first.m:,} × {first.n:,}, {first.dtype}, {first.order} order)", ""]
        measured = sorted(
            (r for r in records if r.seconds), key=lambda r: -r.seconds.estimate if r.seconds else 0
        )
        if measured:
            baseline = measured[0].speedup.baseline if measured[0].speedup else "-"
            lines += [
                f"| kernel | time per call | × {baseline} | examples/s | GB/s | error, ulps |",
                "|---|--:|--:|--:|--:|--:|",
            ]
        for record in measured:
            cells = (
                f"`{record.kernel}`",
                duration(record.seconds.estimate if record.seconds else None),
                speedup(record.speedup),
                quantity(record.m / record.seconds.estimate) if record.seconds else "-",
                significant(record.gigabytes_per_second or 0.0),
                significant(record.error.max_ulps) if record.error else "-",
            )
            lines.append(f"| {' | '.join(cells)} |")
        if left := not_measured(records):
            lines += ["", *(f"- {line}" for line in left)]
    if missing := unavailable(results.records):
        lines += ["", *(f"- {line}" for line in missing)]
    return "\n".join(lines) + "\n"
