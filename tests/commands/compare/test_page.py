"""The HTML page of a comparison, from records made by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import vl_convert

from bench.__main__ import main
from bench.commands.compare import page as compare_page, sentences as said
from bench.commands.compare.compare import compare
from bench.host.checkout import CHECKOUT
from bench.report.page.run_page import filled
from bench.results import run_file
from bench.results.store import Run
from tests.support.runs import machine_of, run

TIMES = {"numpy": 2e-5, "numba": 5e-6, "jax": 1e-5, "<script>:f": 4e-5}
RUNS = [run("A", TIMES, ceiling=1e-6)] + [
    run(name, {**TIMES, "numba": 1e-5}, ceiling=5e-7, on=machine_of(f"CPU {name}")) for name in "BC"
]


def test_the_page_has_everything_that_the_terminal_has() -> None:
    differences, comparisons = compare(RUNS)
    page = compare_page.page(RUNS, differences, comparisons)
    sections = {section.name: section for section in compare_page.sections(RUNS, differences, comparisons)}
    assert list(sections) == ["ceilings", "times", "ratios", "shares", "differences"]
    assert "<script>:f" not in page
    assert "&lt;script&gt;:f" in page
    for label, comparison in zip("BC", comparisons, strict=True):
        verdicts = {(cell.kernel, cell.times.verdict) for _, cell in comparison.cells}
        assert verdicts <= {(row["kernel"], row["verdict"]) for row in sections["ratios"].rows}
        assert all(line in unescape(page) for line in said.closing_lines(comparison, label))
    assert [row["B"] for row in sections["differences"].rows if row["name"] == "CPU"] == ["CPU B"]


@pytest.mark.parametrize("normalised", [False, True])
def test_a_forest_has_each_interval_and_its_verdict(normalised: bool) -> None:
    _, comparisons = compare(RUNS)
    changes = {
        (cell.kernel, label): cell.normalised if normalised else cell.times
        for label, comparison in zip("BC", comparisons, strict=True)
        for _, cell in comparison.cells
    }
    rows = compare_page.forest(RUNS, comparisons, normalised).rows
    assert len(rows) == len(changes) == 2 * len(TIMES)
    for row in rows:
        change = changes[row["kernel"], row["run"]]
        assert change is not None
        assert [row[key] for key in ("ratio", "low", "high", "verdict")] == [
            change.estimate,
            change.low,
            change.high,
            change.verdict,
        ]
    # the ceiling is twice as fast, so all shares are half; only one kernel takes longer
    assert {row["verdict"] for row in rows} == ({"slower"} if normalised else {"slower", "no difference shown"})


def test_a_dumbbell_has_each_run_once() -> None:
    rows = compare_page.dumbbells(RUNS, compare(RUNS)[1]).rows
    seconds = {(row["kernel"], row["run"]): row["seconds"] for row in rows}
    assert len(rows) == len(seconds) == 3 * len(TIMES)
    assert seconds["numpy", "A"] == pytest.approx(2e-5, rel=0.01)
    assert seconds["numba", "C"] == pytest.approx(1e-5, rel=0.01)


def test_races_with_different_threads_are_separate() -> None:
    def both(name: str, slower: float = 1.0) -> Run:
        one, two = (
            run(name, {kernel: seconds * slower for kernel, seconds in TIMES.items()}, threads=threads)
            for threads in (1, 2)
        )
        races, records = ((*getattr(one.results, key), *getattr(two.results, key)) for key in ("races", "records"))
        return Run(name, replace(one.results, races=races, records=records))

    runs = [both("A"), both("B", 1.5), run("C", TIMES, threads=2)]
    times = compare_page.dumbbells(runs, compare(runs)[1])
    assert len(times.rows) == (2 + 2 + 1) * len(TIMES)
    assert {row["race"] for row in times.rows} == {"lecture, threads: 1", "lecture, threads: 2"}
    assert [times.first_value(selector) for selector in times.selectors] == ["lecture, threads: 1"]


def test_a_workload_without_rows_is_not_the_first_shown() -> None:
    pairs = [run(name, TIMES, wobble=[1.0]) for name in "AB"], [run(name, TIMES, workload="other") for name in "AB"]
    joined = [
        Run(
            one.name,
            replace(
                one.results,
                races=(*one.results.races, *other.results.races),
                records=(*one.results.records, *other.results.records),
            ),
        )
        for one, other in zip(*pairs, strict=True)
    ]
    forest = compare_page.forest(joined, compare(joined)[1])
    (selector,) = forest.selectors
    assert (selector.first, forest.first_value(selector)) == ("lecture", "other")
    assert len(filled(forest)["datasets"]["rows"]) == len(TIMES)


def test_the_charts_can_be_drawn() -> None:
    for section in compare_page.sections(RUNS, *compare(RUNS)):
        if section.chart is not None:
            spec = json.dumps(filled(section)).replace('"width": "container"', '"width": 500')
            assert ("reading" if section.name == "ceilings" else "numba") in vl_convert.vegalite_to_svg(spec)


def test_one_launch_has_no_forest() -> None:
    runs = [run(name, TIMES, wobble=[1.0]) for name in "AB"]
    names = [section.name for section in compare_page.sections(runs, *compare(runs))]
    assert names == ["times"]


def test_the_command_writes_the_page_and_never_over_a_results_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [
        str(run_file.write(tmp_path / f"{one.name}.json", {"logitbench": one.results.as_json()})) for one in RUNS[:2]
    ]
    assert main(["compare", *files, "--output", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    before = Path(files[0]).read_text()
    for name, message in (("page.html/a.html", "cannot be written"), (Path(files[0]).name, "a page is HTML")):
        assert main(["compare", *files, "--output", str(tmp_path / name)]) == 2
        assert message in capsys.readouterr().err
    assert Path(files[0]).read_text() == before


def test_altair_is_imported_only_for_a_page() -> None:
    code = (
        "import sys, bench.commands.compare.compare, bench.commands.compare.text, bench.commands.machines\n"
        "import bench.results.store, bench.commands.check.results_file\n"
        "assert not {'altair', 'vl_convert', 'numba', 'jax', 'sklearn'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True)
