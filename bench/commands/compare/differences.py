"""What differs between the machines and the settings of several runs, in words. Pure: it works on results.

Hardware first, then software, then how the run was made; what all runs share is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.results.describe import hardware, settings, software
from bench.results.record import Results


@dataclass(frozen=True)
class Difference:
    """One property that is not the same in all runs."""

    group: str
    """hardware, software or run."""
    name: str
    values: tuple[str, ...]
    """A value for each run; `-` where it is not known."""


def differences(runs: Sequence[Results]) -> list[Difference]:
    """All that differs, in the order of the groups."""
    found = []
    for group, properties in _GROUPS.items():
        each = [properties(results) for results in runs]
        for name in dict.fromkeys(name for one in each for name in one):
            values = tuple(format_value(one.get(name)) for one in each)
            if len(set(values)) > 1:
                found.append(Difference(group, name, values))
    return found


_GROUPS: dict[str, Callable[[Results], dict[str, Any]]] = {
    "hardware": hardware,
    "software": software,
    "run": settings,
}


def format_value(value: Any) -> str:
    """A setting as the cell of a table: yes or no, a dash for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
