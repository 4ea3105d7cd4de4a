"""Tables about the run as a whole: outcomes, machine, settings."""

from __future__ import annotations

from typing import Any

from bench.report.formatting import format_significant
from bench.report.headline import race_name, several_threads
from bench.report.notes import NOT_REACHED
from bench.report.page.charts import common
from bench.report.page.section import Column, Section
from bench.results.record import Record, Results

_YES_NO = {True: "yes", False: "no"}


def outcomes(results: Results) -> Section:
    """The kernels without a time, and why; and how many agreed with the reference."""
    several = several_threads(results)
    races: dict[tuple[str, str, str], list[str]] = {}
    for record in results.records:
        if outcome := _outcome(record):
            races.setdefault((record.kernel, *outcome), []).append(race_name(record, several))
    race_count = len({(record.workload, record.threads) for record in results.records})
    rows = tuple(
        {
            "kernel": kernel,
            "outcome": outcome,
            "reason": reason,
            "races": "all" if len(names) == race_count > 1 else ", ".join(names),
        }
        for (kernel, outcome, reason), names in races.items()
    )
    ok = sum(record.outcome == "ok" for record in results.records)
    errors = [
        record.error.bound_fraction
        for record in results.records
        if record.outcome == "ok" and record.error and record.error.bound_fraction is not None
    ]
    largest_error = (
        f"; the largest error is {format_significant(100 * max(errors), 2)}% of its bound" if errors else ""
    )
    return Section(
        name="outcomes",
        heading="Correct results, and kernels without a time or a ratio",
        level=3,
        text=(
            f"{ok} of {len(results.records)} pairs of kernel and workload agree with the reference{largest_error}. "
            + ("Without a time, or without a ratio:" if rows else "All of them were timed."),
        ),
        columns=(
            common.KERNEL,
            Column("outcome", "outcome"),
            Column("races", "workloads"),
            Column("reason", "reason"),
        ),
        rows=rows,
    )


def _outcome(record: Record) -> tuple[str, str] | None:
    """Why the kernel has no time or no ratio, in a word and in a sentence; None if it has both."""
    if record.outcome != "ok":
        return record.outcome, record.reason
    if not record.seconds:
        return "correct, not timed", record.reason
    return None if record.reached else ("not reached", f"It {NOT_REACHED}.")


def fingerprint(results: Results) -> Section:
    """A row for each value that the file has of the machine, the run and the workers."""
    rows = [{"name": name, "value": value} for name, value in [*_flat(results.machine), *_flat({"run": results.run})]]
    environments = [race["worker_environment"] for race in results.races if race.get("worker_environment")]
    rows += [
        {"name": name, "value": value} for name, value in _flat({"workers": environments[0] if environments else {}})
    ]
    return Section(
        name="fingerprint",
        heading="The machine and the run",
        level=3,
        text=(
            "The hardware, settings and software of the machine, and the settings of the run. The names of the host "
            "and the user are not among them.",
        ),
        columns=(Column("name", "name"), Column("value", "value")),
        rows=tuple(rows),
    )


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """(`hardware › caches › 1 › level`, `2`) and so on, a pair for each leaf."""
    items = value.items() if isinstance(value, dict) else enumerate(value, 1) if isinstance(value, list) else None
    if items is None:
        return [(name, "not known" if value is None else _YES_NO[value] if isinstance(value, bool) else str(value))]
    return [leaf for key, item in items for leaf in _flat(item, f"{name}{' › ' * bool(name)}{key}")]
