"""The page of a comparison, from records made by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bench import record
from bench.__main__ import main
from bench.checkout import CHECKOUT
from bench.compare import compare
from bench.report import comparison, comparison_charts, comparison_page
from tests.runs import machine_of, run

TIMES = {"numpy": 2e-5, "numba": 5e-6, "jax": 1e-5, "<script>:f": 4e-5}
RUNS = [run("A", TIMES, limit=1e-6)] + [
    run(name, {**TIMES, "numba": 1e-5}, limit=5e-7, on=machine_of(f"CPU {name}")) for name in "BC"
]


class Read(HTMLParser):
    """What a browser makes of the page: its tags, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def test_the_page_has_all_that_the_terminal_has_and_loads_nothing() -> None:
    page = Read()
    page.feed(comparison_page.page(RUNS, *compare(RUNS)))
    assert page.tags.count("svg") == 3
    assert "script" not in page.tags
    assert not [link for link in page.links if not link.startswith("#")]
    for found in compare(RUNS)[1]:
        for row in comparison.time_rows(found.pairs[0]) + comparison.share_rows(found.pairs[0]):
            assert all(cell in page.text for cell in row)
    assert "<script>:f" in page.text


def drawn(chart: Any, key: str) -> list[dict[str, Any]]:
    """The values of a chart that have such a key, each once."""
    sets = json.loads(chart.to_json())["datasets"].values()
    return [value for values in sets for value in values if key in value]


def test_a_forest_has_each_interval_and_its_verdict() -> None:
    _, found = compare(RUNS)
    times = {
        f"{cell.kernel}, {letter}": cell.times
        for letter, one in zip("BC", found, strict=True)
        for _, cell in one.cells
    }
    values = drawn(comparison_charts.forest(RUNS, found), "row")
    assert {value["row"]: [value[key] for key in ("ratio", "low", "high", "verdict")] for value in values} == {
        row: [change.estimate, change.low, change.high, change.verdict] for row, change in times.items()
    }
    assert len(values) == len(times)
    assert {value["verdict"] for value in values} == {"slower", "no difference shown"}


def test_a_dumbbell_has_each_run_once() -> None:
    values = drawn(comparison_charts.dumbbells(RUNS, compare(RUNS)[1]), "microseconds")
    found = {(value["kernel"], value["run"]): value["microseconds"] for value in values}
    assert len(values) == len(found) == 3 * len(TIMES)
    assert found["numpy", "A"] == pytest.approx(20, rel=0.01)
    assert found["numba", "C"] == pytest.approx(10, rel=0.01)


def test_one_launch_has_no_forest() -> None:
    runs = [run(name, TIMES, wobble=[1.0]) for name in "AB"]
    assert comparison_charts.forest(runs, compare(runs)[1]) is None
    assert comparison_page.page(runs, *compare(runs)).count("<svg") == 1


def test_the_command_writes_it_and_says_where_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [
        str(record.write(tmp_path / f"{one.name}.json", {"logitbench": one.results.as_json()})) for one in RUNS[:2]
    ]
    assert main(["compare", *files, "--output", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert main(["compare", *files, "--output", str(tmp_path / "gone" / "page.html")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_altair_is_imported_only_for_a_page() -> None:
    code = (
        "import sys, bench.compare, bench.report.comparison, bench.report.machines, bench.shelf, bench.contribution\n"
        "assert not {'altair', 'vl_convert', 'numba', 'jax', 'sklearn'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True)
