"""A run of two operations that the project does not have: its tables, sentences and page need none of their code."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis.scaling import computed
from bench.report import headline, markdown, operations
from bench.report.notes import NOT_REACHED
from bench.report.page.run_page import sections
from bench.report.race_tables import cold_start_table
from bench.report.rows import race_of
from bench.results import run_file
from bench.results.record import Record, Results
from tests.support.operations import COSTS, DESCEND, RUN, SECONDS, SORT_ONLY, STEPS, descended
from tests.support.terminal import shown

GENERIC = ["kernel", "time/call", "× loops", "spread"]


def table_of(text: str, workload: str) -> list[list[str]]:
    """The cells of the race's table, headings first."""
    lines = iter(text[text.index(f"\n{workload}:") :].splitlines())
    for line in lines:
        if line.startswith("kernel"):
            break
    rows = [line]
    next(lines)
    for row in lines:
        if row.startswith("  ") or not row:
            break
        rows.append(row)
    return [re.split(" {2,}", row.strip()) for row in rows]


def test_a_race_has_the_columns_of_its_operation() -> None:
    text = shown(RUN)
    assert table_of(text, "sort:1000x2-f64")[0] == ["kernel", "time/call", "× numpy", "spread"]
    heading, *rows = table_of(text, "descend:1000x2-f64")
    assert heading == [*GENERIC, "of ceiling", "GB/s", "slips"]
    assert rows[0] == ["loops", "2.00 ms", "1", "±1.0%", "0.25%", "0.096", "4.50"]
    assert rows[3] == ["numba-compiled", "20.0 µs", "100 [99.0, 101]", "±1.0%", "25%", "9.6", "4.50"]
    markdown_text = markdown.tables(RUN)
    assert "| kernel | time/call | × numpy | spread |\n" in markdown_text
    assert "| kernel | time/call | × loops | spread | of ceiling | GB/s | slips |\n" in markdown_text


def test_the_columns_are_explained_once_for_each_operation_with_the_files_own_texts() -> None:
    lines = shown(RUN).splitlines()
    second = lines.index("descend:1000x2-f64: 1,000 × 2 float64 C, 2 threads, X in L1, steps 8,")
    third = lines.index("descend:10000x2-f64: 10,000 × 2 float64 C, 2 threads, X in L1, steps 8,")
    expected = [
        "  of ceiling  100% is the longest of three",
        "  GB/s        bytes of the data once a step, divided by the time",
        "  slips       largest error of a single step",
    ]
    start = lines.index(expected[0])
    assert lines[start : start + 3] == expected
    assert second < start < third
    for text in ("slowest first", "times as fast as numpy [95%", *DESCEND["texts"].values(), "a single step"):
        assert len([line for line in lines if text in line]) == (text not in ("cost",)), text


def test_without_a_ceiling_no_line_and_no_sentence_is_about_one() -> None:
    failed = {"name": "sigmoid", "measures": "sigmoid", "outcome": "crashed", "reason": "?"}
    races = tuple(race | {"ceilings_failed": [failed]} for race in SORT_ONLY.races)
    results = replace(SORT_ONLY, races=races)
    text = shown(results) + markdown.tables(results) + " ".join(headline.sentences(results))
    assert "ceiling" not in text
    unmeasured = tuple(replace(record, ceiling=None) for record in RUN.records)
    assert "This machine's ceiling was not measured." in headline.sentences(replace(RUN, records=unmeasured))


def test_without_a_description_there_are_no_columns_of_it() -> None:
    results = replace(RUN, operations={})
    assert table_of(shown(results), "descend:1000x2-f64")[0] == [*GENERIC, "of ceiling", "GB/s"]
    assert "steps 8" not in shown(results)


