"""A results file as CSV: one row for each record, figures as recorded, nested keys joined by a dot."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict
from io import StringIO
from typing import Any

from bench.results.record import Results

_PARTS = {
    "error": ("bound_fraction",),
    "cold": (
        "import_seconds", "placement_seconds", "build_seconds", "lower_seconds", "compile_seconds",
        "compile_cached_seconds", "first_call_seconds",
    ),
    "seconds": ("estimate", "low", "high"),
    "speedup": ("baseline", "estimate", "low", "high", "verdict", "launches", "launches_needed"),
    "over_numpy": ("estimate", "low", "high", "verdict"),
    "ceiling": ("name", "fraction", "low", "high"),
    "counters": ("peak_bytes", "placed_bytes", "call_bytes"),
}  # fmt: skip
"""Of these nested keys, the parts that are exported."""
_OMITTED = ("output_tail", "left_out", "break_even", "curves", "work")


def rows(results: Results) -> Iterator[dict[str, Any]]:
    """Each record as a flat row, after the machine and the time of its run; the same columns in every row."""
    figures = dict.fromkeys(name for record in results.records if record.error for name in record.error.figures)
    for record in results.records:
        row = {"machine": results.machine["id"], "began": results.run.get("began", "")}
        for key, value in asdict(record).items():
            if key in _PARTS:
                row |= {f"{key}.{part}": (value or {}).get(part) for part in _PARTS[key]}
            elif key not in _OMITTED:
                row[key] = value
            if key == "error":
                row |= {f"error.figures.{name}": (value or {"figures": {}})["figures"].get(name) for name in figures}
        yield row


def text(results: Results) -> str:
    """The CSV, headings first."""
    all_rows = list(rows(results))
    out = StringIO()
    writer = csv.DictWriter(out, list(all_rows[0]) if all_rows else ["machine"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _safe(value) for key, value in row.items()} for row in all_rows)
    return out.getvalue()


def _safe(value: Any) -> Any:
    """An apostrophe before text that a spreadsheet would run as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
