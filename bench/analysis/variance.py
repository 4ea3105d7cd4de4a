"""Where the spread of a kernel's time comes from: calls, rounds, launches and runs. Pure: no clock, no files.

All numbers are natural logarithms of seconds, or of a ratio of two kernels' seconds, so a standard deviation of 0.01
is 1%. A launch's value is the lower decile of its rounds, or the log-ratio of two. The model is nested, with
independent terms:

    value of a launch = constant + run + launch + error of its rounds' decile

The rounds of a launch predict the variance of its value (bench/analysis/scatter.py). What the launches' values vary
by beyond that is the component of launches; what the runs' means vary by beyond their launches is the component of
runs. These are the moment estimators of a nested analysis of variance (Searle, Casella, McCulloch,
Variance Components, 1992, ch. 4).

The standard deviation of rounds is robust, 1.4826 MAD. The variance of launches is not, because a 95% interval from
five launches is not either.

Each component has the interval of Ting, Burdick, Graybill, Jeyaratnam and Lu for a difference of two mean squares
(Journal of Statistical Computation and Simulation 35 (1990) 135-143). It begins above 0 exactly if the F test of the
two mean squares rejects "no component" at 2.5%: only then is the component called shown.

Rounds that depend on one another make the predicted variance too small. `Spread.drift` shows it: what the deciles of
a launch's two halves differ by beyond their errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, log1p, sqrt
from statistics import fmean, median, pvariance

import scipy

from bench.analysis import scatter, statistics
from bench.analysis.scatter import Floats
from bench.analysis.statistics import CONFIDENCE

Launch = Sequence[Floats]
"""The seconds of its rounds; for a ratio those of the numerator, then those of the denominator."""

LAUNCHES = 5
"""A race ends after so many launches if its intervals are narrow enough."""
LARGE = 0.025
"""A half-width after five launches that leaves a difference of 5% between two kernels undecided."""
_DEGREES_PER_ROUND = 0.055
"""Degrees of freedom of the predicted variance, for each round: from its scatter in simulations of 60 to 240."""
_MANY_DEGREES = 1e6
_FEWEST_IN_HALF = 3


@dataclass(frozen=True)
class Component:
    """A variance that comes from one level, beyond the levels below it, with its 95% interval; none is below 0."""

    variance: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether the data show that it is not 0."""
        return self.low > 0


@dataclass(frozen=True)
class Spread:
    """Standard deviations of one series, and what each level predicts for the next."""

    rounds: float
    """Of the rounds of a launch; robust."""
    rounds_per_launch: float
    """The median number of rounds of a launch."""
    launches: float | None
    """Of the values of launches, within a run; None for one launch in each run."""
    launches_predicted: float
    """What the scatter of the launches' own rounds predicts."""
    degrees: int
    """Degrees of freedom of `launches`."""
    launch: Component | None
    drift: Component | None
    """Within a launch; None where launches have too few rounds to halve."""
    run: Component | None
    """None for one run."""
    runs: int

    @property
    def half_width(self) -> float | None:
        """Half the 95% interval, as a logarithm, that five launches like these give."""
        return None if self.launches is None else _half_width(self.launches, LAUNCHES)


@dataclass(frozen=True)
class Remedy:
    """What would make the half-width small enough. None where it cannot, or not with a sensible number."""

    launches: int | None
    """So many launches, with as many rounds in each."""
    rounds: int | None
    """So many rounds in each of five launches."""


def component(upper: float, upper_degrees: float, lower: float, lower_degrees: float, per: float = 1.0) -> Component:
    """The variance (upper − lower) / per from two independent mean squares, where `upper` has the expected value of
    `lower` and `per` times the component.
    """
    if not upper:
        return Component(0.0, 0.0, 0.0)
    n1, n2 = upper_degrees, min(max(lower_degrees, 1.0), _MANY_DEGREES)
    alpha = (1 - CONFIDENCE) / 2
    chi_square, f = scipy.stats.chi2, scipy.stats.f
    top, bottom = float(f.ppf(1 - alpha, n1, n2)), float(f.ppf(alpha, n1, n2))
    g1, h1 = 1 - n1 / chi_square.ppf(1 - alpha, n1), n1 / chi_square.ppf(alpha, n1) - 1
    g2, h2 = 1 - n2 / chi_square.ppf(1 - alpha, n2), n2 / chi_square.ppf(alpha, n2) - 1
    g12 = ((top - 1) ** 2 - (g1 * top) ** 2 - h2**2) / top
    h12 = ((1 - bottom) ** 2 - (h1 * bottom) ** 2 - g2**2) / bottom
    below = (g1 * upper) ** 2 + (h2 * lower) ** 2 + g12 * upper * lower
    above = (h1 * upper) ** 2 + (g2 * lower) ** 2 + h12 * upper * lower
    difference = upper - lower
    low, high = difference - sqrt(max(0.0, below)), difference + sqrt(max(0.0, above))
    return Component(max(0.0, difference) / per, max(0.0, low) / per, max(0.0, high) / per)


