"""The file of a study: begun, written again after each part, and read.

It is one object under the study's name, so a study that ends early keeps what it has, and `--show` prints it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from bench.host import checkout, machine
from bench.host.sanitize import all_printable
from bench.results import json_text, run_file, whole_file
from bench.results.ranges import Size
from bench.results.type_errors import first_type_error, first_unusable


class Header(TypedDict):
    """What every study has."""

    schema: Size
    began: str
    commit: str
    finished: bool
    """Whether all of the plan was done."""
    machine: dict[str, Any]
    plan: dict[str, Any]
    """All that must be the same for a study to continue."""


class Study(Header):
    """A study that is a list of rows."""

    rows: list[Any]


def header(schema: int, plan: Mapping[str, Any]) -> Header:
    """Of a study that begins on this machine, now."""
    return {
        "schema": schema,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": checkout.commit(checkout.CHECKOUT),
        "finished": False,
        "machine": machine.fingerprint(),
        "plan": dict(plan),
    }


def default_path(name: str, study: Mapping[str, Any]) -> Path:
    """results/<machine>/<name>/<time>-<commit>.json"""
    began = datetime.fromisoformat(study["began"])
    return checkout.RESULTS / str(study["machine"]["id"]) / name / f"{began:%Y%m%dT%H%M%SZ}-{study['commit']}.json"


def create(path: Path, name: str, study: Mapping[str, Any]) -> Path:
    """Write a new file; returns its path, numbered if it is taken. Raises ValueError where it cannot be written."""
    try:
        return run_file.write(path, {name: study})
    except OSError as error:
        raise ValueError(f"{path.name} cannot be written: {error.strerror}") from None


def replace(path: Path, name: str, study: Mapping[str, Any]) -> None:
    """Write it again, completely or not at all. Raises OSError."""
    whole_file.replace(path, json_text.text({name: study}))


def read(path: Path, name: str, schema: int, row: type) -> Study:
    """The study in a file, with printable texts. Raises ValueError, in one line, if it is not valid.

    name: of the study; schema: the one that can be read; row: the type of its rows, a TypedDict
    """
    if path.exists() and not path.is_file():  # to read a FIFO would wait for ever
        raise ValueError(f"{path}: not a regular file; expected a study's JSON")
    try:
        study = all_printable(json.loads(path.read_text(encoding="utf-8"))[name])
        found = study["schema"]
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError(f"{path.name}: not a study of {name} by logitbench; expected its JSON") from None
    if found != schema:
        raise ValueError(f"{path.name}: schema {found!r:.20}; this version reads schema {schema}")
    invalid = first_unusable(study, name) or first_type_error(study, Study, name)
    invalid = invalid or first_type_error(study["rows"], list[row], "rows")  # type: ignore[valid-type]
    if not invalid and not isinstance(study["machine"].get("id"), str):
        invalid = f"{name}.machine has no id"
    if invalid:
        raise ValueError(f"{path.name}: not a valid study of {name}: {invalid}")
    valid: Study = study
    return valid
