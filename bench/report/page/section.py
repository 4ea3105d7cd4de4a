"""The parts of a page as data: sections, their tables and charts, and what the reader can choose.

Nothing here knows kernels or HTML, so any command that has sections can make a page of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A field of the rows as the table shows it; the CSV has the raw value."""

    field: str
    heading: str
    format: Callable[[Any], str] = str
    number: bool = False


@dataclass(frozen=True)
class Selector:
    """A field of the rows, of which the page shows one value at a time.

    first: the value shown before the reader chooses
    shared: the bar at the top of the page has this selector, for every section that names it
    """

    field: str
    label: str
    first: str
    shared: bool = False


@dataclass(frozen=True)
class Series:
    """A kernel that the reader can hide, with its colour (a CSS variable) and the shape of its points."""

    name: str
    colour: str
    shape: str


@dataclass(frozen=True)
class Section:
    """A heading, text, a chart and the table of the same numbers.

    chart: Vega-Lite without its dataset `rows`, which is filled from `rows`
    chart_by: a selector's field; then `chart` has a chart for each of its values
    alt: a description of the chart for a screen reader
    selectors: a row is shown if its field has the chosen value, or is a list with it; rows without the field always
    remarks: rows with a `text`, shown by the same rule
    hide: rows with the name of a hidden kernel in one of these fields are left out
    scale: the channel, x or y, whose logarithmic scale can be made linear
    list_fields: fields whose values are lists, in one row of one length; the CSV has a line for each of their items
    level: of the heading, 2 or 3;  fold: behind `More`
    """

    name: str
    heading: str
    text: tuple[str, ...] = ()
    chart: Mapping[str, Any] | None = None
    chart_by: str = ""
    alt: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    selectors: tuple[Selector, ...] = ()
    remarks: tuple[Row, ...] = ()
    hide: tuple[str, ...] = ("kernel",)
    scale: str = ""
    list_fields: tuple[str, ...] = ()
    level: int = 2
    fold: bool = False

    def first_value(self, selector: Selector) -> str:
        """As the function of that name, for this section alone."""
        return first_value(selector, [self])


@dataclass(frozen=True)
class PageHeader:
    """The top of the page: figures with their labels, sentences, how far to trust them, and warnings."""

    subtitle: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    sentences: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def shared_selectors(sections: Iterable[Section]) -> list[Selector]:
    """The selectors of the bar at the top, one for each field."""
    shared = (selector for section in sections for selector in section.selectors if selector.shared)
    return list({selector.field: selector for selector in shared}.values())


def values_of(selector: Selector, sections: Iterable[Section]) -> list[str]:
    """The values that the reader can choose: those in the rows of the sections that have the selector."""
    having = (section for section in sections if selector.field in [one.field for one in section.selectors])
    values = (row[selector.field] for section in having for row in section.rows)
    return list(dict.fromkeys(item for value in values for item in (value if isinstance(value, list) else [value])))


def first_value(selector: Selector, sections: Iterable[Section]) -> str:
    """The selector's first value, or, where no row has it, the first value that a row has."""
    values = values_of(selector, sections)
    return selector.first if selector.first in values or not values else values[0]


def matches(row: Row, field: str, value: str) -> bool:
    """Whether the row is shown while this value is chosen; page.js has the same rule."""
    cell = row.get(field, value)
    return value in cell if isinstance(cell, list) else bool(cell == value)
