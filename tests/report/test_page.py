"""The page, its charts, the CSV and the closing sentences, from a hand-written run, without a browser."""

from __future__ import annotations

import csv
import json
import time
from dataclasses import replace
from io import StringIO
from math import exp
from pathlib import Path

import pytest
from rich.console import Console

from bench.host.sanitize import printable
from bench.report import csv_export, headline, terminal
from bench.report.rows import is_wide
from bench.results import run_file
from bench.results.record import Cold, Ratio, Record, Results, Seconds
from kernels.registry import TECHNIQUES, all_names
from tests.support.pages import HOSTILE, RUN, SPEED, race, timed
from tests.support.records import OK, RESULTS, WRONG

pytest.importorskip("altair", reason="Altair is not installed: pip install '.[report]'")
pytest.importorskip("vl_convert", reason="vl-convert is not installed: pip install '.[report]'")

from bench.report.page.charts import common
from bench.report.page.charts.calls import envelope
from bench.report.page.charts.cold_start import cold_start
from bench.report.page.charts.heatmap import heatmap
from bench.report.page.charts.provenance import outcomes
from bench.report.page.charts.roofline import roofline
from bench.report.page.charts.sizes import sizes
from bench.report.page.charts.speedup import speedup
from bench.report.page.charts.threads import threads
from bench.report.page.document import json_for_script
from bench.report.page.palette import COLOURS
from bench.report.page.run_page import filled, run_page, sections, timed_kernels


def shown(results: Results, width: int = 80) -> str:
    text = StringIO()
    console = Console(file=text, width=width, highlight=False)
    terminal.summary(console, results)
    headline.print_summary(console, results)
    return text.getvalue()


def test_the_summary_has_three_sentences() -> None:
    assert headline.sentences(RUN) == (
        "On 100000x4-f64 (100,000 × 4) the fastest is numba: 258 µs a call.",
        "It is 5.98 times as fast as numpy (95% interval 5.68 to 6.28); "
        "on 1000x4-f64, 72.6 times as fast as loops (69.0 to 76.3).",
        "On 100000x4-f64 it reaches 0.39% of this machine's ceiling, which is the time of reading X and y.",
    )
    assert shown(RUN).splitlines()[-1].endswith("reading X and y.")


def test_the_summary_leaves_out_what_was_not_measured() -> None:
    alone = replace(RUN.records[-1], ceiling=None, speedup=Ratio(5.0, None, None, "numpy"))
    said = " ".join(headline.sentences(replace(RUN, races=(), records=(alone,))))
    assert "without an interval" in said
    assert "was not measured" in said
    assert headline.sentences(replace(RUN, records=())) == ("No kernel was timed.",)
    for high, tied in ((9.0, True), (5.8, True), (5.6, False)):  # the fastest's begins at 5.68 and ends at 6.28
        other = replace(RUN.records[-2], speedup=Ratio(5.5, 0.1, high, "numpy"))
        said = headline.sentences(replace(RUN, records=(other, RUN.records[-1])))[0]
        assert ("(its interval overlaps that of numpy)" in said) is tied


def test_a_warning_says_what_to_do() -> None:
    broken = dict(RUN.races[0]) | {
        "control": RUN.races[0]["control"] | {"trustworthy": False, "causes": ["the host stole 9%: try later"]}
    }
    warned = headline.warnings(replace(RUN, races=(broken, RUN.races[1])))
    assert any("NOT TRUSTWORTHY" in line and "try later" in line for line in warned)
    records = RUN.records
    others = replace(
        RUN, records=(replace(records[0], steady=False), replace(records[1], kernel="mine:f"), *records[2:])
    )
    assert [line for line in headline.warnings(others) if "steady" in line or "mine" in line] == [
        "On 1000x4-f64: loops was not steady: its later rounds differ from the earlier ones; "
        "measure again on an idle machine."
    ]
    many = tuple(replace(one, steady=False, workload=f"{copy}") for copy in range(9) for one in records)
    shown = headline.warnings(replace(RUN, records=many))
    assert (len(shown), shown[-1][:4]) == (9, "And ")
    assert "in 1 of 2 races" in headline.trust(replace(RUN, races=(broken, RUN.races[1])))[0]


def test_the_widest_interval_of_the_controls_is_reported() -> None:
    wide = {**RUN.races[0], "control": {**RUN.races[0]["control"], "low": 0.9, "high": 1.1}}
    for races in ((wide, RUN.races[1]), (RUN.races[1], wide)):
        assert "(the widest interval: 0.90 to 1.10)" in headline.trust(replace(RUN, races=races))[0]


