"""Intervals have their coverage, and verdicts follow from them: rounds made by hand, no clock."""

from __future__ import annotations

from itertools import combinations
from math import exp, log, sqrt
from random import Random
from statistics import median

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import trim_mean, ttest_1samp
from scipy.stats.mstats import trimmed_mean_ci

from bench.analysis import statistics
from bench.analysis.statistics import Estimate

logs_of = st.lists(st.floats(-2, 2), min_size=2, max_size=30)


times = st.floats(1e-9, 1e3)
rounds_of = st.lists(times, min_size=1, max_size=60)


def test_the_lower_decile_by_hand() -> None:
    """Of 12 rounds it lies 17/30 of the way from the fastest to the second: (12 + 1/3) / 10 + 1/3 = 1.5667."""
    rounds = [float(number) for number in (5, 30, 10, 99, 99, 99, 99, 99, 99, 99, 99, 99)]
    assert statistics.lower_decile(rounds) == pytest.approx(5 + 5 * 0.56667, rel=1e-4)
    assert statistics.lower_decile(rounds[:6]) == 5
    assert statistics.lower_decile([7.0]) == 7


@given(rounds_of, st.floats(0.1, 10), st.randoms())
def test_the_lower_decile_scales_and_does_not_depend_on_the_order(
    rounds: list[float], factor: float, random: Random
) -> None:
    decile = statistics.lower_decile(rounds)
    assert min(rounds) <= decile <= median(rounds) * (1 + 1e-12)
    assert statistics.lower_decile([factor * one for one in rounds]) == pytest.approx(factor * decile)
    assert statistics.lower_decile(random.sample(rounds, len(rounds))) == decile


@pytest.mark.parametrize("count", [1, 2, 6, 7, 12, 13, 24, 60, 400])
def test_so_many_rounds_decide(count: int) -> None:
    """Slower rounds change the decile by a quarter of their own change at most; of few rounds not at all."""
    rounds, deciding = [1.0] * count, statistics.rounds_that_decide(count)
    others = statistics.lower_decile(rounds[:deciding] + [2.0] * (count - deciding)) - 1
    assert others == pytest.approx(0) if count <= 13 else 0 < others < 0.27
    if count > 6:
        assert statistics.lower_decile(rounds[: deciding - 1] + [2.0] * (count - deciding + 1)) > 1 + others


@pytest.mark.parametrize("count", [13, 17, 24])
def test_the_decile_of_more_rounds_is_the_mean_over_all_choices_of_twelve(count: int) -> None:
    rounds = np.random.default_rng(count).exponential(1, count).tolist()
    if count <= 17:
        chosen = [statistics.lower_decile([rounds[i] for i in choice]) for choice in combinations(range(count), 12)]
        assert statistics.lower_decile(rounds) == pytest.approx(np.mean(chosen))
    assert statistics.lower_decile([3.0] * count) == pytest.approx(3.0)


@pytest.mark.parametrize("quiet", [0.05, 0.1, 0.15, 0.2, 0.3, 0.6])
def test_more_rounds_make_a_kernel_no_faster_however_few_are_left_in_peace(quiet: float) -> None:
    """A kernel against itself, with 12 and 96 rounds, of which so many take 1 and the others 1.4."""
    rng = np.random.default_rng(int(100 * quiet))

    def rounds(count: int) -> list[float]:
        seconds = np.where(rng.random(count) < quiet, 1.0, 1.4) * np.exp(0.01 * rng.standard_normal(count))
        return [float(one) for one in seconds]

    values = [statistics.lower_decile(rounds(96)) - statistics.lower_decile(rounds(12)) for _ in range(3000)]
    assert abs(np.mean(values)) < 4 * np.std(values) / sqrt(3000)


@given(rounds_of, rounds_of)
def test_the_value_of_a_launch_is_the_log_ratio_of_lower_deciles(one: list[float], other: list[float]) -> None:
    value = statistics.log_ratio(one, other)
    assert value == pytest.approx(log(statistics.lower_decile(one)) - log(statistics.lower_decile(other)))
    assert statistics.log_ratio(other, one) == pytest.approx(-value)
    assert statistics.log_ratio(one, one) == 0