def spread(runs: Sequence[Sequence[Launch]]) -> Spread | None:
    """The spread of a series: its runs, and their launches. None without rounds."""
    runs = [kept for run in runs if (kept := [launch for launch in run if launch and all(launch)])]
    launches = [launch for run in runs for launch in run]
    if not launches:
        return None
    parts = [_logs(part) for part in zip(*launches, strict=True)]
    spacing, sizes = sum(scatter.spacing(part) ** 2 for part in parts), [min(map(len, launch)) for launch in launches]
    rounds_degrees = _DEGREES_PER_ROUND * sum(sizes)
    predicted = spacing * fmean(map(scatter.uniform_variance, sizes))
    values = [[_value(launch) for launch in run] for run in runs]
    degrees = sum(len(run) - 1 for run in values)
    within = sum(pvariance(run) * len(run) for run in values) / degrees if degrees else None
    return Spread(
        rounds=sqrt(sum(scatter.robust_deviation(part) ** 2 for part in parts)),
        rounds_per_launch=median(sizes),
        launches=None if within is None else sqrt(within),
        launches_predicted=sqrt(predicted),
        degrees=degrees,
        launch=None if within is None else component(within, degrees, predicted, rounds_degrees),
        drift=_drift(launches, spacing, rounds_degrees),
        run=None if within is None or len(values) < 2 else _run_component(values, within, degrees),
        runs=len(runs),
    )


def _logs(rounds: Sequence[Floats]) -> list[list[float]]:
    return [[log(seconds) for seconds in launch] for launch in rounds]


def _value(launch: Launch) -> float:
    return log(statistics.lower_decile(launch[0])) if len(launch) == 1 else statistics.log_ratio(*launch)


def _drift(launches: Sequence[Launch], spacing: float, degrees: float) -> Component | None:
    """Half of the mean square of what the halves' deciles differ by, beyond what their rounds predict."""
    halves = [
        ([part[: len(part) // 2] for part in launch], [part[len(part) // 2 :] for part in launch])
        for launch in launches
        if min(map(len, launch)) >= 2 * _FEWEST_IN_HALF
    ]
    if not halves:
        return None
    observed = fmean((_value(late) - _value(early)) ** 2 for early, late in halves) / 2
    predicted = spacing * fmean(scatter.uniform_variance(min(map(len, half))) for pair in halves for half in pair)
    return component(observed, len(halves), predicted, degrees)


def _run_component(values: Sequence[Sequence[float]], within: float, degrees: int) -> Component:
    """Of runs with possibly different numbers of launches, whose effective number is n0 (Searle et al., ch. 3)."""
    sizes = [len(run) for run in values]
    total, means = sum(sizes), [fmean(run) for run in values]
    whole = sum(size * mean for size, mean in zip(sizes, means, strict=True)) / total
    between = sum(size * (mean - whole) ** 2 for size, mean in zip(sizes, means, strict=True)) / (len(values) - 1)
    n0 = (total - sum(size**2 for size in sizes) / total) / (len(values) - 1)
    return component(between, len(values) - 1, within, degrees, n0)


def _half_width(deviation: float, launches: int) -> float:
    degrees = statistics.degrees_of_freedom(launches)
    return statistics.t_quantile(degrees) * deviation / sqrt(launches)


def remedy(of: Spread, half: float = LARGE) -> Remedy:
    """How many launches, or how many rounds in each of five, would give intervals of ±half.

    More rounds make smaller only what is not a component of launches; one that is not shown is taken to be 0.
    """
    if of.launches is None or of.launch is None:
        return Remedy(None, None)
    target = log1p(half)
    counts = range(2, statistics.MOST_LAUNCHES)
    launches = next((count for count in counts if _half_width(of.launches, count) <= target), None)
    stays = of.launch.variance if of.launch.shown else 0.0
    left = (target / _half_width(1.0, LAUNCHES)) ** 2 - stays
    rounds = ceil(of.rounds_per_launch * (of.launches**2 - stays) / left) if left > 0 else None
    return Remedy(launches, rounds)


def widened(planted: Spread, idle: Spread, comparisons: int = 1) -> float | None:
    """How many times as wide the launches spread with a planted cause; below 1 the cause narrowed it.

    None if the two-sided F test shows no change, at 5% for so many comparisons together.
    """
    if not planted.launches or not idle.launches:
        return None
    ratio = (planted.launches / idle.launches) ** 2
    alpha = (1 - statistics.bonferroni_confidence(comparisons)) / 2
    low, high = scipy.stats.f.ppf([alpha, 1 - alpha], planted.degrees, idle.degrees)
    return None if low <= ratio <= high else sqrt(ratio)
