"""The first value in a file that does not fit its type, or does not make sense.

A file may come from another machine, from another version, or from an attacker. Code that reads it relies on the
types that it was compared with here.
"""

from __future__ import annotations

import sys
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from bench.results.ranges import LARGEST_COUNT

_MOST_LEVELS = 20
"""Of nesting: a valid file has eight."""


def first_type_error(value: Any, hint: Any, where: str) -> str | None:
    """Describes the first part of the value that does not fit the type; None if all fits. Numbers must be finite."""
    kind = get_origin(hint) or hint
    if kind is Any:
        return None
    if kind is Annotated:
        plain, values = get_args(hint)
        error = first_type_error(value, plain, where)
        return error or (None if values.accepts(value) else _error(value, values.words, where))
    if kind in (UnionType, Union):
        possible = [part for part in get_args(hint) if (part is NoneType) is (value is None)]
        errors = [first_type_error(value, part, where) for part in possible]
        if None in errors or len(errors) == 1:
            return None if None in errors else errors[0]
        return _error(value, " or ".join(map(_name, possible)), where) if errors else f"{where} is null"
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
        return None if _is_a(value, hint) else _error(value, _name(hint), where)
    return next((error for part in parts if (error := first_type_error(*part))), None)


def first_unusable(value: Any, where: str, levels: int = _MOST_LEVELS) -> str | None:
    """Describes the first number that no float can hold, or value that is nested too deep; None if there is none.

    For what has no type, such as a later version's fields.
    """
    if isinstance(value, (dict, list)):
        if not levels:
            return f"{where[:80]} is nested more than {_MOST_LEVELS} levels deep"
        items = value.items() if isinstance(value, dict) else enumerate(value)
        parts = ((part, f"{where}.{key}" if isinstance(value, dict) else f"{where}[{key}]") for key, part in items)
        return next((error for part in parts if (error := first_unusable(*part, levels - 1))), None)
    if isinstance(value, (int, float)) and not _is_a(value, float) and not isinstance(value, bool):
        return _error(value, "a finite number", where)
    return None


def _error(value: Any, expected: str, where: str) -> str:
    return f"{where} is {str(value)[:40]!r}; expected {expected}"


def _is_a(value: Any, hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if is_typeddict(kind):
        return False
    if kind in (float, int) and not isinstance(value, bool):  # comparisons are exact, and false for NaN
        limit = sys.float_info.max if kind is float else LARGEST_COUNT
        return isinstance(value, (int, kind)) and abs(value) <= limit
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _name(hint: Any) -> str:
    plain = {str: "text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}
    return plain.get(hint, "a list" if get_origin(hint) in (list, tuple) else "an object")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)
