"""The memory of each kernel as a multiple of X: where it is shown, what is left out, and where nothing is known."""

from __future__ import annotations

import re
from csv import DictReader
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bench.report import csv_export, markdown
from bench.report.race_tables import MEMORY, MEMORY_MEANING
from bench.report.rows import SMALLEST_X, format_memory, memory_of_x
from bench.results.record import Error, Ratio, Record, Results, Seconds
from tests.support.records import MACHINE, OK, OPERATIONS
from tests.support.terminal import shown

X_BYTES = 10**6 * 32 * 8


def large(kernel: str = "numpy", placed: int | None = 0, call: int | None = 0, **fields: Any) -> Record:
    counters = {
        "cores_used": 1.0,
        "over_used": False,
        "placed_bytes": placed,
        "call_bytes": call,
        "peak_bytes": 10**9,
    }
    defaults: dict[str, Any] = {"workload": "large", "m": 10**6, "n": 32, "id": kernel, "counters": counters}
    return replace(OK, kernel=kernel, **(defaults | fields))


def run(*records: Record) -> Results:
    return Results({}, MACHINE, (), records, OPERATIONS)


@given(
    m=st.integers(1, 2**24), n=st.integers(1, 64), dtype=st.sampled_from(["float32", "float64"]),
    placed=st.integers(0, 2**40), call=st.integers(0, 2**40),
)  # fmt: skip
def test_it_is_that_of_the_data_and_of_a_call_over_that_of_x(
    m: int, n: int, dtype: str, placed: int, call: int
) -> None:
    x_bytes = m * n * {"float32": 4, "float64": 8}[dtype]
    multiple = memory_of_x(large(m=m, n=n, dtype=dtype, placed=placed, call=call))
    if x_bytes < SMALLEST_X:
        assert multiple is None
    else:
        assert multiple is not None
        assert multiple * x_bytes == pytest.approx(x_bytes + placed + call, rel=1e-12)


def test_it_is_not_known_for_a_gpu_and_in_files_that_do_not_tell_a_call_from_the_process() -> None:
    assert memory_of_x(large()) == 1
    assert memory_of_x(large(device="gpu")) is None
    assert memory_of_x(large(call=None)) is None
    assert memory_of_x(large(placed=None)) is None
    assert memory_of_x(large(counters={"peak_bytes": 10**9})) is None
    assert memory_of_x(large(counters=None)) is None


@pytest.mark.parametrize(
    ("multiple", "text"),
    [(None, "-"), (1.0, "1.0 X"), (1.187, "1.2 X"), (2.04, "2.0 X"), (12.4, "12 X"), (1234, "1234 X")],
)
def test_it_has_two_digits(multiple: float | None, text: str) -> None:
    assert format_memory(multiple) == text


def test_it_is_a_column_of_the_races_with_a_large_x_and_explained_once() -> None:
    half, small = large("numba", X_BYTES, X_BYTES // 2), large("jax", None, None)
    results = run(replace(OK, counters=half.counters), half, small, replace(half, workload="later", dtype="float32"))
    text = shown(results, width=120)
    headings = [re.split(" {2,}", line.strip()) for line in text.splitlines() if line.startswith("kernel  ")]
    assert [MEMORY in heading for heading in headings[:3]] == [False, True, True]
    assert headings[1][3:6] == ["spread", MEMORY, "of ceiling"]
    table = text.partition("cold start")[0]
    rows = {line.split()[0]: re.split(" {2,}", line.strip()) for line in table.splitlines() if "µs" in line}
    assert rows["jax"][headings[1].index(MEMORY)] == "-"
    assert [line for line in text.splitlines() if "2.5 X" in line]
    assert [line for line in text.splitlines() if "4.0 X" in line]  # of float32, X is half as large
    assert " ".join(text.split()).count(MEMORY_MEANING) == 1
    assert f"| × loops | spread | {MEMORY} | of ceiling |" in markdown.tables(results)
    assert MEMORY not in shown(run(OK, small), width=120) + markdown.tables(run(OK, small))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    ("kernel", "ratio", "fits_80"),
    [
        ("jax-autodiff-of-mine", Ratio(123_456.0, 120_000.0, 130_000.0, "loops-examples"), False),
        ("numba-loops", Ratio(4.181, 3.421, 5.123, "numpy"), True),
    ],
)
def test_where_the_terminal_is_too_narrow_it_is_a_line_below_and_nothing_is_cut(
    width: int, kernel: str, ratio: Ratio, fits_80: bool
) -> None:
    first = large(
        kernel, call=X_BYTES * 11, seconds=Seconds(1.234e-4, 1e-4, 2e-4), speedup=ratio, launch_spread=0.123,
        gigabytes_per_second=0.01234, error=Error(0.1, {"ulps": 12_345.0}),
    )  # fmt: skip
    lines = shown(run(first, large("numba", speedup=ratio)), width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    narrow = width == 80 and not fits_80
    assert (f"  memory: {kernel} 12 X, numba 1.0 X" in lines) is narrow
    assert any(line.startswith("kernel ") and MEMORY in line for line in lines) is not narrow
    assert sum(line.startswith(f"  {MEMORY}  ") for line in lines) == 1  # the legend


def test_csv_has_the_bytes_as_recorded() -> None:
    rows = list(DictReader(StringIO(csv_export.text(run(OK, large(placed=5, call=7))))))
    names = ("counters.peak_bytes", "counters.placed_bytes", "counters.call_bytes")
    assert [[row[name] for name in names] for row in rows] == [["", "", ""], ["1000000000", "5", "7"]]


def test_the_page_has_it_in_the_table_of_speedups() -> None:
    pytest.importorskip("altair")
    from bench.report.page.charts.speedup import speedup

    section = speedup(run(OK, large("numba", X_BYTES // 4, 0)))
    assert [column.format(row[MEMORY]) for row in section.rows if MEMORY in row for column in section.columns
            if column.field == MEMORY] == ["1.2 X"]  # fmt: skip
    assert any(MEMORY_MEANING in paragraph for paragraph in section.text)
    without = speedup(run(OK))
    assert MEMORY not in [column.field for column in without.columns]
    assert not any(MEMORY in paragraph for paragraph in without.text)
