"""Results files: written completely or not at all; every field is validated when a file is read.

Written in today's schema; read in any that was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from bench.host.sanitize import all_printable
from bench.results import json_text
from bench.results.lift import lift
from bench.results.record import SCHEMA, Cold, Error, Fraction, Ratio, Record, Results, Seconds
from bench.results.schema import File, first_type_error
from bench.results.tables import with_tables, without_tables

READABLE = (1, SCHEMA)


def read(path: Path) -> Results:
    """The results in a file, with printable texts. Raises ValueError, in one line, if the file is not valid."""
    try:
        document = all_printable(json.loads(path.read_text(encoding="utf-8"))["logitbench"])
        schema = document["schema"]
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError(f"{path.name}: not a results file of logitbench; expected its JSON") from None
    if type(schema) is not int or schema not in READABLE:  # True == 1.0 == 1
        readable = " and ".join(map(str, READABLE))
        raise ValueError(f"{path.name}: schema {schema!r:.20}; this version reads schemas {readable}")
    try:
        document = without_tables(document)
    except ValueError as error:
        raise ValueError(f"{path.name}: not a valid results file of logitbench: {error}") from None
    if schema != SCHEMA:
        document = lift(document)
    if type_error := first_type_error(document, File, "logitbench"):
        raise ValueError(f"{path.name}: not a valid results file of logitbench: {type_error}")
    try:
        results = _results(document)
    except TypeError as error:
        raise ValueError(f"{path.name}: not a valid results file of logitbench: {error}") from None
    if error_line := next(_errors(results), None):
        raise ValueError(f"{path.name}: not a valid results file of logitbench: {error_line}")
    return results


def printable_results(results: Results) -> Results:
    """The same with texts that are safe for a terminal: kernel names and exception messages may hold anything."""
    return _results(all_printable(asdict(results)))


def _results(document: dict[str, Any]) -> Results:
    records = tuple(map(_record, document["records"]))
    return Results(document["run"], document["machine"], tuple(document["races"]), records, document["operations"])


_POSITIVE = ("estimate", "low", "high", "fraction")


def _errors(results: Results) -> Iterator[str]:
    """Type errors in the records, and numbers that must be above 0 and are not."""
    for index, record in enumerate(results.records):
        if type_error := first_type_error(record, Record, f"records[{index}]"):
            yield type_error
        else:
            parts = (record.seconds, record.speedup, record.over_numpy, record.ceiling)
            values: list[float] = [record.m, record.n, *(record.work or {}).values()]
            for name in _POSITIVE:
                values += [value for part in parts if (value := getattr(part, name, None)) is not None]
            yield from _not_positive(values, f"records[{index}]")
    for index, race in enumerate(results.races):
        control, ceilings = race.get("control") or {}, race.get("ceilings") or {}
        values = [control[key] for key in ("estimate", "low", "high") if key in control]
        values += [value for ceiling in ceilings.values() for value in ceiling.values()]
        values += [value for rounds in race.get("rounds", ()) for value in rounds["seconds"]]
        yield from _not_positive(values, f"races[{index}]")


def _not_positive(values: Sequence[float], where: str) -> Iterator[str]:
    if values and (smallest := min(values)) <= 0:
        yield f"{where} has {smallest:g} where only numbers above 0 make sense"


def write(path: Path, document: dict[str, Any]) -> Path:
    """Write the file completely or not at all. Returns its path, numbered if the path is taken. Raises OSError."""
    results = document.get("logitbench")
    text = json_text.text(document | {"logitbench": with_tables(results)} if results else document)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return _link_unique(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _link_unique(temporary: Path, path: Path) -> Path:
    """Link to the path, or to the first of path-2, path-3, ... that does not exist. Returns the path that it used."""
    free, number = path, 1
    while True:
        try:
            os.link(temporary, free)  # fails if the file exists, which a rename would overwrite
        except OSError:
            if not free.exists():  # it failed because this file system has no hard links
                return temporary.replace(free)
        else:
            return free
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")


_PARTS = {
    "error": Error,
    "cold": Cold,
    "seconds": Seconds,
    "speedup": Ratio,
    "over_numpy": Ratio,
    "ceiling": Fraction,
}


def _record(document: dict[str, Any]) -> Record:
    known = {field.name for field in fields(Record)}  # a later version's fields are ignored
    values = _given(Record, {name: value for name, value in document.items() if name in known})
    for name, kind in _PARTS.items():
        if values.get(name) is not None:
            values[name] = kind(**_given(kind, values[name]))
    return Record(**values)


def _given(kind: Any, values: Any) -> dict[str, Any]:
    """Without the nulls that stand for a default value in a table. Raises TypeError for what is no object."""
    if not isinstance(values, dict):
        raise TypeError(f"{kind.__name__.lower()} is {str(values)[:40]!r}; expected an object")
    required = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}
    return {name: value for name, value in values.items() if value is not None or name in required}


_RUN, _MACHINE = ("began", "launches"), ("id", "hardware", "software")
_RACE = ("workload", "threads", "launches", "rounds")


def require_whole(name: str, results: Results) -> None:
    """Raise ValueError if the file lacks a field that a comparison needs."""
    parts = [("run", results.run, _RUN), ("machine", results.machine, _MACHINE)]
    parts += [("a race", race, _RACE) for race in results.races]
    for part, value, required in parts:
        if missing := [key for key in required if not isinstance(value, dict) or key not in value]:
            raise ValueError(f"{name}: {part} lacks {listed(missing)}; expected a file as docs/record.md describes")


def listed(values: Iterable[Any]) -> str:
    """The values separated by commas; floats with 7 digits."""
    return ", ".join(f"{value:.7g}" if isinstance(value, float) else str(value) for value in values)
