"""Results files: written whole or not at all, read with every field checked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from bench.host.sanitize import all_printable, printable
from bench.results.record import SCHEMA, Cold, Error, Fraction, Ratio, Record, Results, Seconds
from bench.results.schema import File, first_type_error


def read(path: Path) -> Results:
    """The results in a file, its texts printable. Raises ValueError, in one line, if there are none to be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["logitbench"]
        schema = found["schema"]
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError(f"{path.name}: no results file of logitbench; expected its JSON") from None
    if schema != SCHEMA:
        raise ValueError(f"{path.name}: schema {schema!r:.20}; this version reads schema {SCHEMA}")
    if wrong := first_type_error(found, File, "logitbench"):
        raise ValueError(f"{path.name}: no results file of logitbench that can be read: {printable(wrong)}")
    try:
        results = _results(all_printable(found))
    except TypeError as error:
        raise ValueError(f"{path.name}: no results file of logitbench that can be read: {error}") from None
    wrong = next(_wrong(results), None)
    if wrong:
        raise ValueError(f"{path.name}: no results file of logitbench that can be read: {wrong}")
    return results


def printable_results(results: Results) -> Results:
    """The same, fit for a terminal: a kernel's name and its exception's message may hold anything."""
    return _results(all_printable(asdict(results)))


def _results(found: dict[str, Any]) -> Results:
    return Results(found["run"], found["machine"], tuple(found["races"]), tuple(map(_record, found["records"])))


def _wrong(results: Results) -> Iterator[str]:
    """What is of another type than it must be, and numbers that no measuring can have found: nothing, or less."""
    for place, record in enumerate(results.records):
        if found := first_type_error(record, Record, f"records[{place}]"):
            yield found
        else:
            parts = (record.seconds, record.speedup, record.over_numpy, record.ceiling)
            values = [value for part in parts if part for value in asdict(part).values() if isinstance(value, float)]
            yield from _not_positive([record.m, record.n, *values], f"records[{place}]")
    for place, race in enumerate(results.races):
        control, ceilings = race.get("control") or {}, race.get("ceilings") or {}
        values = [control[key] for key in ("estimate", "low", "high") if key in control]
        values += [value for ceiling in ceilings.values() for value in ceiling.values()]
        values += [value for entry in race.get("rounds", ()) for value in entry["seconds"]]
        yield from _not_positive(values, f"races[{place}]")


def _not_positive(values: Sequence[float], where: str) -> Iterator[str]:
    if values and (least := min(values)) <= 0:
        yield f"{where} has {least:g} where only numbers above 0 make sense"


def write(path: Path, document: dict[str, Any]) -> Path:
    """Write the file whole or not at all. Returns its path, numbered where it was taken. Raises OSError."""
    text = json.dumps(document, indent=1, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with whole.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return _link_unique(whole, path)
    finally:
        whole.unlink(missing_ok=True)


def _link_unique(whole: Path, path: Path) -> Path:
    """To the path, or to the first of path-2, path-3, ... that no file has."""
    free, number = path, 1
    while True:
        try:
            os.link(whole, free)  # fails where there is a file, which a rename would replace
        except OSError:
            if not free.exists():  # it failed because this file system has no hard links
                return whole.replace(free)
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


def _record(plain: dict[str, Any]) -> Record:
    known = {field.name for field in fields(Record)}
    values = {name: value for name, value in plain.items() if name in known}
    for name, kind in _PARTS.items():
        if values.get(name) is not None:
            values[name] = kind(**values[name])
    return Record(**values)


_RUN, _MACHINE = ("began", "launches"), ("id", "hardware", "software")
_RACE = ("workload", "threads", "launches", "rounds")


def require_whole(name: str, results: Results) -> None:
    """Raise ValueError if the file lacks what a comparison needs."""
    parts = [("run", results.run, _RUN), ("machine", results.machine, _MACHINE)]
    parts += [("a race", race, _RACE) for race in results.races]
    for part, found, expected in parts:
        if lacking := [key for key in expected if not isinstance(found, dict) or key not in found]:
            raise ValueError(f"{name}: {part} lacks {listed(lacking)}; expected a file as docs/record.md describes")


def listed(values: Iterable[Any]) -> str:
    """The values in one line, numbers with 7 digits."""
    return ", ".join(f"{value:.7g}" if isinstance(value, float) else str(value) for value in values)