def test_the_title_has_the_options_but_no_other_details() -> None:
    first, second, *_ = shown(RUN).partition("\ndescend:1000x2-f64:")[2].splitlines()
    assert (first.split(", ")[-1], second) == ("steps 8,", "  learning_rate 0.312")
    race = {"details": {"steps": 12_345, "learning_rate": 3.0e-7, "L": 7.0}}
    assert operations.details(RUN, "descend", race) == "steps 12,345, learning_rate 3.0e-07"
    assert operations.details(RUN, "sort", race) == operations.details(RUN, "descend", {}) == ""
    assert race_of(RUN, descended("numpy"))["details"]["L"] == 3.2


def test_a_kernel_that_did_not_get_there_has_a_time_and_no_ratio() -> None:
    ratios = replace(descended("numba"), speedup=descended("jax").speedup, ceiling=descended("jax").ceiling)
    records = tuple(ratios if one.id == ratios.id else one for one in RUN.records)
    for results in (RUN, replace(RUN, records=records)):
        rows = {row[0]: row for row in table_of(shown(results), "descend:1000x2-f64")}
        assert rows["numba"] == ["numba", "10.0 µs", "-", "±1.0%", "-", "-", "4.50"]
        assert f"numba {NOT_REACHED}" in " ".join(shown(results).split())
        assert f"- numba {NOT_REACHED}" in markdown.tables(results)
    cold = shown(RUN).partition("cold start")[2]
    assert [re.split(" {2,}", line)[-1] for line in cold.splitlines() if line.startswith(("jax", "numba "))] == [
        "1,234", "-",
    ]  # fmt: skip
    assert "numba`" not in markdown.ladder(RUN, "descend:1000x2-f64")


def test_the_fastest_is_the_fastest_of_those_that_got_there() -> None:
    first, gain, _ = headline.sentences(RUN)
    assert first == "On descend:10000x2-f64 (10,000 × 2) the fastest is numba-compiled: 200 µs a call."
    assert gain == "It is 100 times as fast as loops (95% interval 99.0 to 101)."
    assert headline.figures(RUN)[0] == ("200 µs", "a call of numba-compiled, the fastest on descend:10000x2-f64")
    assert f"On descend:1000x2-f64: numba {NOT_REACHED}." in headline.warnings(RUN)
    nobody = replace(RUN, records=tuple(replace(record, reached=False) for record in RUN.records))
    assert headline.sentences(nobody) == ("On descend:10000x2-f64 no kernel got to where the operation asks it to.",)
    assert headline.figures(nobody) == ()


def test_the_main_race_has_the_largest_x_of_all_operations_and_is_the_first_of_equals() -> None:
    def main(results: Results) -> str:
        return headline.main_race(results)[0][0].workload

    assert main(RUN) == "descend:10000x2-f64"
    equals = replace(RUN, records=RUN.records[:7])
    assert main(equals) == "sort:1000x2-f64"
    assert "cold start, on sort:1000x2-f64" in shown(equals)
    more_threads = tuple(replace(one, threads=4) for one in RUN.records[2:7])
    assert main(replace(RUN, records=RUN.records[:2] + more_threads)) == "descend:1000x2-f64"


def test_the_gain_over_the_loops_is_of_the_same_operation() -> None:
    speedup = descended("numba-compiled").speedup
    assert speedup
    fast = replace(RUN.records[0], kernel="numba-compiled", m=5000, speedup=speedup, workload="sort:5000x2-f64")
    best = replace(descended("numba-compiled", 10_000), speedup=replace(speedup, baseline="numpy"))
    said = " ".join(headline.sentences(replace(RUN, records=(fast, best))))
    assert "times as fast as numpy" in said
    assert "as fast as loops" not in said


def test_the_ladder_is_that_of_the_operation() -> None:
    rows = re.findall(r"\| `([\w-]+)` \|", markdown.ladder(RUN, "descend:10000x2-f64"))
    assert rows == ["loops", "numpy", "jax", "numba-compiled"]
    peers = replace(RUN, records=(*RUN.records, replace(descended("numpy"), kernel="sklearn")))
    assert "sklearn" not in markdown.ladder(peers, "descend:1000x2-f64")
    assert "of ceiling" in markdown.ladder(RUN, "descend:1000x2-f64")
    without = replace(RUN, records=tuple(replace(record, work=None) for record in RUN.records))
    assert "of ceiling" not in markdown.ladder(without, "descend:1000x2-f64")


