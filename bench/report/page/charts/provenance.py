"""Where the figures come from: outcomes, machine, settings."""

from __future__ import annotations

from typing import Any

from bench.report.formatting import format_significant
from bench.report.headline import race_name, several_threads
from bench.report.page.charts import common
from bench.report.page.document import Column, Section
from bench.results.record import Results


def outcomes(results: Results) -> Section:
    """What became of every kernel that has no time, and why; and how many have one."""
    several = several_threads(results)
    races: dict[tuple[str, str, str], list[str]] = {}
    for record in results.records:
        if record.outcome != "ok" or not record.seconds:
            outcome = record.outcome if record.outcome != "ok" else "agrees, not timed"
            races.setdefault((record.kernel, outcome, record.reason), []).append(race_name(record, several))
    every = len({(record.workload, record.threads) for record in results.records})
    rows = tuple(
        {
            "kernel": kernel,
            "outcome": outcome,
            "reason": reason,
            "races": "all" if len(names) == every > 1 else ", ".join(names),
        }
        for (kernel, outcome, reason), names in races.items()
    )
    ok = sum(record.outcome == "ok" for record in results.records)
    errors = [record.error.bound_fraction for record in results.records if record.outcome == "ok" and record.error]
    near = (
        f", the worst with {format_significant(100 * max(errors), 2)}% of the rounding that its bound allows"
        if errors
        else ""
    )
    return Section(
        name="outcomes",
        heading="What agreed, and what has no time",
        level=3,
        text=(
            f"{ok} of {len(results.records)} pairs of kernel and workload agreed with the reference{near}. "
            + ("The others:" if rows else "All of them were timed."),
        ),
        columns=(common.KERNEL, Column("outcome", "outcome"), Column("races", "on"), Column("reason", "why")),
        rows=rows,
    )


def fingerprint(results: Results) -> Section:
    """The machine and the run, every key."""
    rows = [{"what": what, "value": value} for what, value in [*_flat(results.machine), *_flat({"run": results.run})]]
    environments = [race["worker_environment"] for race in results.races if race.get("worker_environment")]
    rows += [
        {"what": what, "value": value} for what, value in _flat({"workers": environments[0] if environments else {}})
    ]
    return Section(
        name="fingerprint",
        heading="The machine and the run",
        level=3,
        text=(
            "All that was read of the machine, its settings and software, and of the run. No name of a host or a "
            "user is in it.",
        ),
        columns=(Column("what", "what"), Column("value", "value")),
        rows=tuple(rows),
    )


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """`hardware caches 1 level`, `2` and so on: a line a leaf."""
    parts_ = value.items() if isinstance(value, dict) else enumerate(value, 1) if isinstance(value, list) else None
    if parts_ is None:
        return [
            (
                name,
                "not known"
                if value is None
                else {True: "yes", False: "no"}.get(value, str(value))
                if isinstance(value, bool)
                else str(value),
            )
        ]
    return [leaf for key, part in parts_ for leaf in _flat(part, f"{name}{' › ' * bool(name)}{key}")]
