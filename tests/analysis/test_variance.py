"""Planted variances are found again, and intervals have their coverage: simulated series, no clock."""

from __future__ import annotations

from math import exp, inf, log, log1p, sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import chi2, f

from bench.analysis import scatter, statistics, variance
from bench.analysis.variance import Component, Remedy, Spread

values = st.floats(-1, 1)
launches_of = st.lists(st.lists(values, min_size=1, max_size=9), min_size=1, max_size=6)
series_of = st.lists(launches_of, min_size=1, max_size=4)
squares, degrees_of = st.floats(1e-6, 1e6), st.integers(1, 200)


def simulated(
    rng: np.random.Generator, runs: int, launches: int, rounds: int, run: float, launch: float, error: float
) -> list[list[list[float]]]:
    return [
        [(of_run + rng.normal(0, launch) + rng.normal(0, error, rounds)).tolist() for _ in range(launches)]
        for of_run in rng.normal(0, run, runs)
    ]


def spread(series: list[list[list[float]]]) -> Spread:
    """series: logarithms of the rounds of each run and launch"""
    made = variance.spread([[([exp(value) for value in launch],) for launch in run] for run in series])
    assert made is not None
    return made


@pytest.mark.parametrize("size", [5, 10, 41])
def test_the_robust_deviation_is_that_of_normal_values(size: int) -> None:
    groups = np.random.default_rng(size).normal(3.0, 0.02, (4000, size)) + np.arange(4000)[:, None]
    assert scatter.robust_deviation(groups.tolist()) == pytest.approx(0.02, rel=0.05)


def test_the_robust_deviation_ignores_a_fifth_of_wild_values() -> None:
    rng = np.random.default_rng(1)
    groups = rng.normal(0, 0.02, (500, 20))
    groups[:, ::5] += 50
    assert scatter.robust_deviation(groups.tolist()) < 1.6 * 0.02
    assert scatter.robust_deviation([[1.0], [7.0]]) == 0.0
    assert scatter.robust_deviation([]) == 0.0


@pytest.mark.parametrize("rounds", [6, 12, 16, 24, 48, 96])
@pytest.mark.parametrize("scatter_of", ["normal", "exponential", "half disturbed"])
def test_the_variance_of_a_decile(rounds: int, scatter_of: str) -> None:
    rng = np.random.default_rng(rounds)

    def launches(count: int) -> np.ndarray:
        size = count, rounds
        if scatter_of == "half disturbed":
            return rng.normal(0, 0.1, size) + (rng.random(size) < 0.4) * rng.uniform(0, 5, size)
        return rng.normal(0, 1, size) if scatter_of == "normal" else rng.exponential(1, size)

    deciles = [statistics.lower_decile(launch) for launch in launches(4000)]
    predicted = scatter.uniform_variance(rounds) * np.mean(
        [scatter.spacing(launches(5).tolist()) ** 2 for _ in range(300)]
    )
    within = (0.8, 1.15) if rounds > 6 else (0.8, 10)  # of few rounds it is that of normal ones
    assert within[0] < sqrt(predicted) / np.std(deciles) < within[1]


@pytest.mark.parametrize("count", [1, 3, 12, 13, 40])
def test_the_variance_of_a_decile_of_uniform_numbers(count: int) -> None:
    uniform = np.random.default_rng(count).random((20000, count))
    deciles = [statistics.lower_decile(numbers) for numbers in uniform]
    assert scatter.uniform_variance(count) == pytest.approx(np.var(deciles), rel=0.05)  # 5 standard errors


def test_a_component_below_a_known_variance_has_the_exact_interval() -> None:
    low, high = (9 * 4.0 / chi2.ppf(share, 9) - 1.0 for share in (0.975, 0.025))
    of = variance.component(4.0, 9, 1.0, inf, per=2.0)
    assert (of.variance, of.low, of.high) == pytest.approx((1.5, low / 2, high / 2), rel=1e-4)


@given(squares, degrees_of, squares, degrees_of, st.floats(0.5, 20))
def test_a_component_is_shown_exactly_if_the_f_test_says_so(
    upper: float, n1: int, lower: float, n2: int, per: float
) -> None:
    of = variance.component(upper, n1, lower, n2, per)
    assert 0 <= of.low <= of.variance <= of.high
    assert of.variance == max(0.0, upper - lower) / per
    if abs(log(upper / lower) - log(f.ppf(0.975, n1, n2))) > 1e-3:
        assert of.shown is bool(upper / lower > f.ppf(0.975, n1, n2))


