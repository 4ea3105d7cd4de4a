"""The summary in the terminal and in Markdown, from records written by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bench.report import formatting, markdown
from bench.report.operations import meanings
from bench.report.progress import Progress
from bench.report.race_tables import LEGEND, OLDER_LEGEND, legend
from bench.results.record import Cold, Error, Ratio, Results, Seconds
from tests.support.records import MACHINE, OK, OPERATIONS, RESULTS, WRONG
from tests.support.terminal import shown


def test_the_summary_shows_the_ratio_with_its_interval_baseline_and_machine() -> None:
    text = shown(RESULTS)
    for expected in (
        "measured on some-cpu-2c-01234567",
        "× loops",
        "of ceiling",
        "26.0 [25.0, 27.0]",
        "20.0 µs",
        "24%",
        "4.20",
    ):
        assert expected in text
    assert "  mine:f on lecture: wrong: data: db is nan" in text


def test_no_time_of_a_wrong_kernel_is_shown() -> None:
    timed = replace(WRONG, seconds=Seconds(1.25e-6, 1e-6, 2e-6), speedup=Ratio(421.0, 1.0, 999.0, "loops"))
    for records in ((OK, timed), (timed,)):
        results = replace(RESULTS, records=records)
        for text in (shown(results), markdown.tables(results)):
            assert "1.25" not in text
            assert "421" not in text


def test_a_kernel_that_is_right_up_to_some_score_only_has_a_mark_and_a_note() -> None:
    limited = replace(OK, kernel="onedal", largest_score=75.0)
    yours = replace(OK, kernel="mine:f", largest_score=34.5)
    results = replace(RESULTS, records=(OK, limited, yours))
    text, note = shown(results), "* onedal is right for scores |z| up to 75 only"
    assert [line.split("  ")[0] for line in text.splitlines() if "µs" in line][:3] == [
        "numpy",
        "onedal*",
        "→ mine:f*",
    ]
    assert text.count(note) == text.count("* mine:f is right for scores |z| up to 34.5 only") == 1
    assert "| `onedal*` |" in markdown.tables(results)
    assert f"- {note}" in markdown.tables(results)
    older = replace(results, operations={})
    assert "* onedal is right up to 75 only" in shown(older)
    assert "*" not in shown(RESULTS)


def test_the_title_says_where_x_lies_if_that_is_known() -> None:
    title = next(
        line for line in shown(replace(RESULTS, records=(replace(OK, level="L2"),))).splitlines() if "1,000 ×" in line
    )
    assert title == "lecture: 1,000 × 2 float64 C, 2 threads, X in L2"
    assert "X in" not in shown(RESULTS)


def test_the_legend_of_an_older_file_says_median() -> None:
    older = replace(RESULTS, run={key: value for key, value in RESULTS.run.items() if key != "statistic"})
    assert OLDER_LEGEND["time/call"] in " ".join(shown(older).split())
    assert LEGEND["time/call"] in " ".join(shown(RESULTS).split())
    assert "median" not in LEGEND["time/call"]


def test_a_legend_below_the_first_table_explains_its_columns() -> None:
    later = replace(OK, workload="later")
    lines = shown(replace(RESULTS, records=(OK, WRONG, later))).splitlines()
    first, second = (index for index, line in enumerate(lines) if line.startswith("kernel  ") and "time/call" in line)
    explanation = legend("loops", LEGEND | meanings(RESULTS, RESULTS.records))
    positions = [lines.index(f"  {line}") for line in explanation]
    assert first < positions[0] < positions[-1] < second
    assert positions == list(range(positions[0], positions[-1] + 1))
    assert [lines.count(f"  {line}") for line in explanation] == [1] * len(positions)
    columns = [*(heading.format(baseline="loops") for heading in LEGEND), "of ceiling", "GB/s", "ulps"]
    assert re.split(" {2,}", lines[first].strip()) == columns
    explained = [line.split("  ")[0] for line in explanation if not line.startswith(" ")]
    assert explained == columns
    assert max(map(len, legend("loops-examples", LEGEND))) <= 78


def test_the_header_names_the_machine_the_software_the_launches_and_the_date() -> None:
    libraries = {"libraries": {"numpy": "2.4.6"}}
    machine = {**MACHINE, "software": {**MACHINE["software"], **libraries}}  # type: ignore[dict-item]
    few, many = replace(OK, launches=5), replace(OK, workload="later", launches=9)
    for records, launches in (
        ((few,), "5 launches"),
        ((few, many), "5 to 9 launches"),
        ((replace(OK, launches=1),), "1 launch"),
    ):
        results = replace(RESULTS, machine=machine, records=records)
        expected = f"Some CPU, 2 cores, 8 GiB, CPython 3.11.7, NumPy 2.4.6, {launches}, 2026-01-02"
        assert f"measured on some-cpu-2c-01234567: {expected}" in " ".join(shown(results).split())
        assert f"Measured on `some-cpu-2c-01234567`: {expected}" in markdown.tables(results)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    "ratio",
    [
        Ratio(123_456.0, 120_000.0, 130_000.0, "loops-examples"),
        Ratio(0.2612, 0.2587, 0.2634, "loops"),
        Ratio(0.0261, 0.0258, 0.0263, "loops"),
        Ratio(1234.0, 1200.0, 1260.0, "loops"),
    ],
)
def test_the_summary_fits_the_terminal_and_nothing_is_cut(width: int, ratio: Ratio) -> None:
    widest = replace(
        OK,
        kernel="jax-autodiff-gpu",
        workload="1000000x1024-f64-F",
        level="memory",
        device="gpu",
        seconds=Seconds(0.0001234, 0.0009, 0.001),
        speedup=ratio,
        gigabytes_per_second=0.01234,
        error=Error(0.1, {"ulps": 12_345.0}),
        cold=Cold(*[0.1234] * 7),
        break_even={"numpy": 1_234_567},
    )
    records = (widest, replace(OK, selected=False), WRONG)
    lines = shown(Results({}, MACHINE, (), records, OPERATIONS), width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    assert any("not selected" in line for line in lines)
    assert any("placed on the GPU once" in line for line in lines)


def test_a_run_without_timing_says_so() -> None:
    checked = replace(OK, seconds=None, speedup=None)
    assert "correct on lecture, not timed: numpy" in shown(Results({}, MACHINE, (), (checked,)))


def test_the_reason_why_kernels_are_unavailable_is_printed_once() -> None:
    unavailable = [
        replace(WRONG, kernel=kernel, workload=workload, outcome="unavailable", reason="no GPU here")
        for workload in ("lecture", "flights")
        for kernel in ("jax-gpu", "jax-autodiff-gpu")
    ]
    results = Results(RESULTS.run, MACHINE, (), (OK, *unavailable))
    for text in (shown(results), markdown.tables(results)):
        assert text.count("no GPU here") == 1
        assert "unavailable: jax-gpu, jax-autodiff-gpu: no GPU here" in text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (1, "1.00"),
        (12.345, "12.3"),
        (999.9, "1000"),
        (0.00123, "0.00123"),
        (123_456, "123,456"),
        (1e-5, "1.0e-05"),
    ],
)
def test_numbers_have_three_digits(number: float, text: str) -> None:
    assert formatting.format_significant(number) == text


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1"), (999.6, "1,000"), (5_168, "5,170"), (1.07e9, "1,070,000,000")]
)
def test_counts_are_whole_numbers(number: float, text: str) -> None:
    assert formatting.format_count(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (2, "2.00 s"),
        (1.5e-3, "1.50 ms"),
        (2e-6, "2.00 µs"),
        (0.9999999, "1.00 s"),
        (9.9999e-3, "10.0 ms"),
        (5e-10, "0.500 ns"),
    ],
)
def test_durations_have_three_digits_and_a_unit(seconds: float | None, text: str) -> None:
    assert formatting.duration(seconds) == text


def test_markdown_has_a_row_for_each_timed_kernel_and_a_line_for_the_others() -> None:
    results = replace(RESULTS, records=(replace(OK, seconds=Seconds(1.0, 1.0, 1.0), kernel="slow"), OK, WRONG))
    text = markdown.tables(results)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["slow", "numpy"]
    assert "`some-cpu-2c-01234567`: Some CPU, 2 cores, 8 GiB" in text
    assert "2026-01-02, with `OMP_NUM_THREADS=2` in its environment." in text
    assert "- mine:f on lecture: wrong: data: db is nan" in text


def test_progress_is_shown_a_few_times_a_second_and_fits() -> None:
    lines: list[str] = []
    progress = Progress(100.0, lines.append)
    for _ in range(3):
        progress.tick("launch 1, lecture: round 3 of 9", 0.0)
    assert lines == ["launch 1, lecture: round 3 of 9  0 s, about 1 min 40 s left"]
    # from a tenth on, the elapsed time predicts better than the estimate
    assert progress.line("x", 0.25, 60.0) == "x  1 min 00 s, about 3 min 00 s left"
    assert len(progress.line("launch 10, 1000000x1024-f64-F-of-a-long-name: round 10 of 90", 0.5, 6e3)) <= 80


@pytest.mark.parametrize(("trustworthy", "says"), [(True, "control passed: jax"), (False, "NOT TRUSTWORTHY: jax")])
def test_the_control_is_shown_with_its_causes(trustworthy: bool, says: str) -> None:
    control = {"kernel": "jax", "estimate": 1.1, "low": 1.05, "high": 1.2, "trustworthy": trustworthy}
    race = {"workload": "lecture", "threads": 2, "control": {**control, "causes": ["stop them"]}}
    text = " ".join(shown(replace(RESULTS, races=(race,))).split())
    assert f"{says} is 1.10 [1.05, 1.20] times as fast as itself" in text
    assert ("measure again" in text) is not trustworthy
    assert ("stop them" in text) is not trustworthy


def test_notes_warn_and_say_what_to_do() -> None:
    wide = Ratio(2.0, 1.5, 2.5, "loops", "faster", 5, 40)
    counters = {"over_used": True, "cores_used": 3.0, "compiled_again": 1}
    record = replace(OK, speedup=wide, counters=counters, steady=False, launch_spread=0.031)
    text = " ".join(shown(replace(RESULTS, records=(record,))).split())
    for expected in (
        "±3.1%", "1 of 1 interval is wider than ±2%", "to narrow every interval to ±2%, use --launches 40",
        "numpy was not steady: its later rounds differ from the earlier ones; measure again on an idle machine",
        "numpy used 3 cores, but it was given 2: make it respect the number of threads",
        "numpy compiled again while it was timed: its time includes compiling; make it compile once for all calls",
    ):  # fmt: skip
        assert expected in text
    hopeless = replace(record, speedup=replace(wide, launches_needed=None))
    text = " ".join(shown(replace(RESULTS, records=(hopeless,))).split())
    assert "to narrow every interval to ±2%, use a quieter machine" in text


def test_the_launches_that_narrow_every_interval_are_named_once() -> None:
    records = [
        replace(OK, kernel=kernel, workload=workload, speedup=Ratio(2.0, low, 2.01, "loops", "faster", 5, launches))
        for kernel, workload, low, launches in (
            ("numpy", "lecture", 1.5, 40), ("jax", "lecture", 1.99, None), ("numpy", "later", 1.5, 90),
        )
    ]  # fmt: skip
    results = replace(RESULTS, records=tuple(records))
    for text in (shown(results), markdown.tables(results)):
        assert text.count("to narrow every interval to ±2%") == 1
        assert "use --launches 90" in text
        assert "1 of 2 intervals is wider than ±2%" in text
        assert "1 of 1 interval is wider than ±2%" in text
    assert "use --launches 40" in markdown.tables(results, ["lecture"])
    narrow = shown(replace(RESULTS, records=(records[1],)))
    assert "to narrow" not in narrow
    assert "wider" not in narrow


def test_the_cold_start_and_the_run_time_are_shown() -> None:
    cold = Cold(0.5, 1e-6, None, 0.02, 0.8, 0.1, 0.003)
    budget = {"start_seconds": 31.0, "rounds_seconds": 95.0, "rest_seconds": 12.0}
    record = replace(OK, kernel="jax", cold=cold, break_even={"numpy": 1234})
    text = shown(replace(RESULTS, records=(record,), run={**RESULTS.run, "budget": budget}))
    heading, row = text.partition("cold start")[2].splitlines()[1:4:2]
    assert re.split(" {2,}", heading) == [
        "kernel", "import", "place", "lower", "compile", "cached", "1st call", "overtakes numpy",
    ]  # fmt: skip
    assert re.split(" {2,}", row.strip()) == [
        "jax", "500 ms", "1.0 µs", "20 ms", "800 ms", "100 ms", "3.0 ms", "1,234",
    ]  # fmt: skip
    assert "run time: start-up 31 s, timed rounds 1 min 35 s, other 12 s" in text
    never = replace(record, break_even={"numpy": None})
    assert "never" in shown(replace(RESULTS, records=(never,)))
    built = replace(OK, kernel="numba", cold=Cold(build_seconds=0.25), break_even={"loops": 3})
    text = shown(replace(RESULTS, records=(built,))).partition("cold start")[2]
    heading, row = text.splitlines()[1:4:2]
    assert (heading.split(), row.split()) == (["kernel", "build", "overtakes", "loops"], ["numba", "250", "ms", "3"])
    assert "build: making the call" in text
    alone = replace(built, break_even={})
    assert "overtakes" not in shown(replace(RESULTS, records=(alone,)))