def test_what_is_computed_is_the_operation_with_its_options() -> None:
    record = descended("numpy")
    assert computed(record) == "descend"
    assert computed(replace(record, workload="descend:lecture@steps=10@learning_rate=2")) == (
        "descend@steps=10@learning_rate=2"
    )
    network = replace(record, operation="network", workload="network:50000x32-f32-2x64-relu")
    assert computed(network) == "network-2x64-relu"
    assert computed(replace(network, workload="network:flights-2x64-relu@width=8")) == "network-2x64-relu@width=8"
    assert computed(replace(network, operation="no-longer-known")) == "no-longer-known"


@pytest.mark.parametrize("width", [80, 120])
def test_everything_fits_and_nothing_is_cut(width: int) -> None:
    lines = shown(RUN, width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)


def test_a_file_of_the_run_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    run_file.write(file, {"logitbench": RUN.as_json()})
    read = run_file.read(file)
    assert shown(read) == shown(RUN)
    assert read.records[-1].curves["cost"] == pytest.approx(RUN.records[-1].curves["cost"], rel=1e-6)


# the page


@pytest.fixture
def page_extra() -> None:
    pytest.importorskip("altair", reason="Altair is not installed: pip install '.[report]'")
    pytest.importorskip("vl_convert", reason="vl-convert is not installed: pip install '.[report]'")


@pytest.mark.usefixtures("page_extra")
def test_an_operation_without_curves_ceiling_and_figures_has_no_section_of_them() -> None:
    from bench.report.page.run_page import run_page, sections

    names = [section.name for section in sections(SORT_ONLY)]
    assert names == ["speedup", "sizes", "calls", "fingerprint", "heatmap", "cold"]
    assert " ".join(section.name for section in sections(RUN)) == (
        "speedup fastest-descend sizes calls curves steps ceiling roofline outcomes fingerprint heatmap cold accuracy"
    )
    assert "numba-compiled" in run_page(RUN)
    assert "of ceiling" not in run_page(SORT_ONLY).partition('<script type="application/json"')[0]


@pytest.mark.usefixtures("page_extra")
def test_a_curve_has_every_number_against_the_step_and_against_seconds() -> None:
    from bench.report.page.charts.curves import curves

    section, times = curves(RUN)
    assert (section.heading, section.scale) == ("Cost by step", "y")
    (row,) = (row for row in section.rows if (row["race"], row["kernel"]) == ("descend:1000x2-f64", "jax"))
    assert row["step"] == list(range(STEPS + 1))
    assert row["value"] == pytest.approx(COSTS, rel=1e-8)
    assert row["seconds"] == pytest.approx([step / STEPS * SECONDS["jax"] for step in range(STEPS + 1)], rel=1e-5)
    assert {row["kernel"] for row in section.rows} == set(SECONDS)
    one = next(row for row in times.rows if (row["race"], row["kernel"]) == ("descend:1000x2-f64", "loops"))
    assert one == {
        "race": "descend:1000x2-f64", "kernel": "loops", "steps": 8, "all_seconds": 2e-3, "step_seconds": 2.5e-4,
    }  # fmt: skip


@pytest.mark.usefixtures("page_extra")
def test_the_workload_of_curves_is_the_pages_only_if_every_race_has_some() -> None:
    from bench.report.page.charts.curves import curves

    def workload(results: Results) -> tuple[str, bool]:
        selector = next(iter(curves(results))).selectors[0]
        return selector.first, selector.shared

    descents = replace(RUN, races=RUN.races[1:], records=RUN.records[2:])
    assert workload(descents) == ("descend:10000x2-f64", True)
    assert workload(RUN) == ("descend:10000x2-f64", False)
    large = tuple(replace(record, m=10**6) for record in RUN.records[:2])
    assert workload(replace(RUN, records=large + RUN.records[2:])) == ("descend:1000x2-f64", False)
    assert len(list(curves(SORT_ONLY))) == 0


