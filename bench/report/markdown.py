"""A results file as Markdown tables, for a README or an issue."""

from __future__ import annotations

from bench.record import Results
from bench.report.terminal import baseline, by_workload, cells_of, not_measured, notes, timed, unavailable


def tables(results: Results) -> str:
    """A heading and a table for each workload, slowest kernel first, and what did not run."""
    hardware, software = results.machine["hardware"], results.machine["software"]
    settings = ", ".join(f"`{name}={value}`" for name, value in software["environment"].items())
    lines = [
        f"Measured on `{results.machine['id']}`: {hardware['cpu']}, {hardware['cores']} cores, "
        f"{hardware['memory_gib']} GiB, {software['python']}, {results.run['began'][:10]}"
        f"{f', with {settings} in its environment' if settings else ''}. "
        "In brackets: the 95% interval within this run.",
    ]
    for workload, records in by_workload(results.records):
        first = records[0]
        lines += ["", f"**{workload}** ({first.m:,} × {first.n:,}, {first.dtype}, {first.order} order)", ""]
        if measured := timed(records):
            over = f"× {baseline(measured)}"
            lines += [
                f"| kernel | time per call | {over} | examples/s | GB/s | error, ulps |",
                "|---|--:|--:|--:|--:|--:|",
            ]
        for record, seconds in measured:
            kernel, *numbers = cells_of(record, seconds)
            lines.append(f"| `{kernel}` | {' | '.join(numbers)} |")
        if lists := [*notes(measured), *not_measured(records)]:
            lines += ["", *(f"- {line}" for line in lists)]
    if missing := unavailable(results.records):
        lines += ["", *(f"- {line}" for line in missing)]
    return "\n".join(lines) + "\n"