@pytest.mark.parametrize(("half", "wide"), [(0.015, False), (0.0199, False), (0.0201, True)])
def test_an_interval_is_wide_if_wider_than_2_per_cent(half: float, wide: bool) -> None:
    assert is_wide(Ratio(2.0, 2 * exp(-half), 2 * exp(half), "numpy")) is wide


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_shows_no_escape_and_runs_no_markup(width: int, tmp_path: Path) -> None:
    ratio = Ratio(2.0, 1.9, 2.1, "[red]x\x1b[31m")
    named = replace(OK, kernel="[bold]k[/bold]\x1b]0;title\x07", speedup=ratio)
    failed = replace(WRONG, reason="bell \x07 and \x1b[2J colour \u202egnp.exe")
    text = shown(run_file.printable_results(replace(RESULTS, records=(named, failed))), width)
    assert not any(ord(letter) < 32 and letter != "\n" for letter in text)
    assert "[bold]k[/bold]" in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) <= width


def test_printable() -> None:
    assert printable("a\x1b[31mred\x1b[0m\tb\nc\x00\u200b\ud800é σ 漢") == "ared b cé σ 漢"


def test_the_page_has_every_section_and_no_address() -> None:
    page = run_page(RUN)
    names = [section.name for section in sections(RUN)]
    assert " ".join(names) == (
        "speedup fastest-gradient sizes calls ceiling roofline rounds outcomes fingerprint heatmap cold accuracy"
    )
    assert all(f'id="{name}"' in page for name in names)
    assert "default-src 'none'" in page
    assert '<link rel="icon" href="data:,">' in page
    assert page.count("<script") == 3
    assert len(page) < 2e6


def test_a_page_is_the_same_twice() -> None:
    assert run_page(RUN) == run_page(RUN)


@pytest.mark.parametrize("text", ["</script>", "<!--", "\u2028", "\u2029", "&amp;", "\ud800"])
def test_no_text_ends_the_script_that_holds_the_data(text: str) -> None:
    text_in_script = json_for_script({"a": text})
    assert text not in text_in_script
    assert json.loads(text_in_script) == {"a": text}


def test_json_for_a_script_has_no_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_for_script({"seconds": float("nan")})


def test_hostile_names_stay_text() -> None:
    records = tuple(replace(one, kernel=HOSTILE) if one.kernel == "numba" else one for one in RUN.records)
    whole = run_page(replace(RUN, records=records))
    page, _, rest = whole.partition('<script type="application/json"')
    data = rest.partition("</script>")[0]
    assert "pwned" in data
    for part in (page, data):
        assert not any(tag in part for tag in ("<img", "<script", "\x1b", "\x07", "\u2028"))
    assert "&lt;img src=x onerror=window.pwned=1&gt;" in page


def test_threads_have_a_chart_if_a_run_has_several_numbers_of_them() -> None:
    four_threads = tuple(replace(one, threads=4) for one in RUN.records)
    results = replace(RUN, records=RUN.records + four_threads)
    names = [section.name for section in sections(results)]
    assert names[-1] == "threads"
    assert "100000x4-f64, threads: 4" in run_page(results)


def test_the_threads_chart_has_every_number_of_threads_of_the_chosen_workload() -> None:
    four_threads = tuple(replace(one, threads=4) for one in RUN.records)
    section = threads(replace(RUN, records=RUN.records + four_threads))
    rows = filled(section)["datasets"]["rows"]
    assert {row["workload"] for row in rows} == {"100000x4-f64"}
    assert {row["threads"] for row in rows} == {2, 4}
    assert all(row["race"] == [f"{row['workload']}, threads: {number}" for number in (2, 4)] for row in section.rows)


def test_the_page_has_one_choice_of_workload_and_one_of_kernels() -> None:
    four_threads = tuple(replace(one, threads=4) for one in RUN.records)
    page = run_page(replace(RUN, records=RUN.records + four_threads)).partition("<script")[0]
    assert page.count('data-choice="race"') == 1
    assert [page.count(f'type="checkbox" checked value="{kernel}"') for kernel in SPEED] == [1, 1, 1]
    assert page.count("<label><span>workload</span>") == 1
    assert page.count('role="status"') == page.count("aria-live") == 1


def test_the_choice_of_kernels_has_those_that_a_chart_shows() -> None:
    unavailable = replace(WRONG, kernel="jax-gpu", outcome="unavailable", seconds=None)
    results = replace(RUN, records=(*RUN.records, unavailable))
    assert [series.name for series in timed_kernels(results, sections(results))] == ["loops", "numpy", "numba"]


