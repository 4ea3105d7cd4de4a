"""The study's file: its form, and how it is written and read.

It is written again after every arm, so a study that ends early keeps what it has. It has every descent; what is
printed is computed from them, by `--show` again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypedDict

from bench.host.sanitize import all_printable
from bench.results import json_text, run_file, whole_file
from bench.results.ranges import Count, NotNegative, Positive, Size
from bench.results.type_errors import first_type_error

SCHEMA = 1


class Row(TypedDict):
    """One descent."""

    layers: Size
    unit: str
    start: str
    rate: Positive
    seed: Count
    counts: bool
    """False where it only helped to choose the rate."""
    steps: Count | None
    """To the target; null where it was not reached."""
    seconds: NotNegative
    cost: NotNegative | None
    """The last one; null where the descent diverged."""
    norms: list[list[NotNegative]]
    """Of each layer's derivatives by its weights, at the start and at the end."""
    dead: NotNegative
    """The share of units that are 0 for every example, at the end."""


class Study(TypedDict):
    """The key `activation` of the file."""

    schema: Size
    began: str
    commit: str
    finished: bool
    machine: dict[str, Any]
    plan: dict[str, Any]
    """All that must be the same for a study to continue."""
    descents: list[Any]


def create(path: Path, study: Study) -> Path:
    """Write a new file; returns its path, numbered if it is taken. Raises ValueError where it cannot be written."""
    try:
        return run_file.write(path, {"activation": study})
    except OSError as error:
        raise ValueError(f"{path.name} cannot be written: {error.strerror}") from None


def replace(path: Path, study: Study) -> None:
    """Write it again, completely or not at all. Raises OSError."""
    whole_file.replace(path, json_text.text({"activation": study}))


def read(path: Path) -> Study:
    """The study in a file, with printable texts. Raises ValueError, in one line, if it is not valid."""
    try:
        study = all_printable(json.loads(path.read_text(encoding="utf-8"))["activation"])
        schema = study["schema"]
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError(f"{path.name}: not an activation study of logitbench; expected its JSON") from None
    if schema != SCHEMA:
        raise ValueError(f"{path.name}: schema {schema!r:.20}; this version reads schema {SCHEMA}")
    if invalid := _first_error(study):
        raise ValueError(f"{path.name}: not a valid activation study: {invalid}")
    valid: Study = study
    return valid


def _first_error(study: Any) -> str | None:
    if error := first_type_error(study, Study, "activation"):
        return error
    if error := first_type_error(study["descents"], list[Row], "descents"):
        return error
    if not isinstance(study["machine"].get("id"), str):
        return "activation.machine has no id"
    if any(len(row["norms"]) != 2 or not all(row["norms"]) for row in study["descents"]):
        return "a descent has no norms of the start and of the end"
    return None
