"""What a person sees, from records written by hand."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from bench.record import Cold, Error, Ratio, Results, Seconds
from bench.report import markdown, terminal
from bench.report.progress import Progress
from tests.test_record import MACHINE, OK, RESULTS, WRONG


def shown(results: Results, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    terminal.summary(console, results)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_the_summary_shows_the_ratio_with_its_interval_baseline_and_machine() -> None:
    text = shown(RESULTS)
    for expected in (
        "speedup over loops, with its 95% interval, on some-cpu-2c-01234567",
        "26.0 [25.0, 27.0]",
        "20.0 µs",
        "50.0 M",
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
def test_it_fits_whole(width: int, ratio: Ratio) -> None:
    widest = replace(
        OK,
        kernel="jax-autodiff-gpu",
        workload="1000000x1024-f64-F",
        device="gpu",
        seconds=Seconds(0.0001234, 0.0009, 0.001),
        speedup=ratio,
        gigabytes_per_second=0.01234,
        error=Error(12_345.0, 0.1),
        cold=Cold(0.1, 0.1, 0.1, 0.1234),
    )
    lines = shown(Results({}, MACHINE, (), (widest, replace(OK, selected=False), WRONG)), width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    assert any("not selected" in line for line in lines)
    assert any("placed on the GPU once" in line for line in lines)


def test_a_run_that_only_checked_says_so() -> None:
    checked = replace(OK, seconds=None, speedup=None)
    assert "agree on lecture, not timed: numpy" in shown(Results({}, MACHINE, (), (checked,)))


def test_what_the_machine_lacks_is_said_once() -> None:
    gone = [
        replace(WRONG, kernel=kernel, workload=workload, outcome="unavailable", reason="no GPU here")
        for workload in ("lecture", "flights")
        for kernel in ("jax-gpu", "jax-autodiff-gpu")
    ]
    results = Results(RESULTS.run, MACHINE, (), (OK, *gone))
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
def test_three_digits(number: float, text: str) -> None:
    assert terminal.significant(number) == text


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
def test_durations(seconds: float | None, text: str) -> None:
    assert terminal.duration(seconds) == text


def test_markdown() -> None:
    results = replace(RESULTS, records=(replace(OK, seconds=Seconds(1.0, 1.0, 1.0), kernel="slow"), OK, WRONG))
    text = markdown.tables(results)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["slow", "numpy"]
    assert "`some-cpu-2c-01234567`: Some CPU, 2 cores, 8 GiB" in text
    assert "2026-01-02, with `OMP_NUM_THREADS=2` in its environment." in text
    assert "- mine:f on lecture: wrong: data: db is nan" in text


def test_progress_counts_and_fits() -> None:
    lines: list[str] = []
    progress = Progress({("lecture", "numpy"): 1.0, ("lecture", "jax"): 2.0}, lines.append)
    for kernel in ("numpy", "numpy", "jax", "jax"):
        progress.tick("lecture", kernel)
    assert [line[:5] for line in lines] == ["[1/2]", "[2/2]"]
    assert "lecture: jax" in lines[1]
    assert len(progress.line("1000000x1024-f64-F", "a-very-long-name-of-a-kernel:ATTRIBUTE", 6000.0)) <= 80
