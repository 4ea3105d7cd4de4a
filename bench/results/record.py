"""The result records: one for each kernel × workload, whatever its outcome; and their file.

What each key means is in docs/record.md. Reading needs only this file and a JSON parser, so reports and
comparisons are tested on records written by hand.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bench.host.sanitize import all_printable, all_without_folders, printable
from bench.results.schema import File, misfit

SCHEMA = 1


@dataclass(frozen=True)
class Seconds:
    """Of one call: the launches' medians, averaged, and the 95% interval across launches (None for one)."""

    median: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Ratio:
    """How many times faster than the baseline, with its 95% interval (None where there was one launch)."""

    estimate: float
    low: float | None
    high: float | None
    baseline: str
    verdict: str = ""
    """faster, slower, no difference shown; empty for the baseline itself."""
    launches: int = 0
    launches_needed: int | None = None
    """How many would bring the interval to ±2%; None where it is there, or that cannot be told."""


@dataclass(frozen=True)
class Cold:
    """What comes before the steady state, in seconds. None where it did not happen."""

    import_seconds: float | None = None
    placement_seconds: float | None = None
    lower_seconds: float | None = None
    compile_seconds: float | None = None
    compile_cached_seconds: float | None = None
    first_call_seconds: float | None = None


@dataclass(frozen=True)
class Error:
    """On the workload's own data: in ulps, and as a fraction of the a-priori bound."""

    max_ulps: float
    bound_fraction: float


@dataclass(frozen=True)
class Fraction:
    """How near a kernel comes to what the machine can do: the limit's time over its own, with the 95% interval."""

    name: str
    """What the limit is: read, sigmoid or multiply."""
    fraction: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Control:
    """A kernel against itself, in the same race: how far the race can be trusted."""

    kernel: str
    estimate: float
    low: float
    high: float
    trustworthy: bool
    causes: tuple[str, ...] = ()
    """Where it is not: what was seen that may explain it, and what to do."""


@dataclass(frozen=True)
class Record:
    """What one kernel did on one workload on one machine."""

    id: str
    operation: str
    kernel: str
    backend: str | None
    device: str | None
    workload: str
    m: int
    n: int
    dtype: str
    order: str
    threads: int
    outcome: str
    reason: str = ""
    printed: str = ""
    selected: bool = True
    passes: float | None = None
    error: Error | None = None
    cold: Cold = Cold()
    break_even: dict[str, int | None] | None = None
    steady: bool | None = None
    launches: int = 0
    rounds: int = 0
    iterations: int = 0
    outliers: int = 0
    seconds: Seconds | None = None
    speedup: Ratio | None = None
    over_numpy: Ratio | None = None
    launch_spread: float | None = None
    seen: dict[str, Any] | None = None
    bytes_per_call: int = 0
    gigabytes_per_second: float | None = None
    ceiling: Fraction | None = None
    level: str | None = None


@dataclass(frozen=True)
class Results:
    """The `logitbench` key of a results file."""

    run: dict[str, Any]
    machine: dict[str, Any]
    races: tuple[dict[str, Any], ...]
    records: tuple[Record, ...]
    schema: int = SCHEMA

    def as_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, and no folder of this machine in any text."""
        plain: dict[str, Any] = all_without_folders(asdict(self))
        return plain


def flat(record: Record) -> dict[str, str | float | None]:
    """A record's id and chief numbers, for pytest-benchmark's `extra_info`."""
    return {
        "record": record.id,
        "outcome": record.outcome,
        "max_ulps": record.error.max_ulps if record.error else None,
        "speedup": record.speedup.estimate if record.speedup else None,
        "baseline": record.speedup.baseline if record.speedup else None,
        "gigabytes_per_second": record.gigabytes_per_second,
        "first_call_seconds": record.cold.first_call_seconds,
    }


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
    if wrong := misfit(found, File, "logitbench"):
        raise ValueError(f"{path.name}: no results file of logitbench that can be read: {printable(wrong)}")
    try:
        results = _results(all_printable(found))
    except TypeError as error:
        raise ValueError(f"{path.name}: no results file of logitbench that can be read: {error}") from None
    wrong = next(_wrong(results), None)
    if wrong:
        raise ValueError(f"{path.name}: no results file of logitbench that can be read: {wrong}")
    return results


def readable(results: Results) -> Results:
    """The same, fit for a terminal: a kernel's name and its exception's message may hold anything."""
    return _results(all_printable(asdict(results)))


def _results(found: dict[str, Any]) -> Results:
    return Results(found["run"], found["machine"], tuple(found["races"]), tuple(map(_record, found["records"])))


def _wrong(results: Results) -> Iterator[str]:
    """What is of another type than it must be, and numbers that no measuring can have found: nothing, or less."""
    for place, record in enumerate(results.records):
        if found := misfit(record, Record, f"records[{place}]"):
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
        return _moved(whole, path)
    finally:
        whole.unlink(missing_ok=True)


def _moved(whole: Path, path: Path) -> Path:
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
