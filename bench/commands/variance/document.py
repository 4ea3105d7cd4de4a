"""The study's file: its form, and how it is written and read.

It is written again after every unit, so a study that ends early keeps what it has. It has all rounds as they were
measured; what is printed is computed from it, by `--show` again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from bench.host.sanitize import all_printable
from bench.results.ranges import Count, NotNegative, Positive, Size
from bench.results.type_errors import first_type_error

SCHEMA = 1


class RoundsRow(TypedDict):
    """One kernel in one launch of a race: a KernelSamples."""

    workload: str
    launch: Count
    kernel: str
    seconds: list[Positive]
    sweeps: list[Count]
    disturbed_seconds: list[Positive]
    disturbed_sweeps: list[Count]
    huge_pages: bool | None


class LaunchRow(TypedDict):
    """One launch on one workload: a LaunchResult."""

    workload: str
    launch: Count
    wall_seconds: NotNegative
    """Of the whole launch."""
    rounds_seconds: NotNegative
    """Of its rounds."""
    stolen: NotNegative | None
    others: NotNegative | None
    foreign: list[NotNegative]
    disturbed: Count
    counts_all: str


class CallsRow(TypedDict):
    """One kernel in a launch in which each call was timed by itself: a list has an entry a round."""

    workload: str
    launch: Count
    kernel: str
    iterations: Size
    seconds: list[Positive]
    """Of a call, on average over a round."""
    median: list[Positive]
    deviation: list[NotNegative]
    standard_deviation: list[NotNegative]
    first: list[NotNegative]
    slowest: list[NotNegative]


class Table(TypedDict):
    """A list that has one line for each row in the file."""

    rows: list[Any]


class Unit(TypedDict):
    """One run under one condition."""

    condition: str
    threads: Size
    run: Count
    complete: bool
    """False where the study ended in the middle of it: it has the launches that were finished."""
    rounds: Table
    launches: Table
    calls: Table
    failures: dict[str, str]
    """`kernel on workload` → why it was not timed."""


class Study(TypedDict):
    """The key `variance` of the file."""

    schema: Size
    began: str
    commit: str
    finished: bool
    """Whether all of the plan was measured."""
    machine: dict[str, Any]
    plan: dict[str, Any]
    """All that must be the same for a study to continue."""
    baselines: dict[str, str]
    """Workload → the kernel that ratios are over; an empty text where there is none."""
    units: list[Unit]


_ROWS = {"rounds": RoundsRow, "launches": LaunchRow, "calls": CallsRow}
_PER_ROUND = ("median", "deviation", "standard_deviation", "first", "slowest")
_PAIRS = (
    ("rounds", "seconds", "sweeps"),
    ("rounds", "disturbed_seconds", "disturbed_sweeps"),
    *(("calls", "seconds", name) for name in _PER_ROUND),
)
"""(table, list, list): both have one entry for each round."""


def read(path: Path) -> Study:
    """The study in a file, with printable texts. Raises ValueError, in one line, if it is not valid."""
    try:
        study = all_printable(json.loads(path.read_text(encoding="utf-8"))["variance"])
        schema = study["schema"]
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError(f"{path.name}: not a variance study of logitbench; expected its JSON") from None
    if schema != SCHEMA:
        raise ValueError(f"{path.name}: schema {schema!r:.20}; this version reads schema {SCHEMA}")
    if invalid := _first_error(study):
        raise ValueError(f"{path.name}: not a valid variance study: {invalid}")
    valid: Study = study
    return valid


def _first_error(study: Any) -> str | None:
    if error := first_type_error(study, Study, "variance"):
        return error
    if not isinstance(study["machine"].get("id"), str):
        return "variance.machine has no id"
    for number, unit in enumerate(study["units"]):
        for name, kind in _ROWS.items():
            where = f"units[{number}].{name}"
            if error := first_type_error(unit[name]["rows"], list[kind], where):  # type: ignore[valid-type]
                return error
        for name, one, other in _PAIRS:
            if any(len(row[one]) != len(row[other]) for row in unit[name]["rows"]):
                return f"units[{number}].{name} has {one} and {other} of different lengths"
    return None


def different(planned: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The first part of the plan that another study measured otherwise; empty if none."""
    return next((key for key, value in planned.items() if found.get(key) != value), "")
