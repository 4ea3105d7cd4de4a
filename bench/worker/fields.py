"""How each field of a response is read: by its type, and with the values that make sense.

The values come from a kernel's process, so any JSON value may stand anywhere. A reader returns what it was asked for
or raises ProtocolError, and nothing else. Separate from messages.py, which says which fields there are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import isfinite
from numbers import Integral, Real
from typing import Annotated, Any, TypeAlias

import numpy as np

from bench.host import procfs
from bench.host.sanitize import one_line
from bench.worker.frames import ProtocolError, array

Name: TypeAlias = Annotated[str, "a name"]
"""A text of at most 80 characters, a line of a terminal."""
Core: TypeAlias = Annotated[int, "a core"]
"""The number of a core of this machine."""
Pool: TypeAlias = dict[str, Any]
"""The `library` of a thread pool, and its number of `threads`; None where the library does not say."""
KernelResult: TypeAlias = list[np.ndarray] | str
"""The parts of the result, in the operation's order; or what is wrong with the form of what the kernel returned."""

_LONGEST_NAME = 80
_LONGEST_LIST = 2**13
"""The most cores that Linux can be built for; no list is longer."""
_MOST = 2**48
"""256 TiB, or nine million years of seconds. The sum over all launches that a run can have fits 63 bits."""


def _finite(value: Any) -> float:
    # a comparison, because math.isfinite raises OverflowError for an int over the largest float
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return value
    raise ProtocolError("no number")


def _amount(value: Any) -> float:
    """Seconds, bytes and counts: from 0 on."""
    if 0 <= (number := _finite(value)) <= _MOST:
        return number
    raise ProtocolError(f"{number:g}, which is not from 0 to 2^48,")


def _whole(value: Any) -> int:
    if isinstance(number := _amount(value), int):
        return number
    raise ProtocolError(f"{number:g}, which is no whole number,")


def _core(value: Any) -> int:
    if (core := _whole(value)) < procfs.core_numbers():
        return core
    raise ProtocolError(f"{core}, which is no core of this machine,")


def _instance(kind: type, name: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        raise ProtocolError(f"no {name}")

    return read


_boolean, _text, _object = _instance(bool, "boolean"), _instance(str, "text"), _instance(dict, "object")


def _line(value: Any) -> str:
    return one_line(_text(value))


def _name(value: Any) -> str:
    line = _line(value)
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _list(read: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def read_list(value: Any) -> list[Any]:
        if len(values := _instance(list, "list")(value)) <= _LONGEST_LIST:
            return [read(part) for part in values]
        raise ProtocolError(f"a list of {len(values)}")

    return read_list


def _pool(value: Any) -> Pool:
    pool = _object(value)
    return {"library": _name(pool.get("library")), "threads": _optional(_whole)(pool.get("threads"))}


_arrays = _list(array)
READERS: dict[Any, Callable[[Any], Any]] = {
    float: lambda value: float(_amount(value)),
    float | None: _optional(lambda value: float(_amount(value))),
    int | float | None: _optional(_amount),
    int: _whole,
    int | None: _optional(_whole),
    bool: _boolean,
    bool | None: _optional(_boolean),
    str: _line,
    Name: _name,
    list[Core]: _list(_core),
    list[Pool]: _list(_pool),
    KernelResult: lambda value: _line(value) if isinstance(value, str) else _arrays(value),
}
"""How a field of each type is read. Texts are cut to one printable line."""


def finite_or_none(value: object) -> int | float | None:
    """A Python number, also for NumPy's; None for anything else: of a field that is only information."""
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) and isfinite(value) else None
