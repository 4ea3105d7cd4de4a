"""The two writers of a table: both show the same cells."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from bench.report.table import Column, Table, kernel_column, markdown_lines, number_columns, print_table

TABLE = Table(
    title="lecture",
    columns=(kernel_column(), *number_columns("time/call"), Column("summary", wrap=True)),
    rows=[("numpy", "20.0 µs", "[bold]two[/bold] passes"), ("a|b", "9.00 µs", "-")],
    notes=("interval wider than ±2%: numba-loops, numba",),
)


def printed(table: Table, width: int = 80) -> list[str]:
    console = Console(file=StringIO(), width=width, highlight=False)
    print_table(console, table)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


def test_the_terminal_shows_title_cells_and_notes_without_markup() -> None:
    title, heading, _rule, *rows, note = printed(TABLE)
    assert title == "lecture"
    assert heading == "kernel  time/call  summary"
    assert rows == ["numpy     20.0 µs  [bold]two[/bold] passes", "a|b       9.00 µs  -"]
    assert note == "  interval wider than ±2%: numba-loops, numba"


def test_markdown_shows_the_same_cells() -> None:
    assert markdown_lines(TABLE) == [
        "**lecture**",
        "",
        "| kernel | time/call | summary |",
        "|---|--:|---|",
        "| `numpy` | 20.0 µs | [bold]two[/bold] passes |",
        r"| `a\|b` | 9.00 µs | - |",
        "",
        "- interval wider than ±2%: numba-loops, numba",
    ]


def test_a_table_without_rows_is_its_title_and_notes() -> None:
    empty = Table("lecture", TABLE.columns, [], ("not timed",))
    assert printed(empty) == ["lecture", "  not timed"]
    assert markdown_lines(empty) == ["**lecture**", "", "- not timed"]


def test_columns_can_be_left_out() -> None:
    assert markdown_lines(TABLE.without("time/call"))[2:5] == [
        "| kernel | summary |",
        "|---|---|",
        "| `numpy` | [bold]two[/bold] passes |",
    ]


def test_the_gap_between_columns_narrows_before_a_cell_is_cut() -> None:
    numbers = Table("", number_columns("a", "b"), [("12345", "67890")])
    assert printed(numbers, width=12)[-1] == "12345  67890"
    assert printed(numbers, width=11)[-1] == "12345 67890"


def test_a_heading_goes_on_in_the_next_line_before_a_cell_is_cut() -> None:
    numbers = Table("", number_columns("one of two", "b"), [("12345", "67890")])
    assert printed(numbers, width=17)[0] == "one of two      b"
    assert [line.split() for line in printed(numbers, width=12)] == [
        ["one"], ["of"], ["two", "b"], ["─" * 12], ["12345", "67890"],
    ]  # fmt: skip


def test_a_row_begins_where_a_cell_that_goes_on_begins() -> None:
    table = Table("", (*number_columns("one of two"), Column("b", wrap=True)), [("1", "some words")])
    assert [line.split() for line in printed(table, width=11)] == [
        ["one"], ["of"], ["two", "b"], ["─" * 11], ["1", "some"], ["words"],
    ]  # fmt: skip


def test_a_number_stays_with_its_unit() -> None:
    assert printed(Table("", (), [], ("a rate of 12.3 GB/s",)), width=20) == ["  a rate of", "    12.3 GB/s"]


def test_a_long_title_goes_on_in_the_next_line() -> None:
    assert printed(Table("numba on a-b", (), []), width=10) == ["numba on", "  a-b"]


def test_a_note_breaks_between_words_and_its_second_line_is_indented() -> None:
    assert printed(Table("", (), [], TABLE.notes), width=36) == [
        "  interval wider than ±2%:",
        "    numba-loops, numba",
    ]