def test_a_kernel_that_is_right_up_to_some_score_only_has_a_mark_and_a_note() -> None:
    records = tuple(replace(one, largest_score=75.0) if one.kernel == "numba" else one for one in RUN.records)
    section = speedup(replace(RUN, records=records))
    marked = [row for row in section.rows if row["kernel"] == "numba"]
    assert marked
    assert all(row["figures"].endswith("*") is (row["kernel"] == "numba") for row in section.rows)
    name = next(column for column in section.columns if column.field == "kernel")
    assert [name.format(kernel) for kernel in ("numpy", "numba")] == ["numpy", "numba*"]
    note = "* numba is right for scores |z| up to 75 only."
    assert [remark["text"] for remark in section.remarks] == [note] * len(marked)
    assert [remark["race"] for remark in section.remarks] == [row["race"] for row in marked]
    assert note in run_page(replace(RUN, records=records)).partition("<script")[0]
    assert speedup(RUN).remarks == ()


def test_every_registered_kernel_has_a_technique_with_a_colour() -> None:
    assert set(TECHNIQUES) == set(all_names())
    assert set(TECHNIQUES.values()) | {"own"} == set(COLOURS)


def test_a_crossing_is_where_two_lines_meet() -> None:
    def record_of(kernel: str, m: int, seconds: float) -> Record:
        return replace(timed(kernel, m, "numpy"), seconds=Seconds(seconds, 0.9 * seconds, 1.1 * seconds))

    records = (
        record_of("numpy", 1000, 1e-5),
        record_of("numba", 1000, 1e-4),
        record_of("numpy", 100_000, 1e-3),
        record_of("numba", 100_000, 1e-4),
    )
    section = sizes(replace(RUN, records=records))
    assert section.chart
    (crossing,) = section.chart["datasets"]["crossings"]
    # ten times faster at 4000 elements and ten times slower at 400 000, so they meet halfway, in logarithms
    assert crossing["elements"] == pytest.approx(40_000)
    assert crossing["seconds"] == pytest.approx(1e-4)
    assert crossing["text"] == "numba overtakes numpy at about 40,000 elements"
    overlapping = tuple(replace(one, seconds=Seconds(1e-4, 1e-6, 1e-1)) for one in records)
    chart = sizes(replace(RUN, records=overlapping)).chart
    assert chart
    assert chart["datasets"]["crossings"] == []


