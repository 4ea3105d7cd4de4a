"""What a run's own description of its operations says: the columns of a race's table, their meanings, and details.

A report needs no operation's code: results files keep these texts, so a file is read the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.report.formatting import format_significant
from bench.results.record import Record, Results

CEILING, RATE = "of ceiling", "GB/s"
"""Headings of the columns that only an operation with a ceiling has."""


def texts(results: Results, operation: str) -> Mapping[str, str]:
    """`bytes`, `ceiling`, `curve` and `against` in words, as far as the run has them."""
    said: Mapping[str, str] = _part(results, operation, "texts")
    return said


def figure_name(results: Results, operation: str) -> str:
    """The name of the operation's first figure, which is a column; empty if it has none."""
    return next(iter(_part(results, operation, "figures")), "")


def figure(results: Results, record: Record) -> float | None:
    """The record's value of that figure."""
    return record.error.figures.get(figure_name(results, record.operation)) if record.error else None


def right_up_to(results: Results, records: Iterable[Record]) -> dict[str, str]:
    """Kernel → up to which score it says that it is right, for those of these records that are not right for all."""
    limited = {record.kernel: record for record in records if record.largest_score is not None}
    return {
        kernel: f"* {kernel} {texts(results, record.operation).get('largest_score', 'is right up to')} "
        f"{record.largest_score:g} only"
        for kernel, record in limited.items()
    }


def has_ceiling(records: Iterable[Record]) -> bool:
    """Whether these records, of one operation, are of work that no kernel can avoid."""
    return any(record.work for record in records)


def meanings(results: Results, records: Sequence[Record]) -> dict[str, str]:
    """Heading → what the column means, for the columns of a race that depend on the operation.

    records: of that race
    """
    operation = records[0].operation
    said, name = texts(results, operation), figure_name(results, operation)
    columns = {CEILING: said.get("ceiling", ""), RATE: said.get("bytes", "")} if has_ceiling(records) else {}
    return columns | ({name: _part(results, operation, "figures")[name]} if name else {})


def details(results: Results, operation: str, race: Mapping[str, Any]) -> str:
    """`steps 100, learning_rate 0.312`: the numbers that the operation's options have in this race."""
    return numbers(_part(results, operation, "options"), race.get("details") or {})


def numbers(options: Iterable[str], details: Mapping[str, float]) -> str:
    """The same of these options. details: of a race"""
    names = set(options)
    chosen = (item for item in details.items() if item[0] in names)
    return ", ".join(f"{name} {_number(value)}" for name, value in chosen)


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e6 else format_significant(value)


def _part(results: Results, operation: str, part: str) -> Any:
    return results.operations.get(operation, {}).get(part) or {}