@pytest.mark.usefixtures("page_extra")
def test_each_operation_has_its_own_curves_and_a_linear_axis_where_a_number_is_not_positive() -> None:
    from bench.report.page.charts.curves import curves
    from bench.report.page.run_page import filled, pictures

    sorting = tuple(replace(one, curves={"swaps": [3.0, 1.0, 0.0], "rest": [1.0, 1.0]}) for one in RUN.records[:2])
    results = replace(RUN, records=sorting + RUN.records[2:])
    swaps, _, costs, _ = curves(results)
    assert [section.name for section in curves(results)] == ["curves", "steps", "curves-2", "steps-2"]
    assert (swaps.heading, costs.heading) == ("Swaps by step", "Cost by step")
    assert (swaps.scale, costs.scale) == ("", "y")
    assert [selector.field for selector in swaps.selectors] == ["race", "curve", "against"]
    assert {row["curve"] for row in filled(swaps)["datasets"]["rows"]} == {"swaps"}
    assert [json.dumps(filled(section)).count('"type": "log"') > 0 for section in (swaps, costs)] == [False, True]
    assert {"curves", "curves-2"} <= {name for name, svg in pictures(results) if svg.startswith("<svg")}


@pytest.mark.usefixtures("page_extra")
def test_of_long_curves_the_page_has_one_number_in_several_and_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.report.page.charts import curves

    monkeypatch.setattr(curves, "_MOST_NUMBERS", 40)
    section, times = curves.curves(replace(RUN, records=RUN.records[2:]))
    # ten curves of nine numbers
    assert {tuple(row["step"]) for row in section.rows} == {(0, 3, 6, 8)}
    assert section.text[-1] == "The chart and the CSV have one step in 3. The results file has all."
    assert {row["steps"] for row in times.rows} == {8}


@pytest.mark.usefixtures("page_extra")
@pytest.mark.parametrize(("last", "rivals"), [(100, 6), (8, 5), (5, 5), (3, 5), (1, 1), (1, 3)])
def test_symbols_of_kernels_on_one_line_are_at_different_steps(last: int, rivals: int) -> None:
    from bench.report.page.charts.curves import _growing, _taking_turns

    places = [_taking_turns(last, position, rivals) for position in range(rivals)]
    assert all(places)
    taken = [step for steps in places for step in steps]
    assert set(taken) <= set(range(1, last + 1))
    assert last < rivals or len(set(taken)) == len(taken)
    assert {1, last} <= set(_growing(last)) <= set(range(1, last + 1))


@pytest.mark.usefixtures("page_extra")
def test_no_line_joins_two_operations() -> None:
    from bench.report.page.charts.sizes import sizes

    def kinds(records: tuple[Record, ...]) -> set[tuple[str, str]]:
        return {(row["workload"], row["kind"]) for row in sizes(replace(RUN, records=records)).rows}

    assert kinds(RUN.records) == {
        ("sort:1000x2-f64", "sort, float64, C order, 2 threads"),
        ("descend:1000x2-f64", "descend, float64, C order, 2 threads"),
        ("descend:10000x2-f64", "descend, float64, C order, 2 threads"),
    }
    assert kinds(RUN.records[:2]) == {("sort:1000x2-f64", "float64, C order, 2 threads")}
    fewer = replace(descended("numpy"), workload="descend:1000x2-f64@steps=2")
    assert len({kind for _, kind in kinds((*RUN.records[2:], fewer))}) == 2