def test_workloads_of_one_size_and_different_shapes_have_separate_lines() -> None:
    wide = tuple(replace(one, m=one.m // 4, n=16, workload=f"{one.m // 4}x16-f64") for one in RUN.records)
    section = sizes(replace(RUN, records=RUN.records + wide))
    kinds = {row["workload"]: row["kind"] for row in section.rows}
    assert kinds["1000x4-f64"] == kinds["100000x4-f64"] == "float64, C order, 2 threads, 4 features"
    assert kinds["250x16-f64"] == "float64, C order, 2 threads, 16 features"
    assert {row["kind"] for row in sizes(RUN).rows} == {"float64, C order, 2 threads"}


@pytest.mark.parametrize(
    ("dtype", "shared_by", "first_ends"),
    [("float64", 1, 2 * 2**15 / 8), ("float32", 1, 2 * 2**15 / 4), ("float64", 2, 2**15 / 8)],
)
def test_a_shaded_area_ends_where_x_no_longer_fits_the_cache(dtype: str, shared_by: int, first_ends: float) -> None:
    """Each thread has its own L1, or both share one. An area below the smallest size is not drawn."""
    caches = [{"level": 1, "bytes": 2**15, "shared_by": shared_by}, {"level": 2, "bytes": 2**18, "shared_by": 2}]
    machine = {**RUN.machine, "hardware": {**RUN.machine["hardware"], "caches": caches}}
    records = tuple(replace(one, dtype=dtype) for one in RUN.records)
    chart = sizes(replace(RUN, machine=machine, records=records)).chart
    assert chart
    areas = [(one["name"], one["from"], one["to"]) for one in chart["datasets"]["caches"]]
    second_ends = 2**18 / (8 if dtype == "float64" else 4)
    expected = [("L1", 4000, first_ends), ("L2", max(4000, first_ends), second_ends), ("memory", second_ends, 4e5)]
    assert areas == [one for one in expected if one[2] > 4000]


def test_the_rooflines_numbers_by_hand() -> None:
    section = roofline(RUN)
    rows = {row["kernel"]: row for row in section.rows if row["race"] == "1000x4-f64"}
    # two multiplications and two additions for each element of X, so 16 000; X and y are 40 000 bytes
    assert {name: row["intensity"] for name, row in rows.items()} == pytest.approx(
        {"loops": 0.4, "numpy": 0.2, "numba": 0.4}  # numpy reads X twice
    )
    assert rows["loops"]["rate"] == pytest.approx(16_000 / 403e-6)
    assert section.chart
    lines: dict[str, list[tuple[float, float]]] = {}
    for roof in section.chart["datasets"]["roofs"]:
        if roof["race"] == "1000x4-f64":
            lines.setdefault(roof["name"].partition(",")[0], []).append((roof["intensity"], roof["rate"]))
    # 2 · 10¹¹ operations and 4 · 10¹⁰ bytes per second meet at 5 operations per byte
    assert lines["reading"][1] == lines["products"][0] == pytest.approx((5, 2e11))
    assert [rate for _, rate in lines["sigmoids"]] == pytest.approx([16_000 / 8e-7] * 2)
    on_gpu = tuple(replace(one, device="gpu") for one in RUN.records)
    assert roofline(replace(RUN, records=on_gpu)).rows == ()


def test_the_heatmap_is_blue_where_a_kernel_is_faster_than_numpy() -> None:
    tints = {row["kernel"]: row["tint"] for row in heatmap(RUN).rows if row["race"] == "1000x4-f64"}
    assert tints == {"loops": "var(--numba)", "numpy": "var(--numpy)", "numba": "var(--numpy)"}


def test_compilation_is_shown_with_an_empty_cache_if_that_was_measured() -> None:
    def compilation(measured: Cold) -> list[float]:
        rows = cold_start(replace(RUN, records=(replace(RUN.records[-1], cold=measured),))).rows
        return [row["seconds"] for row in rows if row["step"] == "compile"]

    assert compilation(Cold(compile_seconds=1.5, compile_cached_seconds=0.1)) == [1.5]
    assert compilation(Cold(compile_cached_seconds=0.1)) == [0.1]
    assert compilation(Cold()) == []


def test_a_kernel_without_a_time_in_every_race_has_none_in_all() -> None:
    failed = [replace(one, outcome="raised", reason="no luck", seconds=None) for one in RUN.records]
    both = (failed[0], *RUN.records[1:3], failed[3], *RUN.records[4:])  # loops, in both races
    for records, expected in (
        (both, {"all"}),
        (both[:3], {"1000x4-f64"}),
        ((failed[0], *RUN.records[1:]), {"1000x4-f64", "100000x4-f64"}),
    ):
        section = outcomes(replace(RUN, records=tuple(records)))
        assert {row["races"] for row in section.rows} == expected


def test_break_even() -> None:
    rows = [
        {"kernel": "slow", "once": 0.0, "call": 3.0},
        {"kernel": "never", "once": 9.0, "call": 2.0},
        {"kernel": "fast", "once": 10.0, "call": 1.0},
    ]
    assert envelope(rows) == [("slow", 1.0), ("fast", 5.0)]
    assert envelope(rows[:1]) == [("slow", 1.0)]


@pytest.mark.parametrize(
    ("values", "gap", "positions"),
    [
        ([1.0, 5.0], 1.0, [1.0, 5.0]),
        ([0.0, 0.0], 1.0, [-0.5, 0.5]),
        ([2.0, 0.0, 0.5], 1.0, [2.0, -0.25, 0.75]),
        ([0.0, 0.1, 0.9], 1.0, [-2 / 3, 1 / 3, 4 / 3]),
    ],
)
def test_labels_do_not_overlap(values: list[float], gap: float, positions: list[float]) -> None:
    assert common.spread_labels(values, gap) == pytest.approx(positions)


def test_the_csv_has_a_row_for_each_record() -> None:
    rows = list(csv.DictReader(StringIO(csv_export.text(RUN))))
    assert len(rows) == len(RUN.records)
    for row, one in zip(rows, RUN.records, strict=True):
        assert row["kernel"] == one.kernel
        assert float(row["seconds.estimate"] or 0) == (one.seconds.estimate if one.seconds else 0)
    quoted = csv_export.text(replace(RUN, records=(replace(WRONG, reason='=1+1, "x"'),)))
    assert "'=1+1" in quoted
    assert next(csv.DictReader(StringIO(quoted)))["reason"] == '\'=1+1, "x"'


def test_a_large_run_is_quick_and_small() -> None:
    examples = [1000 + 500 * index for index in range(85)]
    races = tuple(race(m, ("loops", "numpy", "numba") * 3, rounds=100, launches=5) for m in examples)
    large = replace(RUN, races=races, records=tuple(timed(kernel, m, "loops") for m in examples for kernel in SPEED))
    began = time.perf_counter()
    page = run_page(large)
    assert time.perf_counter() - began < 60  # some 4 s on a quiet machine: this is no benchmark
    assert len(page) < 6e6
    assert "There are 382,500 rounds; the chart and the CSV have one in 4." in page
