"""The schema of a results file, as types, and the first value in a file that does not fit it.

A file may come from another machine, from another version, or from an attacker. Code that reads it relies on these
types.
"""

from __future__ import annotations

import sys
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypedDict, get_args, get_origin, get_type_hints, is_typeddict

_LARGEST_INT = 2**63 - 1
"""Counts and sizes are smaller; arithmetic with larger ones may leave the range of a float."""


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
    """The hardware, from which the machine's id is made."""

    caches: list[Cache]
    gpus: list[Gpu]


class _Software(TypedDict):
    python: str
    environment: dict[str, str]


class Software(_Software, total=False):
    """The software of the machine."""

    libraries: dict[str, str]
    blas: dict[str, Any] | None
    numba_threading: dict[str, Any] | None


class _Machine(TypedDict):
    id: str
    hardware: Hardware
    software: Software


class Machine(_Machine, total=False):
    """The machine's fingerprint."""

    settings: dict[str, Any]


class Control(TypedDict):
    """A kernel against itself."""

    kernel: str
    estimate: float
    low: float
    high: float
    trustworthy: bool
    causes: list[str]


class Rounds(TypedDict):
    """The rounds of one kernel in one launch."""

    kernel: str
    launch: int
    seconds: list[float]


class Operation(TypedDict, total=False):
    """What a run says of an operation, in words; and the names of its options."""

    summary: str
    figures: dict[str, str]
    texts: dict[str, str]
    options: list[str]


class _Digest(TypedDict):
    size: float


class Digest(_Digest, total=False):
    """The digest of a workload's data: bench/workloads/digest.py."""

    ones: float
    placed: float
    labelled: float


class _Race(TypedDict):
    workload: str
    operation: str
    threads: int


class Race(_Race, total=False):
    """One workload and number of threads."""

    launches: int
    details: dict[str, float]
    data: Digest | None
    control: Control | None
    ceilings: dict[str, dict[str, float]] | None
    ceilings_failed: list[dict[str, str]]
    worker_environment: dict[str, str]
    rounds: list[Rounds]


class _Run(TypedDict):
    began: str


class Run(_Run, total=False):
    """How the run was made; its other keys are only shown."""

    threads: list[int]


class File(TypedDict):
    """The `logitbench` key. The records are validated separately, as dataclasses."""

    machine: Machine
    run: Run
    operations: dict[str, Operation]
    races: list[Race]
    records: list[dict[str, Any]]


def first_type_error(value: Any, hint: Any, where: str) -> str | None:
    """Describes the first part of the value that does not fit the type; None if all fits. Numbers must be finite."""
    kind = get_origin(hint) or hint
    if kind is Any:
        return None
    if kind is UnionType:
        errors = [
            first_type_error(value, part, where) for part in get_args(hint) if (part is NoneType) is (value is None)
        ]
        return None if None in errors else next(iter(errors), f"{where} is null")
    if is_typeddict(hint) and isinstance(value, dict):
        missing = next((key for key in _hints(hint) if key in hint.__required_keys__ and key not in value), None)
        if missing:
            return f"{where} has no {missing}"
        parts = ((value[key], part, f"{where}.{key}") for key, part in _hints(hint).items() if key in value)
    elif isinstance(hint, type) and is_dataclass(hint) and isinstance(value, hint):
        names = [field.name for field in fields(hint)]
        parts = ((getattr(value, name), _hints(hint)[name], f"{where}.{name}") for name in names)
    elif kind in (list, tuple) and isinstance(value, (list, tuple)):
        parts = ((item, get_args(hint)[0], f"{where}[{index}]") for index, item in enumerate(value))
    elif kind is dict and isinstance(value, dict):
        parts = ((item, get_args(hint)[1], f"{where}.{key}") for key, item in value.items())
    else:
        return None if _is_a(value, kind) else f"{where} is {str(value)[:40]!r}; expected {_name(hint)}"
    return next((error for part in parts if (error := first_type_error(*part))), None)


def _is_a(value: Any, kind: Any) -> bool:
    if is_typeddict(kind):
        return False
    if kind in (float, int) and not isinstance(value, bool):  # comparisons are exact, and false for NaN
        limit = sys.float_info.max if kind is float else _LARGEST_INT
        return isinstance(value, (int, kind)) and abs(value) <= limit
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _name(hint: Any) -> str:
    plain = {str: "text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}
    return plain.get(hint, "a list" if get_origin(hint) in (list, tuple) else "an object")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