@pytest.mark.parametrize("rounds", [12, 24, 96])
def test_disturbances_of_half_of_the_rounds_hardly_change_the_ratio_of_any_numbers_of_rounds(rounds: int) -> None:
    """True times 1 and 1, with an error of 1%; disturbances that add up to 60% to every second round."""
    rng = np.random.default_rng(rounds)

    def launch(count: int) -> list[float]:
        slower = np.where(rng.random(count) < 0.5, rng.uniform(0, 0.6, count), 0)
        return [float(one) for one in np.exp(0.01 * rng.standard_normal(count)) * (1 + slower)]

    values = [statistics.log_ratio(launch(rounds), launch(12)) for _ in range(3000)]
    assert abs(np.mean(values)) < 0.003
    medians = [log(median(launch(rounds)) / median(launch(12))) for _ in range(3000)]
    assert np.std(values) < 0.25 * np.std(medians)


@pytest.mark.parametrize(("statistic", "value"), [("lower decile", 1.0), (None, 2.0), ("median", 2.0)])
def test_the_value_of_a_launch_is_what_a_file_says(statistic: str | None, value: float) -> None:
    assert statistics.value_of_launch(statistic)([1.0, 2.0, 9.0]) == value


def test_below_seven_launches_it_is_students_interval() -> None:
    logs = [0.1, 0.2, 0.3, 0.4, 0.6]
    half = 2.776445 * np.std(logs, ddof=1) / sqrt(5)  # t of 4 degrees of freedom
    result = statistics.interval(logs)
    assert result is not None
    assert (log(result.estimate), log(result.low), log(result.high)) == pytest.approx(
        (0.32, 0.32 - half, 0.32 + half)
    )


@pytest.mark.parametrize("launches", [2, 3, 6])
def test_below_seven_launches_it_is_scipys_t_test(launches: int) -> None:
    logs = np.random.default_rng(launches).normal(0.01, 0.02, launches).tolist()
    test = ttest_1samp(logs, 0.0)
    ratio = statistics.interval(logs, 0.9)
    assert ratio is not None
    assert (log(ratio.low), log(ratio.high)) == pytest.approx(tuple(test.confidence_interval(0.9)))
    assert statistics._p_value(logs) == pytest.approx(test.pvalue)


@pytest.mark.parametrize("launches", [7, 14, 28])  # SciPy trims ⌊L/7⌋ of these
def test_from_seven_launches_on_it_is_scipys_trimmed_interval(launches: int) -> None:
    logs = np.random.default_rng(launches).normal(0.01, 0.02, launches).tolist()
    ratio = statistics.interval(logs)
    assert ratio is not None
    expected = trimmed_mean_ci(logs, limits=(1 / 7, 1 / 7), inclusive=(True, True))
    assert (log(ratio.low), log(ratio.high)) == pytest.approx(tuple(expected))
    assert statistics.trimmed_mean(logs) == pytest.approx(trim_mean(logs, 1 / 7))


def test_from_seven_launches_on_one_is_trimmed_on_each_side() -> None:
    logs = [-9.0, 0.1, 0.2, 0.3, 0.4, 0.5, 9.0]
    winsorized = np.std([0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5], ddof=1)
    assert statistics.trimmed_mean(logs) == pytest.approx(0.3)
    assert statistics.half_width(logs) == pytest.approx(2.776445 * winsorized / (5 / 7 * sqrt(7)))


def test_one_launch_has_no_interval() -> None:
    assert statistics.interval([0.1]) is None
    assert statistics.half_width([0.1]) == float("inf")
    assert statistics.spread([1.0]) is None
    assert statistics.launches_needed([0.1]) is None
    assert statistics.verdict(None) == "no difference shown"


@pytest.mark.parametrize("launches", [5, 7, 10, 14])
@pytest.mark.parametrize("disturbed", [0.0, 0.1])
def test_coverage(launches: int, disturbed: float) -> None:
    """With normal launches, and with one in ten five times as far off. 4,000 trials: a sigma is 0.35%."""
    rng = np.random.default_rng([launches, int(10 * disturbed)])
    noise = rng.normal(0, 0.02, (4000, launches)) * np.where(rng.random((4000, launches)) < disturbed, 5, 1)
    covered = sum(abs(statistics.trimmed_mean(row)) <= statistics.half_width(row) for row in noise.tolist())
    assert covered / 4000 >= 0.95 - 3 * 0.0035