@pytest.mark.parametrize(("n1", "n2"), [(4, 9), (2, 200), (30, 3)])
def test_an_interval_begins_and_ends_at_0_where_the_f_test_decides(n1: int, n2: int) -> None:
    assert variance.component(float(f.ppf(0.975, n1, n2)), n1, 1.0, n2).low == pytest.approx(0.0, abs=1e-9)
    assert variance.component(float(f.ppf(0.025, n1, n2)), n1, 1.0, n2).high == pytest.approx(0.0, abs=1e-6)


def test_no_spread_at_all_has_no_component() -> None:
    assert variance.component(0.0, 4, 0.0, 9) == Component(0.0, 0.0, 0.0)
    assert variance.component(1.0, 4, 0.0, 9).shown


@pytest.mark.parametrize("planted", [0.0, 0.5, 3.0, 4.0])
def test_the_interval_covers_the_planted_component(planted: float) -> None:
    """planted: in units of the standard error of a launch's decile. It is shown as often as the F test finds it."""
    rng, rounds, error, trials = np.random.default_rng(7), 15, 0.01, 400
    launch = planted * error * sqrt(2.5 / rounds)  # 2.5: measured for normal rounds
    parts = [spread(simulated(rng, 1, 8, rounds, 0, launch, error)).launch for _ in range(trials)]
    covered = sum(part is not None and part.low <= launch**2 <= part.high for part in parts)
    assert covered / trials >= 0.93
    degrees = variance._DEGREES_PER_ROUND * rounds * 8
    power = f.sf(f.ppf(0.975, 7, degrees) / (1 + planted**2), 7, degrees)
    shown = sum(part is not None and part.shown for part in parts) / trials
    assert abs(shown - power) < 0.01 + 3 * sqrt(power * (1 - power) / trials)


def test_all_planted_components_are_recovered() -> None:
    of = spread(simulated(np.random.default_rng(3), 60, 30, 25, 0.05, 0.02, 0.01))
    assert of.launch is not None
    assert of.run is not None
    assert of.rounds == pytest.approx(0.01, rel=0.05)
    assert sqrt(of.launch.variance) == pytest.approx(0.02, rel=0.1)
    assert sqrt(of.run.variance) == pytest.approx(0.05, rel=0.25)
    assert of.run.low < 0.05**2 < of.run.high
    assert of.launches == pytest.approx(sqrt(0.02**2 + of.launches_predicted**2), rel=0.1)
    assert (of.rounds_per_launch, of.degrees, of.runs) == (25, 60 * 29, 60)
    assert not (of.drift and of.drift.shown)


def test_runs_with_different_numbers_of_launches() -> None:
    rng, estimates = np.random.default_rng(5), []
    for _ in range(300):
        short, long, other = simulated(rng, 3, 20, 1, 0.3, 0.0001, 0.0)
        of = spread([short[:2], long, other[:4]]).run
        assert of is not None
        estimates.append(of.variance)
    assert sqrt(np.mean(estimates)) == pytest.approx(0.3, rel=0.07)


def test_a_drift_within_launches_is_shown_as_one() -> None:
    series = simulated(np.random.default_rng(4), 1, 10, 20, 0, 0.0, 0.005)
    drifting = [[[value + 0.002 * step for step, value in enumerate(launch)] for launch in series[0]]]
    still, of = spread(series).drift, spread(drifting).drift
    assert still is not None
    assert of is not None
    assert of.shown
    assert not still.shown
    assert sqrt(of.variance) == pytest.approx(0.002 * 10 / sqrt(2), rel=0.1)
    assert spread([[[0.0, 0.1, 0.2, 0.1, 0.0]]]).drift is None


def test_what_is_missing_is_none() -> None:
    assert variance.spread([]) is None
    assert variance.spread([[[]], []]) is None
    single = spread([[[0.1, 0.2, 0.3]]])
    assert (single.launches, single.launch, single.run, single.half_width) == (None, None, None, None)
    assert variance.remedy(single) == Remedy(None, None)
    assert spread([[[0.1], [0.2]]]).run is None
    assert spread([[[0.1], []], [[0.2], [0.4]]]).degrees == 1


@given(series_of, st.floats(-5, 5))
def test_only_differences_count(series: list[list[list[float]]], shift: float) -> None:
    before = spread(series)
    after = spread([[[value + shift for value in launch] for launch in run] for run in series])
    for name in ("rounds", "launches", "launches_predicted"):
        one, other = getattr(before, name), getattr(after, name)
        assert (one is None) is (other is None)
        if one is not None:
            assert other == pytest.approx(one, rel=1e-6, abs=1e-9)


