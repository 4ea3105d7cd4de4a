"""The page, its charts, the CSV and the closing sentences, from a hand-written run, without a browser."""

from __future__ import annotations

import csv
import json
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench.host.sanitize import printable
from bench.report import csv_export, headline, terminal
from bench.results import run_file
from bench.results.record import Ratio, Record, Results, Seconds
from kernels.registry import KERNELS, TECHNIQUES
from tests.support.pages import HOSTILE, RUN, SPEED, race, timed
from tests.support.records import OK, RESULTS, WRONG

pytest.importorskip("altair", reason="Altair is not installed: pip install '.[report]'")
pytest.importorskip("vl_convert", reason="vl-convert is not installed: pip install '.[report]'")

from bench.report.page.charts import common
from bench.report.page.charts.calls import envelope
from bench.report.page.charts.sizes import sizes
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
        "It reaches 0.39% of this machine's ceiling there, which is reading X and y once.",
    )
    assert shown(RUN).splitlines()[-1].endswith("once.")


def test_the_summary_leaves_out_what_was_not_measured() -> None:
    alone = replace(RUN.records[-1], ceiling=None, speedup=Ratio(5.0, None, None, "numpy"))
    said = " ".join(headline.sentences(replace(RUN, races=(), records=(alone,))))
    assert "without an interval" in said
    assert "was not measured" in said
    assert headline.sentences(replace(RUN, records=())) == ("No kernel was timed.",)
    wide = replace(RUN.records[-2], speedup=Ratio(1.0, 0.1, 9.0, "numpy"))
    assert "do not tell it from numpy" in headline.sentences(replace(RUN, records=(wide, RUN.records[-1])))[0]


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
        "speedup sizes calls ceiling roofline rounds outcomes fingerprint heatmap cold accuracy"
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


def test_every_registered_kernel_has_a_technique_with_a_colour() -> None:
    assert list(TECHNIQUES) == list(KERNELS)
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
    assert crossing["text"] == "numba overtakes numpy at about 40.0 k elements"
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
        assert float(row["seconds.median"] or 0) == (one.seconds.median if one.seconds else 0)
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