@given(logs_of)
def test_an_interval_contains_its_estimate_and_inverts_with_the_ratio(logs: list[float]) -> None:
    ratio, inverse = statistics.interval(logs), statistics.interval([-value for value in logs])
    assert ratio is not None
    assert inverse is not None
    assert ratio.low <= ratio.estimate * (1 + 1e-12)
    assert ratio.estimate <= ratio.high * (1 + 1e-12)
    assert inverse.low == pytest.approx(1 / ratio.high)
    assert inverse.estimate == pytest.approx(1 / ratio.estimate)


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (Estimate(1.05, 1.01, 1.09), "faster"),
        (Estimate(1.05, 0.99, 1.11), "no difference shown"),  # the interval contains 1
        (Estimate(1.01, 1.005, 1.015), "no difference shown"),  # shown, and too small to matter
        (Estimate(0.95, 0.92, 0.98), "slower"),
        (Estimate(0.99, 0.985, 0.995), "no difference shown"),
    ],
)
def test_verdicts(estimate: Estimate, expected: str) -> None:
    assert statistics.verdict(estimate) == expected


def test_how_many_launches_are_needed() -> None:
    rng = np.random.default_rng(1)
    logs = rng.normal(0, 0.05, 6).tolist()
    needed = statistics.launches_needed(logs)
    assert needed is not None
    assert statistics.half_width(logs) > 0.02
    more = (logs * needed)[:needed]  # that many launches, with the same spread
    assert statistics.half_width(more) == pytest.approx(0.02, rel=0.25)
    assert statistics.launches_needed([0.0, 5.0]) is None  # too many


def test_a_control_is_judged_together_with_the_others() -> None:
    off = [0.05 + d for d in (-0.01, 0.0, 0.01, 0.005, -0.005)]
    equal = [-0.01, 0.01, 0.0, 0.005, -0.004]
    assert statistics.differing_controls({"a": off, "b": equal}) == {"a"}
    # p is 0.03: a single control differs, one of five does not (Holm)
    border = [0.05 + 0.0335 * d for d in (-1.5, -0.5, 0.0, 0.5, 1.5)]
    assert statistics.differing_controls({"a": border}) == {"a"}
    assert statistics.differing_controls({"a": border, **dict.fromkeys("bcde", equal)}) == set()
    # of two, it differs if the other differs beyond doubt: it is the only one left to be judged
    assert statistics.differing_controls({"a": off, "b": border}) == {"a", "b"}
    # different beyond doubt, but by less than the smallest effect
    assert statistics.differing_controls({"a": [0.01, 0.0101, 0.0099, 0.01, 0.01]}) == set()


def test_controls_of_equal_kernels_rarely_differ() -> None:
    rng = np.random.default_rng(2)
    alarms = sum(
        bool(statistics.differing_controls({str(i): rng.normal(0, 0.03, 6).tolist() for i in range(6)}))
        for _ in range(400)
    )
    assert alarms <= 400 * 0.05 + 3 * sqrt(400 * 0.05 * 0.95)


def test_steady() -> None:
    rng = np.random.default_rng(3)
    settled = [rng.normal(1, 0.01, 20).tolist() for _ in range(6)]
    warming = [[value * (1.1 if i < 10 else 1.0) for i, value in enumerate(rounds)] for rounds in settled]
    assert statistics.steady(settled) is True
    assert statistics.steady(warming) is False
    assert statistics.steady(settled[:2]) is None
    assert statistics.steady([[1.0, 1.0, 1.0]] * 5) is None


def test_outliers_are_counted() -> None:
    assert statistics.outliers([1.0, 1.01, 0.99, 1.02, 0.98, 5.0]) == 1
    assert statistics.outliers([1.0] * 9) == 0


def test_an_exact_proportion() -> None:
    result = statistics.proportion(0, 100)
    assert (result.estimate, result.low) == (0.0, 0.0)
    assert result.high == pytest.approx(1 - 0.025 ** (1 / 100))


def test_the_spread_is_relative() -> None:
    assert statistics.spread([1.0, exp(0.02)]) == pytest.approx(0.02 / sqrt(2))
