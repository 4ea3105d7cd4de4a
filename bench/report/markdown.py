"""A results file as Markdown tables, for a README or an issue."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.machine import handicaps
from bench.report.notes import machine_and_run, narrowing, unavailable
from bench.report.race_tables import ladder_table, race_table
from bench.report.rows import by_race, reached, timed
from bench.report.table import markdown_lines
from bench.results.record import Results
from kernels import names
from kernels.registry import TECHNIQUES

_OF_SCIKIT_LEARN = frozenset({"KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK"})
"""It sets these when it is imported, as for its data sets; no kernel is faster or slower by them."""


def ladder(results: Results, workload: str) -> str:
    """A workload's kernels from rung to rung, with the most threads, each against the one before it, without peers.

    Raises ValueError, in one line, where no rung was timed.
    """
    records = [record for record in results.records if record.workload == workload]
    measured = reached(timed(records))
    threads = max((record.threads for record, _ in measured), default=0)
    by_kernel = {record.kernel: (record, seconds) for record, seconds in measured if record.threads == threads}
    ladder_names = names(records[0].operation) if records else ()
    rungs = [by_kernel[name] for name in ladder_names if name in by_kernel and TECHNIQUES[name] != "peer"]
    if not rungs:
        known = ", ".join(dict.fromkeys(record.workload for record in results.records))
        raise ValueError(f"no rung of the ladder was timed on {workload!r}; the file has {known}")
    lines = [f"Measured on `{results.machine['id']}`, {workload}, threads: {threads}.", ""]
    return "\n".join([*lines, *markdown_lines(ladder_table(rungs))]) + "\n"


def tables(results: Results, workloads: Sequence[str] = ()) -> str:
    """The machine, a table for each race, slowest kernel first, and what did not run.

    workloads: some of the run's; empty: all. Raises ValueError where the run has none of that name.
    """
    known = list(dict.fromkeys(record.workload for record in results.records))
    if unknown := [name for name in workloads if name not in known]:
        raise ValueError(f"nothing was measured on {unknown[0]!r}; the file has {', '.join(known)}")
    shown = [record for record in results.records if not workloads or record.workload in workloads]
    environment = results.machine["software"]["environment"].items()
    settings = ", ".join(f"`{name}={value}`" for name, value in environment if name not in _OF_SCIKIT_LEARN)
    lines = [
        f"Measured on `{results.machine['id']}`: {machine_and_run(results, shown)}"
        f"{f', with {settings} in its environment' if settings else ''}. "
        "In brackets: the 95% confidence interval.",
    ]
    for records in by_race(shown):
        lines += ["", *markdown_lines(race_table(results, records))]
    if last := [*handicaps(results, shown), *narrowing(shown), *unavailable(results.records)]:
        lines += ["", *(f"- {line}" for line in last)]
    return "\n".join(lines) + "\n"