@given(series_of)
def test_the_order_of_launches_and_runs_does_not_matter(series: list[list[list[float]]]) -> None:
    one, other = spread(series), spread([run[::-1] for run in series[::-1]])
    assert one.launches == pytest.approx(other.launches, abs=1e-12)
    assert one.rounds == pytest.approx(other.rounds)
    for first, second in ((one.launch, other.launch), (one.run, other.run)):
        assert (first is None) is (second is None)
        if first and second:
            assert (first.variance, first.high) == pytest.approx((second.variance, second.high), abs=1e-12)


def test_five_launches_have_the_width_that_a_race_would_give() -> None:
    logs = [0.01, 0.03, 0.02, 0.05, 0.06]
    assert spread([[[value] for value in logs]]).half_width == pytest.approx(statistics.half_width(logs))


def of(launches: float, predicted: float, component: Component, rounds: float = 20) -> Spread:
    return Spread(0.01, rounds, launches, predicted, 9, component, None, None, 1)


def test_more_launches_or_more_rounds() -> None:
    none, target = Component(0.0, 0.0, 1e-4), log1p(0.025)
    by_rounds = variance.remedy(of(0.04, 0.04, none))
    assert by_rounds.rounds is not None
    assert by_rounds.launches is not None
    # twenty rounds give 0.04; the standard deviation falls with the root of their number
    assert statistics.t_quantile(4) * 0.04 * sqrt(20 / by_rounds.rounds) / sqrt(5) <= target
    assert statistics.t_quantile(4) * 0.04 * sqrt(20 / (by_rounds.rounds - 1)) / sqrt(5) > target
    count = by_rounds.launches
    assert statistics.t_quantile(statistics.degrees_of_freedom(count)) * 0.04 / sqrt(count) <= target
    assert count > 5
    stays = variance.remedy(of(0.04, 0.01, Component(0.04**2 - 0.01**2, 1e-4, 1e-2)))
    assert stays == Remedy(by_rounds.launches, None)
    assert variance.remedy(of(0.01, 0.01, none)).launches == 4


def test_an_effect_needs_a_variance_that_the_f_test_finds_different() -> None:
    none = Component(0.0, 0.0, 0.0)
    idle = of(0.01, 0.01, none)
    limit = sqrt(float(f.ppf(0.975, 9, 9)))
    assert variance.widened(of(0.0101 * limit, 0.01, none), idle) == pytest.approx(1.01 * limit)
    assert variance.widened(of(0.0099 * limit, 0.01, none), idle) is None
    assert variance.widened(of(0.0101 * limit, 0.01, none), idle, comparisons=7) is None
    assert variance.widened(of(0.0099 / limit, 0.01, none), idle) == pytest.approx(0.99 / limit)
    assert variance.widened(of(0.0, 0.01, none), idle) is None


@pytest.mark.parametrize("calls", [1, 2, 3, 29, 30, 100])
def test_the_spread_of_calls_is_recovered_from_rounds_of_any_number(calls: int) -> None:
    """The rounds have different speeds, which do not count; in rounds of one call there is no such difference."""
    rng = np.random.default_rng(calls)
    rounds = rng.normal(1.0, 0.02, (3000, calls)) * (rng.uniform(1, 5, (3000, 1)) if calls > 1 else 1.0)
    middles = np.median(rounds, axis=1)
    distances = np.median(np.abs(rounds - middles[:, None]), axis=1)
    columns = [column.tolist() for column in (rounds.mean(axis=1), middles, distances, rounds.std(axis=1))]
    assert scatter.call_deviation(calls, *columns) == pytest.approx(0.02, rel=0.06)
    assert scatter.call_deviation(calls, [], [], [], []) == 0.0


@given(st.lists(st.floats(0.1, 9), min_size=1, max_size=20), st.lists(st.floats(0.1, 9), min_size=1, max_size=20))
def test_a_ratio_has_the_values_of_a_race(one: list[float], other: list[float]) -> None:
    made = variance.spread([[(one, other), (one[:1], other)]])
    assert made is not None
    values = statistics.log_ratio(one, other), statistics.log_ratio(one[:1], other)
    assert made.launches == pytest.approx(abs(values[0] - values[1]) / sqrt(2))


def test_a_ratio_varies_by_what_both_vary_by() -> None:
    rng = np.random.default_rng(2)
    launches = [[np.exp(rng.normal(0, error, 24)).tolist() for error in (0.03, 0.04)] for _ in range(200)]
    made = variance.spread([launches])
    assert made is not None
    assert made.rounds == pytest.approx(0.05, rel=0.1)
    assert made.launches == pytest.approx(made.launches_predicted, rel=0.2)
