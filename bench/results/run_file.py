"""Results files: written completely or not at all; every field is validated when a file is read.

Written in today's schema; read in any that was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from bench.host.sanitize import all_printable
from bench.results import json_text, whole_file
from bench.results.lift import lift
from bench.results.record import SCHEMA, Cold, Error, Fraction, Ratio, Record, Results, Seconds
from bench.results.schema import Counters, File
from bench.results.tables import with_tables, without_tables
from bench.results.type_errors import first_type_error, first_unusable

READABLE = (1, 2, SCHEMA)


def read(path: Path) -> Results:
    """The results in a file, with printable texts. Raises ValueError, in one line, if the file is not valid."""
    return read_document(path, results_only=True)[1]


def read_document(path: Path, results_only: bool = False) -> tuple[dict[str, Any], Results]:
    """The whole JSON of a file and its results, both with printable texts. Raises ValueError, in one line.

    results_only: the JSON is the `logitbench` key alone, which is faster
    """
    if path.exists() and not path.is_file():  # to read a FIFO would wait for ever
        raise ValueError(f"{path}: not a regular file; expected a results file")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        document = all_printable({"logitbench": document["logitbench"]} if results_only else document)
        schema = document["logitbench"]["schema"]
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError(f"{path.name}: not a results file of logitbench; expected its JSON") from None
    if type(schema) is not int or schema not in READABLE:  # True == 1.0 == 1
        readable = f"{', '.join(map(str, READABLE[:-1]))} and {READABLE[-1]}"
        raise ValueError(f"{path.name}: schema {schema!r:.20}; this version reads schemas {readable}")
    try:
        return document, _validated(document["logitbench"], schema)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path.name}: not a valid results file of logitbench: {error}") from None


def _validated(results: dict[str, Any], schema: int) -> Results:
    """The results, if every value has its type and makes sense. Raises ValueError or TypeError: what does not."""
    lists = without_tables(results)
    document = lists if schema == SCHEMA else lift(lists, schema)
    if type_error := first_type_error(document, File, "logitbench"):
        raise ValueError(type_error)
    validated = _results(document)
    for index, record in enumerate(validated.records):
        where = f"records[{index}]"
        if type_error := first_type_error(record, Record, where) or first_type_error(
            record.counters, Counters | None, f"{where}.counters"
        ):
            raise ValueError(type_error)
    for index, race in enumerate(validated.races):  # all numbers of a digest are compared, a later version's too
        if type_error := first_type_error(race.get("data"), dict[str, float] | None, f"races[{index}].data"):
            raise ValueError(type_error)
        for part in race.get("rounds", ()):
            if len(part.get("sweeps", ())) != len(part["seconds"]):
                sweeps, rounds = len(part.get("sweeps", ())), len(part["seconds"])
                raise ValueError(
                    f"races[{index}].rounds has {sweeps} sweeps for {rounds} rounds; expected one for each"
                )
    for name in ("run", "machine"):  # a report shows all that is in them
        if error := first_unusable(document[name], f"logitbench.{name}"):
            raise ValueError(error)
    return validated


def printable_results(results: Results) -> Results:
    """The same with texts that are safe for a terminal: kernel names and exception messages may hold anything."""
    return _results(all_printable(asdict(results)))


def _results(document: dict[str, Any]) -> Results:
    records = tuple(map(_record, document["records"]))
    return Results(document["run"], document["machine"], tuple(document["races"]), records, document["operations"])


def write(path: Path, document: dict[str, Any]) -> Path:
    """Write the file completely or not at all. Returns its path, numbered if the path is taken. Raises OSError."""
    results = document.get("logitbench")
    text = json_text.text(document | {"logitbench": with_tables(results)} if results else document)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = whole_file.beside(path)
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return whole_file.move_unique(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


_PARTS = {
    "error": Error,
    "cold": Cold,
    "seconds": Seconds,
    "speedup": Ratio,
    "over_numpy": Ratio,
    "seconds_with_disturbed": Seconds,
    "speedup_with_disturbed": Ratio,
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
