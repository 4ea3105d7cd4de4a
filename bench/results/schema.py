"""What a results file must hold, as types, and the first thing in it that does not fit them.

A file may come from another machine, another version or nowhere good; whatever reads it takes these for granted.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import Any, TypedDict, get_args, get_origin, get_type_hints, is_typeddict


class Cache(TypedDict):
    """One level of the machine's data caches."""

    level: int
    bytes: int
    shared_by: int


class _Hardware(TypedDict):
    cpu: str
    cores: int
    memory_gib: float


class Gpu(TypedDict):
    """An accelerator."""

    name: str
    memory: str


class Hardware(_Hardware, total=False):
    """What makes the machine's id."""

    caches: list[Cache]
    gpus: list[Gpu]


class _Software(TypedDict):
    python: str
    environment: dict[str, str]


class Software(_Software, total=False):
    """What runs on it."""

    libraries: dict[str, str]


class Machine(TypedDict):
    """The fingerprint."""

    id: str
    hardware: Hardware
    software: Software


class Control(TypedDict):
    """A kernel against itself."""

    kernel: str
    estimate: float
    low: float
    high: float
    trustworthy: bool
    causes: list[str]


class Rounds(TypedDict):
    """Of one kernel in one launch."""

    kernel: str
    launch: int
    seconds: list[float]


class _Race(TypedDict):
    workload: str
    threads: int


class Race(_Race, total=False):
    """One workload and number of threads."""

    launches: int
    data: dict[str, float] | None
    control: Control | None
    ceilings: dict[str, dict[str, float]] | None
    ceilings_failed: list[dict[str, str]]
    worker_environment: dict[str, str]
    rounds: list[Rounds]


class Run(TypedDict):
    """How it was made; its other keys are only shown."""

    began: str


class File(TypedDict):
    """The `logitbench` key, but for its records, which are checked as dataclasses."""

    machine: Machine
    run: Run
    races: list[Race]
    records: list[dict[str, Any]]


def first_type_error(value: Any, hint: Any, where: str) -> str | None:
    """The first place where a value is not what its type says, in words; None if it fits. Numbers must be finite."""
    kind = get_origin(hint) or hint
    if kind is Any:
        return None
    if kind is UnionType:
        of = [
            first_type_error(value, part, where) for part in get_args(hint) if (part is NoneType) is (value is None)
        ]
        return None if None in of else next(iter(of), f"{where} is null")
    if is_typeddict(hint) and isinstance(value, dict):
        missing = next((key for key in _hints(hint) if key in hint.__required_keys__ and key not in value), None)
        if missing:
            return f"{where} has no {missing}"
        inner = ((value[key], part, f"{where}.{key}") for key, part in _hints(hint).items() if key in value)
    elif isinstance(hint, type) and is_dataclass(hint) and isinstance(value, hint):
        inner = ((getattr(value, one.name), _hints(hint)[one.name], f"{where}.{one.name}") for one in fields(hint))
    elif kind in (list, tuple) and isinstance(value, (list, tuple)):
        inner = ((item, get_args(hint)[0], f"{where}[{place}]") for place, item in enumerate(value))
    elif kind is dict and isinstance(value, dict):
        inner = ((item, get_args(hint)[1], f"{where}.{key}") for key, item in value.items())
    else:
        return None if _is_a(value, kind) else f"{where} is {str(value)[:40]!r}; expected {_name(hint)}"
    return next((found for item, part, at in inner if (found := first_type_error(item, part, at))), None)


def _is_a(value: Any, kind: Any) -> bool:
    if is_typeddict(kind):
        return False
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _name(hint: Any) -> str:
    plain = {str: "text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}
    return plain.get(hint, "a list" if get_origin(hint) in (list, tuple) else "an object")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
