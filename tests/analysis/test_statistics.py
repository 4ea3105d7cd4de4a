"""Intervals have their coverage, and verdicts follow from them: rounds made by hand, no clock."""

from __future__ import annotations

from math import exp, log, sqrt
from statistics import median

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import trim_mean, ttest_1samp
from scipy.stats.mstats import trimmed_mean_ci

from bench.analysis import statistics
from bench.analysis.statistics import Estimate, Rounds

logs_of = st.lists(st.floats(-2, 2), min_size=2, max_size=30)


def test_the_value_of_a_launch_is_the_median_of_its_pairs() -> None:
    # a disturbance of both rounds of a pair cancels; one of a single round does not move the median
    sweeps = [0, 1, 2, 3, 4]
    ratio = statistics.log_ratio(Rounds([2, 20, 2, 2, 9], sweeps), Rounds([1, 10, 1, 1, 1], sweeps))
    assert ratio == pytest.approx(log(2))


times = st.floats(1e-9, 1e3)


@given(st.lists(st.tuples(times, times), min_size=1, max_size=40), st.sampled_from([1, 2, 4, 8]), st.data())
def test_in_the_same_sweeps_the_value_is_the_median_of_log_ratios(
    pairs: list[tuple[float, float]], period: int, data: st.DataObject
) -> None:
    offset = data.draw(st.integers(0, period - 1))
    sweeps = [offset + period * number for number in range(len(pairs))]
    numerator, denominator = zip(*pairs, strict=True)
    expected = median(log(one / other) for one, other in pairs)
    value = statistics.log_ratio(Rounds(numerator, sweeps), Rounds(denominator, sweeps))
    assert value == pytest.approx(expected, abs=1e-9)
    assert statistics.log_ratio(Rounds(denominator, sweeps), Rounds(numerator, sweeps)) == pytest.approx(-value)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=20, unique=True), times)
def test_a_kernel_over_itself_is_0_whatever_sweeps_count(sweeps: list[int], seconds: float) -> None:
    rounds = Rounds([seconds * (1 + sweep) for sweep in sorted(sweeps)], sorted(sweeps))
    assert statistics.log_ratio(rounds, rounds) == 0


def test_kernels_of_different_periods_are_compared_in_blocks() -> None:
    every = Rounds([1, 2, 3, 9] + [4] * 4 + [8, 8, 2, 2], list(range(12)))
    fourth = Rounds([2, 8, 16], [1, 5, 9])
    # the medians of logarithms in blocks of four: √6, 4 and 4
    assert statistics.log_ratio(fourth, every) == pytest.approx(log(2))
    assert statistics.log_ratio(every, fourth) == pytest.approx(-log(2))
    second = Rounds([1, 3, 5, 7], [0, 2, 4, 6])
    assert statistics.log_ratio(second, fourth) == pytest.approx((log(sqrt(3) / 2) + log(sqrt(35) / 8)) / 2)


def test_a_block_that_only_one_kernel_has_is_left_out() -> None:
    first, second = Rounds([1, 1, 1, 5], [0, 2, 4, 6]), Rounds([2, 2, 2, 2, 2, 2], [0, 1, 2, 3, 4, 5])
    assert statistics.log_ratio(second, first) == pytest.approx(log(2))


def test_several_rounds_of_a_sweep_are_one_block() -> None:
    """Disturbed sweeps that were repeated, and count all the same."""
    first, second = Rounds([8, 4, 2, 2], [0, 0, 0, 1]), Rounds([1, 1, 1, 1], [0, 0, 0, 1])
    assert first.period == 1
    assert statistics.log_ratio(first, second) == pytest.approx((log(4) + log(2)) / 2)


def test_kernels_without_a_common_block_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="^the kernels have no sweep in common; expected rounds of one launch$"):
        statistics.log_ratio(Rounds([1, 1], [0, 1]), Rounds([1, 1], [2, 3]))


@pytest.mark.parametrize("period", [1, 2, 4, 8])
def test_a_linear_drift_does_not_bias_the_ratio(period: int) -> None:
    """A machine that gets 1% slower with each sweep. In a block a kernel is (period − 1)/2 sweeps early at most, or
    as late; with a random offset it is neither on average.
    """
    slower = 0.01
    every = Rounds([exp(slower * sweep) for sweep in range(96)], list(range(96)))
    values = []
    for offset in range(period):
        sweeps = list(range(offset, 96, period))
        values.append(statistics.log_ratio(Rounds([2 * exp(slower * sweep) for sweep in sweeps], sweeps), every))
    assert np.mean(values) == pytest.approx(log(2), abs=1e-12)
    assert max(values) - log(2) == pytest.approx(slower * (period - 1) / 2)


@pytest.mark.parametrize(
    ("sweeps", "period"), [([], 1), ([5], 1), ([0, 1, 2], 1), ([1, 5, 9], 4), ([7, 23, 31], 8), ([0, 0, 2], 2)]
)
def test_the_period_follows_from_the_sweeps(sweeps: list[int], period: int) -> None:
    assert Rounds([1.0] * len(sweeps), sweeps).period == period


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
