"""A results file as CSV: a row a record, every figure as it was recorded, nested keys joined by a dot."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict
from io import StringIO
from typing import Any

from bench.results.record import Results

_PARTS = {
    "error": ("max_ulps", "bound_fraction"),
    "cold": (
        "import_seconds", "placement_seconds", "lower_seconds", "compile_seconds", "compile_cached_seconds",
        "first_call_seconds",
    ),
    "seconds": ("median", "low", "high"),
    "speedup": ("baseline", "estimate", "low", "high", "verdict", "launches", "launches_needed"),
    "over_numpy": ("estimate", "low", "high", "verdict"),
    "ceiling": ("name", "fraction", "low", "high"),
}  # fmt: skip
"""Of the nested keys, these."""
_LEFT_OUT = ("printed", "break_even", "seen")


def rows(results: Results) -> Iterator[dict[str, Any]]:
    """A record with the machine and the time of its run before it, flat."""
    for record in results.records:
        row = {"machine": results.machine["id"], "began": results.run.get("began", "")}
        for key, value in asdict(record).items():
            if key in _PARTS:
                row |= {f"{key}.{part}": (value or {}).get(part) for part in _PARTS[key]}
            elif key not in _LEFT_OUT:
                row[key] = value
        yield row


def text(results: Results) -> str:
    """With a line of headings. A text that a spreadsheet would take for a formula begins with an apostrophe."""
    found = list(rows(results))
    out = StringIO()
    writer = csv.DictWriter(out, list(found[0]) if found else ["machine"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _safe(value) for key, value in row.items()} for row in found)
    return out.getvalue()


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
