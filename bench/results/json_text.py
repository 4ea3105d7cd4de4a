"""JSON that is short, and whose lines differ only where results do: a row of a table is one line.

Separate because it knows no field but the names of such lists, and of the numbers that must stay exact.
"""

from __future__ import annotations

import json
from typing import Any

DIGITS = 7
"""Significant digits of a float. A round lasts 5 ms or more and the clock ticks in nanoseconds, so the eighth digit
is below its resolution; what is computed from rounds is no more precise."""
_ONE_LINE_EACH = ("rows", "benchmarks")
_WIDTH = 118
_EXACT = ("machine", "data", "details")
"""Not rounded: the machine's id is a digest of its hardware, and runs are compared by the digests of their data and
the details of their workloads to nine digits."""


def text(document: dict[str, Any]) -> str:
    """The document as JSON, with its floats rounded. Raises ValueError for a number that is not finite."""
    return _lines(rounded(document), "", "") + "\n"


def rounded(value: Any) -> Any:
    """The value with its floats rounded to DIGITS, and tuples as lists."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: part if key in _EXACT else rounded(part) for key, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, (list, tuple)) else value


def _lines(value: Any, name: str, margin: str) -> str:
    """A container takes several lines if it is long and contains others. name: its key"""
    line = json.dumps(value, separators=(",", ":"), allow_nan=False)
    parts: list[Any] = [*(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())]
    if len(line) <= _WIDTH or not any(isinstance(part, (dict, list)) for part in parts):
        return line
    inner = margin + " "
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {_lines(part, key, inner)}" for key, part in value.items()]
    elif name in _ONE_LINE_EACH:
        items = [json.dumps(part, separators=(",", ":")) for part in value]
    else:
        items = [_lines(part, name, inner) for part in value]
    separator, (start, end) = f",\n{inner}", "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n{inner}{separator.join(items)}\n{margin}{end}"
