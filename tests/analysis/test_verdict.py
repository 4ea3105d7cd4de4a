"""Verdicts on intervals written by hand."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bench.analysis import statistics, verdict
from bench.analysis.statistics import Estimate, bonferroni_confidence, welch_interval
from bench.analysis.verdict import FAILED, NOT_SHOWN, PASSED, Judgement
from bench.commands.race import text as race_text
from bench.commands.race.result import Comparison, judge as judge_races
from bench.commands.race.source_trees import Revision
from bench.results.record import Fraction, Record, Seconds
from bench.results.samples import KernelSamples
from tests.support.races import race, samples
from tests.support.records import OK, RESULTS


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (2.0, 2.2, PASSED),
        (2.1, 2.2, PASSED),
        (1.9, 2.1, NOT_SHOWN),
        (1.9, 2.0, NOT_SHOWN),
        (1.8, 1.9999, FAILED),
    ],
)
def test_three_verdicts(low: float, high: float, verdict: str) -> None:
    judgement = Judgement("numba on lecture", Estimate((low + high) / 2, low, high), 2.0)
    assert judgement.verdict == verdict
    assert judgement.line.startswith(f"numba on lecture: {verdict}: ")
    assert "\n" not in judgement.line


def test_without_an_interval_nothing_is_shown() -> None:
    assert Judgement("numba on lecture", None, 2.0).verdict == NOT_SHOWN


def run_record(seconds: float, half: float, share: float | None = None, ceiling: str = "read") -> Record:
    fraction = None if share is None else Fraction(ceiling, share, share * exp(-half), share * exp(half))
    return replace(
        OK, launches=5, seconds=Seconds(seconds, seconds * exp(-half), seconds * exp(half)), ceiling=fraction
    )


def judged(now: Record, then: Record, percent: float = 10) -> Judgement:
    return verdict.judge_against_run(now, then, percent, 1, "run.json")


def test_against_another_run() -> None:
    then = run_record(1e-3, 0.01)
    assert judged(run_record(1.05e-3, 0.01), then).verdict == PASSED
    assert judged(run_record(1.2e-3, 0.01), then).verdict == FAILED
    assert judged(run_record(1.2e-3, 0.2), then).verdict == NOT_SHOWN
    judgement = judged(run_record(1.25e-3, 0.01), then)
    assert judgement.ratio
    assert judgement.ratio.estimate == pytest.approx(0.8)
    assert judgement.line.startswith("numpy on lecture, at most 10% slower than in run.json (seconds): failed: 0.8 [")
    assert judged(replace(run_record(2e-3, 0.01), launches=1), then).verdict == NOT_SHOWN


def test_shares_of_the_ceiling_are_compared_if_both_have_the_same_ceiling() -> None:
    # the machine as a whole is half as fast as it was: no regression
    now, then = run_record(2e-3, 0.01, 0.5), run_record(1e-3, 0.01, 0.5)
    assert judged(now, then).verdict == PASSED
    assert "(shares of the ceiling)" in judged(now, then).line
    # faster in seconds, but further from what the machine can do now
    assert judged(run_record(0.9e-3, 0.01, 0.3), then).verdict == FAILED
    for other in (run_record(2e-3, 0.01), run_record(2e-3, 0.01, 0.5, "sigmoid")):
        assert judged(other, then).verdict == FAILED
        assert "(seconds)" in judged(other, then).line


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"m": 999}, "m is 999, and was 1000"),
        ({"dtype": "float32"}, "dtype is float32, and was float64"),
        ({"operation": "descend"}, "operation is descend, and was gradient"),
        ({"reached": False}, "reached is False, and was True"),
        ({"work": {"read": 48_000, "sigmoid": 1000, "multiply": 8000}}, "the amount of read is another"),
    ],
)
def test_other_work_is_not_judged(change: dict[str, Any], says: str) -> None:
    then = run_record(1e-3, 0.01, 0.5)
    judgement = judged(replace(run_record(2e-3, 0.01, 0.2), **change), then)
    assert (judgement.verdict, judgement.ratio) == (NOT_SHOWN, None)
    assert f"(not comparable: {says}): not shown either way" in judgement.line


def test_work_is_the_same_up_to_the_rounding_of_files() -> None:
    then = run_record(1e-3, 0.01, 0.5)
    for work in ({"read": 24_000 * (1 + 5e-8), "sigmoid": 1000, "multiply": 8000}, None, {}):
        judgement = judged(replace(run_record(2e-3, 0.01, 0.2), work=work), then)
        assert judgement.verdict == FAILED


def test_kernels_that_both_missed_their_aim_are_judged_by_their_seconds() -> None:
    now, then = (replace(run_record(seconds, 0.01), reached=False) for seconds in (1e-3, 2e-3))
    assert judged(now, then).verdict == PASSED
    assert "(seconds)" in judged(now, then).line


def test_only_records_with_an_interval_in_both_runs_are_comparable() -> None:
    ids = [record.id for record in RESULTS.records]
    assert verdict.comparable_records(ids, RESULTS) == [OK]  # the other was wrong, and has no time
    one_launch = replace(RESULTS, records=(replace(OK, seconds=Seconds(1e-5, None, None)),))
    assert verdict.comparable_records(ids, one_launch) == []
    assert verdict.comparable_records(["gradient/lecture/other/1"], RESULTS) == []


def test_welchs_interval_has_its_coverage() -> None:
    """Over simulated runs of 5 and of 9 launches with spreads of 1% and 3%."""
    rng, covered = np.random.default_rng(0), 0
    for _ in range(2000):
        first, second = 0.01 * rng.standard_normal(5), log(1.1) + 0.03 * rng.standard_normal(9)
        one, other = statistics.interval(list(first)), statistics.interval(list(second))
        assert one
        assert other
        ratio = welch_interval(other, 9, one, 5)
        covered += ratio.low <= 1.1 <= ratio.high
    assert 0.93 <= covered / 2000 <= 0.98
    assert welch_interval(Estimate(2, 2, 2), 5, Estimate(1, 1, 1), 5) == Estimate(2, 2, 2)


def test_more_comparisons_need_more_confidence() -> None:
    logs = [0.01, 0.02, 0.0, 0.015, 0.005]
    assert bonferroni_confidence(1) == pytest.approx(0.95)
    assert bonferroni_confidence(20) == pytest.approx(0.9975)
    widths = [statistics.half_width(logs, bonferroni_confidence(number)) for number in (1, 4, 20)]
    assert widths == sorted(widths)
    assert widths[0] == statistics.half_width(logs)
    # Student's quantiles with four degrees of freedom, from a printed table: 2.776 at 97.5%, 4.604 at 99.5%
    assert statistics.half_width(logs, 0.99) / widths[0] == pytest.approx(4.604 / 2.776, rel=1e-3)
    # with eight, for two runs of equal spread: 2.306 and 3.355
    one = statistics.interval(logs)
    assert one
    wider, usual = (log(welch_interval(one, 5, one, 5, confidence).high) for confidence in (0.99, 0.95))
    assert wider / usual == pytest.approx(3.355 / 2.306, rel=1e-3)


COMMIT = Revision(Path(), "main", "0123456")


def compared(now: list[float], **others: object) -> Comparison:
    before = samples(1.0)
    launches = [{"numpy": samples(9.0), "numpy@main": before}]  # the first is not counted
    launches += [{"numpy": samples(seconds), "numpy@main": before} for seconds in now]
    return judge_races([race(launches)], ["numpy"], COMMIT, 2.0, 1, False)


def page(comparison: Comparison) -> str:
    console = Console(file=StringIO(), width=80, highlight=False)
    race_text.summary(console, comparison, "some-cpu-2c-01234567", 1)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_slower_kernel_fails_and_the_line_says_by_how_much() -> None:
    comparison = compared([1.05, 1.051, 1.049, 1.05, 1.052])
    (row,) = comparison.rows
    assert (row.verdict, row.judgement.verdict, row.launches) == ("slower", FAILED, 5)
    (line,) = comparison.failures
    assert line.startswith("numpy on lecture, at most 2% slower than numpy@main: failed: 0.952 [0.95")
    text = page(comparison)
    assert "FAILED: numpy on lecture" in text
    assert "at most 2% slower: 0 passed, 1 failed, 0 not shown either way" in text
    assert "intervals: ±0.1% (median); each holds with 95%, all 1 together with 95%" in text


@pytest.mark.parametrize(
    ("now", "verdict", "shown"),
    [
        ([1.0, 1.001, 0.999, 1.0, 1.0005], PASSED, "no difference"),
        ([0.9, 0.901, 0.899, 0.9, 0.9], PASSED, "faster"),
        ([1.0, 1.1, 0.95, 1.2, 1.0], NOT_SHOWN, "no difference"),
        ([1.03, 1.015, 1.025, 1.035, 1.02], NOT_SHOWN, "slower"),
    ],
)
def test_these_do_not_fail(now: list[float], verdict: str, shown: str) -> None:
    comparison = compared(now)
    assert comparison.rows[0].judgement.verdict == verdict
    assert comparison.failures == []
    assert kernel_row(page(comparison)).endswith(shown)


def kernel_row(text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith("numpy ")]
    assert len(line) <= 80
    return line.rstrip()


def judge(launches: list[dict[str, KernelSamples]], control: str | None = None) -> Comparison:
    return judge_races([race(launches, control)], ["numpy"], COMMIT, 2.0, 1, False)


def test_a_kernel_that_no_longer_works_is_a_failure_and_one_that_never_worked_is_not() -> None:
    wrong = samples(1.0, outcome="wrong", reason="data: db is nan")
    comparison = judge([{"numpy": wrong, "numpy@main": samples(1.0)}] * 3)
    assert comparison.failures == ["numpy on lecture: wrong (ok at main (0123456)): data: db is nan"]
    comparison = judge([{"numpy": wrong, "numpy@main": wrong}] * 3)
    assert (comparison.broken, comparison.failures) == ((), ["nothing could be compared"])
    assert comparison.notes == ("not compared: numpy on lecture: wrong: data: db is nan",)
    comparison = judge([{"numpy": samples(1.0), "numpy@main": wrong}] * 3)
    assert comparison.notes == ("not compared: numpy@main on lecture: wrong: data: db is nan",)
    gone = samples(1.0, outcome="unavailable", reason="jax is not installed")
    comparison = judge([{"numpy": gone, "numpy@main": samples(1.0)}] * 3)  # the change broke an import
    assert comparison.failures == ["numpy on lecture: unavailable (ok at main (0123456)): jax is not installed"]
    comparison = judge([{"numpy": gone, "numpy@main": gone}] * 3)
    assert (comparison.broken, comparison.notes) == (
        (),
        ("not compared: numpy on lecture: unavailable: jax is not installed",),
    )


def test_an_untrustworthy_race_is_not_judged() -> None:
    slower = [{"numpy": samples(1.5 + i / 1000), "numpy@main": samples(1.0)} for i in range(8)]
    assert judge(slower).failures
    noisy = [{**one, "numpy (control)": samples(1.2)} for one in slower]
    comparison = judge(noisy, "numpy")
    assert comparison.failures == []
    assert comparison.rows[0].judgement.verdict == NOT_SHOWN
    assert "NOT TRUSTWORTHY" in page(comparison)
