"""Documents of older schemas with the keys of today's. A file is lifted in memory when it is read, never rewritten.

Schema 1 had a single operation, whose texts are those of today. In schema 2 every kernel took part in every sweep,
and every sweep counted. A part that does not have the form of its schema stays as it is, and lacks what it lacked:
bench/results/run_file.py checks the fields afterwards, and refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.results.describe import describe_operation
from bench.results.record import SCHEMA
from kernels import load_operation
from kernels.contract import Size

_OPERATION = "gradient"
_RECORD = {"printed": "output_tail", "seen": "counters"}
_SECONDS = {"median": "estimate"}
_LAUNCH_SECONDS = {"admission": "prepare", "dismissal": "verify"}
_ITEM_BYTES = {"float32": 4, "float64": 8}


def lift(document: dict[str, Any], schema: int) -> dict[str, Any]:
    """The `logitbench` key of a file of this schema as one of today's. Whatever it holds, nothing is raised."""
    if schema == 1:
        document = _from_1(document)
    races = _each(document.get("races"), _race_from_2)
    return document | {"schema": SCHEMA} | ({"races": races} if "races" in document else {})


def _race_from_2(race: dict[str, Any]) -> dict[str, Any]:
    return race | {"rounds": _each(race["rounds"], _with_sweeps)} if "rounds" in race else race


def _with_sweeps(rounds: dict[str, Any]) -> dict[str, Any]:
    seconds = rounds.get("seconds")
    return rounds | {"sweeps": list(range(len(seconds)))} if isinstance(seconds, list) else rounds


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    parts = {"races": _race, "records": _record}
    lifted = {key: _each(value, parts[key]) if key in parts else value for key, value in document.items()}
    return lifted | {"operations": {_OPERATION: describe_operation(load_operation(_OPERATION))}}


def _race(race: dict[str, Any]) -> dict[str, Any]:
    lifted = race | {"operation": _OPERATION, "details": {}}
    if "seconds" in race:
        lifted["seconds"] = _each(race["seconds"], lambda launch: _renamed(launch, _LAUNCH_SECONDS))
    return lifted


def _record(record: dict[str, Any]) -> dict[str, Any]:
    lifted = _renamed(record, _RECORD) | {"work": _work(record)}
    if isinstance(seconds := record.get("seconds"), dict):
        lifted["seconds"] = _renamed(seconds, _SECONDS)
    if isinstance(error := record.get("error"), dict):
        figures = {"ulps": error.get("max_ulps")}
        lifted["error"] = {"bound_fraction": error.get("bound_fraction"), "figures": figures}
    return lifted


def _work(record: Mapping[str, Any]) -> dict[str, float] | None:
    m, n, dtype = (record.get(key) for key in ("m", "n", "dtype"))
    if not (isinstance(m, int) and isinstance(n, int) and isinstance(dtype, str) and dtype in _ITEM_BYTES):
        return None
    work = load_operation(_OPERATION).work(Size(m, n, _ITEM_BYTES[dtype]), None)
    return dict(work.ceilings) if work else None


def _each(values: Any, change: Callable[[dict[str, Any]], Any]) -> Any:
    """The list with the objects in it changed; anything else as it is."""
    if not isinstance(values, list):
        return values
    return [change(value) if isinstance(value, dict) else value for value in values]


def _renamed(part: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in part.items()}
