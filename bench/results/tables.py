"""Lists of objects as tables: the names once, then a row for each object. Most of a results file would be names else.

[{"kernel": "numpy", "seconds": {"estimate": 2e-5}}]
{"fields": ["kernel", "seconds.estimate"], "rows": [["numpy", 2e-5]]}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from bench.results.record import Record

_NESTED = (
    "error", "cold", "seconds", "speedup", "over_numpy", "seconds_with_disturbed", "speedup_with_disturbed",
    "ceiling", "counters", "work",
)  # fmt: skip
"""The fields of a record that are objects, each always with the same keys."""
_ORDER = [field.name for field in fields(Record)]
_AS_BEFORE = "worker_environment"
"""Left out of a race if it is that of the race before."""


def with_tables(document: dict[str, Any]) -> dict[str, Any]:
    """The `logitbench` key of a file, with the records and the rounds of each race as tables."""
    races, before = [], None
    for race in document["races"]:
        rounds = {"rounds": to_table(race["rounds"])} if "rounds" in race else {}
        environment = race.get(_AS_BEFORE)
        others = {key: value for key, value in (race | rounds).items() if key != _AS_BEFORE}
        races.append(others if environment == before else others | {_AS_BEFORE: environment})
        before = environment
    return document | {"races": races, "records": to_table(document["records"], _NESTED, _ORDER)}


def without_tables(document: dict[str, Any]) -> dict[str, Any]:
    """The same with lists of objects. Raises ValueError for a malformed table; other parts are not checked."""
    lists = dict(document)
    if "records" in document:
        lists["records"] = from_table(document["records"], _NESTED)
    if isinstance(document.get("races"), list):
        lists["races"], before = [], None
        for race in document["races"]:
            filled = _filled(race, before) if isinstance(race, dict) else race
            lists["races"].append(filled)
            before = filled.get(_AS_BEFORE) if isinstance(filled, dict) else None
    return lists


def _filled(race: Mapping[str, Any], before: Any) -> dict[str, Any]:
    environment = race.get(_AS_BEFORE, before)
    filled = {
        key: from_table(value) if key == "rounds" else value for key, value in race.items() if key != _AS_BEFORE
    }
    return filled if environment is None else filled | {_AS_BEFORE: environment}


def to_table(
    objects: Sequence[Mapping[str, Any]], nested: Collection[str] = (), order: Sequence[str] = ()
) -> dict[str, Any]:
    """The objects as a table; null where one lacks a field.

    nested: fields whose values are objects with the same keys, each of which becomes a field of its own
    order: of the fields; others come last
    """
    flat = [
        {
            name: part
            for field, value in one.items()
            for name, part in (
                [(f"{field}.{key}", part) for key, part in value.items()]
                if field in nested and isinstance(value, Mapping)
                else [(field, value)]
            )
        }
        for one in objects
    ]
    positions = {name: position for position, name in enumerate(order)}
    names = sorted(
        dict.fromkeys(name for one in flat for name in one),
        key=lambda name: positions.get(name.partition(".")[0], len(positions)),
    )
    return {"fields": names, "rows": [[one.get(name) for name in names] for one in flat]}


def from_table(value: Any, nested: Collection[str] = ()) -> Any:
    """The objects of a table; anything else as it is. A nested field of nulls alone is left out.

    Raises ValueError for a malformed table: a row of another length than its fields, or a field name that is not a
    string.
    """
    if not (isinstance(value, dict) and set(value) == {"fields", "rows"}):
        return value
    names, rows = value["fields"], value["rows"]
    if not (isinstance(names, list) and isinstance(rows, list) and all(isinstance(name, str) for name in names)):
        raise ValueError("a table whose fields or rows are not lists")
    if any(not isinstance(row, list) or len(row) != len(names) for row in rows):
        raise ValueError(f"a table with a row that has not {len(names)} values")
    return [_object(dict(zip(names, row, strict=True)), nested) for row in rows]


def _object(flat: Mapping[str, Any], nested: Collection[str]) -> dict[str, Any]:
    one: dict[str, Any] = {}
    for name, value in flat.items():
        field, dot, key = name.partition(".")
        if dot and field in nested:
            one.setdefault(field, {})[key] = value
        else:
            one[name] = value
    empty = [field for field in nested if field in one and all(part is None for part in one[field].values())]
    return {field: value for field, value in one.items() if field not in empty}