@pytest.mark.usefixtures("page_extra")
def test_no_chart_compares_a_kernel_that_did_not_get_there() -> None:
    from bench.report.page.charts.provenance import outcomes
    from bench.report.page.run_page import sections

    shown_in = {section.name: {row.get("kernel") for row in section.rows} for section in sections(RUN)}
    compared = ("speedup", "sizes", "calls", "ceiling", "roofline", "heatmap", "accuracy")
    assert all("numba" not in shown_in[name] for name in compared)
    assert all("numba" in shown_in[name] for name in ("curves", "steps", "cold"))
    (row,) = outcomes(RUN).rows
    assert row == {
        "kernel": "numba", "outcome": "not reached", "reason": f"It {NOT_REACHED}.",
        "races": "descend:1000x2-f64, descend:10000x2-f64",
    }  # fmt: skip


@pytest.mark.usefixtures("page_extra")
def test_accuracy_is_the_first_figure_of_the_operation() -> None:
    from bench.report.page.charts.accuracy import accuracy

    section = accuracy(RUN)
    assert {(row["name"], row["figure"]) for row in section.rows} == {("slips", 4.5)}
    assert {row["race"]: row["text"] for row in section.remarks} == {
        f"descend:{m}x2-f64": "slips: largest error of a single step." for m in (1000, 10_000)
    }


@pytest.mark.usefixtures("page_extra")
def test_the_roofline_is_of_the_operations_own_work() -> None:
    from bench.report.page.charts.roofline import ceiling_share, roofline

    rows = {row["kernel"]: row for row in roofline(RUN).rows if row["race"] == "descend:1000x2-f64"}
    # 8 steps of 8000 operations, and of 24 000 bytes
    assert rows["jax"]["intensity"] == pytest.approx(1 / 3)
    assert rows["jax"]["rate"] == pytest.approx(64_000 / SECONDS["jax"])
    assert [row["text"] for row in ceiling_share(RUN).remarks] == ["100% is the longest of three."] * 2


@pytest.mark.usefixtures("page_extra")
def test_building_is_a_step_of_the_cold_start_where_a_kernel_builds() -> None:
    from bench.report.page.charts.cold_start import cold_start

    assert {row["step"] for row in cold_start(RUN).rows} == {"import", "place", "build", "compile", "first call"}
    assert "build" in json.dumps(cold_start(RUN).chart)
    assert "build" not in json.dumps(cold_start(SORT_ONLY).chart)


def test_the_page_says_who_is_first_on_each_workload() -> None:
    (section,) = (section for section in sections(RUN) if section.name == "fastest-descend")
    assert section.heading == "The fastest on each workload: descend"
    assert [row["race"] for row in section.rows] == ["descend:1000x2-f64", "descend:10000x2-f64"]
    assert {row["kernel"] for row in section.rows} == {"numba-compiled"}
    assert section.rows[0]["ratio"] == "100 [99.0, 101]"
    assert "fastest-sort" not in {section.name for section in sections(RUN)}  # one workload


@pytest.mark.parametrize(("calls", "said"), [(None, "never"), (1, "1 call"), (2350, "2,350 calls")])
def test_it_says_after_how_many_calls_compiling_has_paid(calls: int | None, said: str) -> None:
    records = [
        replace(record, break_even={"loops": calls}) if record.kernel == "numba-compiled" else record
        for record in RUN.records
    ]
    (section,) = (one for one in sections(replace(RUN, records=tuple(records))) if one.name == "fastest-descend")
    assert {row["pays"] for row in section.rows} == {said}


def test_the_cold_start_is_compared_with_the_baseline_where_there_is_no_numpy() -> None:
    records = [
        replace(record, break_even={"loops": 7})
        for record in RUN.records
        if record.workload == "descend:10000x2-f64" and record.kernel == "numba-compiled"
    ]
    table = cold_start_table(records)
    assert table.columns[-1].heading == "overtakes loops"
    assert table.rows[0][-1] == "7"
    assert "overtakes loops: the number of calls after which it is ahead, compiling included." in table.notes[-1]
