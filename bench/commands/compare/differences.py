"""What differs between the machines and the settings of several runs. Pure: it works on results.

Hardware comes first, then software, then the run's settings. Properties that all runs share are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.results.describe import hardware, settings, software
from bench.results.record import Results


@dataclass(frozen=True)
class Difference:
    """One property that differs between the runs."""

    group: str
    """hardware, software or run."""
    name: str
    values: tuple[str, ...]
    """One value for each run; `-` if it is not known."""


def differences(runs: Sequence[Results]) -> list[Difference]:
    """Every property that differs, group by group."""
    differing = []
    for group, properties in _GROUPS.items():
        by_run = [properties(results) for results in runs]
        for name in dict.fromkeys(name for properties_of_run in by_run for name in properties_of_run):
            values = tuple(format_value(properties_of_run.get(name)) for properties_of_run in by_run)
            if len(set(values)) > 1:
                differing.append(Difference(group, name, values))
    return differing


_GROUPS: dict[str, Callable[[Results], dict[str, Any]]] = {
    "hardware": hardware,
    "software": software,
    "run": settings,
}


def format_value(value: Any) -> str:
    """A value as a table cell: yes or no, and `-` for None."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
