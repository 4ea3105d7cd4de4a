"""A table as a value, and its two writers: one for the terminal, one for Markdown. Both show the same cells."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from textwrap import fill

from rich import box
from rich.align import Align
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

_UNIT = re.compile(r"(?<=\d) (?=(?:[mµn]?s|GB/s)\b)")
"""The space between a number and its unit."""
NAME_WIDTH = 20
"""Columns of the terminal for a kernel's name. With it the widest table of a race fits 80 columns."""


@dataclass(frozen=True)
class Column:
    """A heading, and how the cells below it are set."""

    heading: str
    right: bool = False
    """Aligned to the right, as numbers are."""
    code: bool = False
    """In Markdown, between backticks."""
    wrap: bool = False
    """In the terminal, a long cell goes on in the next line. Otherwise it ends in an ellipsis."""
    max_width: int | None = None
    """In the terminal."""


@dataclass(frozen=True)
class Table:
    """What both writers need. A table without rows is its title and its notes."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    """Lines below the table."""
    emphasized: Collection[int] = ()
    """Indices of the rows that the terminal prints in bold."""

    def without(self, *headings: str) -> Table:
        """The same table without some of its columns."""
        kept = [index for index, column in enumerate(self.columns) if column.heading not in headings]
        rows = [[row[index] for index in kept] for row in self.rows]
        return Table(self.title, tuple(self.columns[i] for i in kept), rows, self.notes, self.emphasized)


def kernel_column(heading: str = "kernel") -> Column:
    """A column of kernel names."""
    return Column(heading, code=True, max_width=NAME_WIDTH)


def number_columns(*headings: str) -> tuple[Column, ...]:
    """Columns of numbers."""
    return tuple(Column(heading, right=True) for heading in headings)


def print_table(console: Console, table: Table) -> None:
    """Print the title, the table and its notes. Cells are text: markup in them has no effect."""
    if table.title:
        title = fill(table.title, console.width, subsequent_indent="  ", break_on_hyphens=False)
        console.print(Text(title, style="bold"))
    if table.rows:
        console.print(_rich_table(table, console.width))
    print_notes(console, table.notes)


def print_notes(console: Console, notes: Sequence[str]) -> None:
    """Print each note indented; where it continues in a second line, indented further."""
    for note in notes:
        whole = _UNIT.sub("\N{NO-BREAK SPACE}", note)
        wrapped = fill(
            whole, console.width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )  # a kernel's name stays whole, and a number with its unit
        console.print(Text(wrapped.replace("\N{NO-BREAK SPACE}", " ")))


def _rich_table(table: Table, width: int) -> RichTable:
    """With two spaces between columns, or one; where that is too wide, with a line for each word of a heading."""
    layouts = _layouts(table)
    headings, gap = next((layout for layout in layouts if _width(table, *layout) <= width), layouts[-1])
    printed = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, gap - 1, 0, 0))
    for column, heading in zip(table.columns, headings, strict=True):
        printed.add_column(
            Align(Text(heading), "right" if column.right else "left", vertical="bottom"),
            justify="right" if column.right else "left",
            no_wrap=not column.wrap,
            overflow="fold" if column.wrap else "ellipsis",
            max_width=column.max_width,
        )
    for index, row in enumerate(table.rows):
        printed.add_row(*map(Text, row), style="bold" if index in table.emphasized else "")
    return printed


def fits(table: Table, width: int) -> bool:
    """Whether the table has a layout in which no cell is cut."""
    return any(_width(table, *layout) <= width for layout in _layouts(table))


def _layouts(table: Table) -> list[tuple[list[str], int]]:
    """Headings and the gap between columns, the most readable first."""
    whole = [column.heading for column in table.columns]
    broken = [heading.replace(" ", "\n") for heading in whole]
    return [(headings, gap) for headings in (whole, broken) for gap in (2, 1)]


def _width(table: Table, headings: Sequence[str], gap: int) -> int:
    """Terminal columns that the table needs. A column that wraps needs no more than its heading."""
    widths = []
    for index, column in enumerate(table.columns):
        cells = [] if column.wrap else [cell_len(row[index]) for row in table.rows]
        longest = max([*map(cell_len, headings[index].split("\n")), *cells])
        widths.append(longest if column.max_width is None else min(longest, column.max_width))
    return sum(widths) + gap * (len(widths) - 1)


def markdown_lines(table: Table) -> list[str]:
    """The title in bold, the table, and its notes as a list, with empty lines between them."""
    blocks = []
    if table.title:
        blocks.append([f"**{table.title}**"])
    if table.rows:
        headings = " | ".join(column.heading.replace("|", r"\|") for column in table.columns)
        rules = "|".join("--:" if column.right else "---" for column in table.columns)
        blocks.append([f"| {headings} |", f"|{rules}|", *(_markdown_row(table.columns, row) for row in table.rows)])
    if table.notes:
        blocks.append([f"- {note}" for note in table.notes])
    return [line for block in blocks for line in ("", *block)][1:]


def _markdown_row(columns: Sequence[Column], row: Sequence[str]) -> str:
    cells = (cell.strip().replace("|", r"\|") for cell in row)
    texts = (
        f"`{cell}`" if column.code and cell not in ("", "-") else cell
        for column, cell in zip(columns, cells, strict=True)
    )
    return f"| {' | '.join(texts)} |"
