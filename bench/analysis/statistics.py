"""From rounds to numbers: ratios, each with its interval and its verdict. Pure: no clock, no files.

The launch is the unit, and its value for a kernel is the *lower decile* of its rounds: the time that one round in ten
beats. What the system, other programs and the other hardware thread of a core do to a round only adds time: to more
than half of the rounds of one minute and to few of the next. So a launch's median says how busy the machine was, and
near the fastest rounds launches agree. On a virtual machine with two cores, half of the 48 intervals from five
launches were within ±7.8% with the medians of the ratios of paired rounds, and within ±5.9% with lower deciles; half
an hour earlier ±5.3 and ±3.8%. The minimum does as well (Chen and Revels, arXiv:1608.04295, 2016), but it falls with
the number of rounds and is one round's luck. Rounds are interleaved in random order: what drifts slowly meets all.

The log-ratio of two kernels' lower deciles is the value of the launch for their ratio. Across L launches the interval
is that of Tukey and McLaughlin (Sankhyā A 25 (1963) 331-352) for a trimmed mean, transformed back with exp:

    trimmed mean ± t · s_w / ((1 − 2g/L) √L),    t: Student's quantile with L − 2g − 1 degrees of freedom

The g = ⌊L/7⌋ smallest and the g largest values are left out of the mean, and s_w is the winsorized standard
deviation. Below 7 launches g = 0, and it is Student's interval. So one launch on a busy machine neither moves the
estimate nor widens the interval much. The interval covers the logarithm of the true ratio with 95% confidence if
launches are independent and their values are symmetric, and normal except for a few. Launches are independent by
construction: each starts new processes at new addresses. The rest is tested by `python -m bench selftest`, which
counts how many intervals of a kernel against itself contain 1. Rounds of one launch depend on one another, so more
rounds do not narrow an interval; more launches do.

The variance is not pooled over kernels: it differs by an order of magnitude between a JIT kernel in cache and one
that waits for memory. Multiple comparisons are corrected (Holm, Bonferroni) only where something is decided.

SciPy computes what it has. Not in SciPy, or not usable: the trimmed mean of a *count* (`trim_mean` and
`mstats.trimmed_mean_ci` take a proportion and truncate, so 6/47 trims 5 of 47; the latter fails without trimming),
Holm's correction, and Welch's interval from two intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, comb, exp, inf, log, sqrt
from statistics import fmean, median, stdev

import numpy as np
import scipy  # it loads scipy.stats (0.5 s) at the first use

CONFIDENCE = 0.95
SMALLEST_EFFECT = 0.02
"""A smaller difference gets no verdict: the cores of one machine differ by more."""
MOST_LAUNCHES = 1000
"""More are never advised."""
STATISTIC, DECILE = "lower decile", 0.1
"""What the value of a launch is. In files that do not say so it is the median."""
CHOSEN_ROUNDS, _ONE_DECIDES = 12, 6
"""As many rounds as a kernel has at least in a launch (bench/runner/plan.py); of up to six the fastest counts."""
_WIDEST = 60.0
_OUTLIER = 5.0
"""In units of 1.4826 · MAD, which is the standard deviation of normal rounds: one in a million is so far away."""


@dataclass(frozen=True)
class Estimate:
    """A number and its interval, at 95% confidence unless another is asked for."""

    estimate: float
    low: float
    high: float


def lower_decile(seconds: Sequence[float]) -> float:
    """The time that one round in ten beats, as 12 rounds show it; the fastest of up to six rounds.

    Of more than 12 rounds it is the mean over all choices of 12: a kernel does not seem faster because it had more
    rounds. (Their own decile would fall with their number where few rounds are left in peace: NumPy at 50000x32 was
    2.5% faster than itself with half as many rounds, in three races of three.) The quantile is the eighth of Hyndman
    and Fan (The American Statistician 50 (1996) 361-365), whose median is about the true quantile.
    """
    return float(decile_weights(len(seconds)) @ np.sort(seconds))


@cache
def decile_weights(count: int) -> np.ndarray:
    """What each of so many sorted rounds counts for in the decile, (count,).

    Of up to six the fastest is the decile; of more than 12, each counts as often as 12 of them have it first or next.
    """
    chosen = min(count, CHOSEN_ROUNDS)
    choices, share = comb(count, chosen), max(0.0, (chosen + 1 / 3) * DECILE + 1 / 3 - 1)
    first = [comb(count - 1 - i, chosen - 1) / choices for i in range(count)]
    second = [i * comb(count - 1 - i, max(0, chosen - 2)) / choices for i in range(count)]
    return (1 - share) * np.array(first) + share * np.array(second)


def rounds_that_decide(count: int) -> int:
    """How many of so many rounds, from the fastest on, the lower decile depends on most: a sixth, 1 or 2 at least."""
    return max(min(count, 1 if count <= _ONE_DECIDES else 2), ceil(count / 6))


def value_of_launch(statistic: str | None) -> Callable[[Sequence[float]], float]:
    """From the rounds of a launch to its value, in a file that names this statistic."""
    return lower_decile if statistic == STATISTIC else median


def log_ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """The value of one launch: the logarithm of the ratio of two kernels' lower deciles, of rounds in seconds."""
    return log(lower_decile(numerator) / lower_decile(denominator))


def interval(logs: Sequence[float], confidence: float = CONFIDENCE) -> Estimate | None:
    """The exponential of the launches' trimmed mean, with its interval; None for one launch."""
    if len(logs) < 2:
        return None
    mean, half = trimmed_mean(logs), half_width(logs, confidence)
    return Estimate(exp(mean), _limited_exp(mean - half), _limited_exp(mean + half))


def _limited_exp(exponent: float) -> float:
    """exp within 10⁻²⁶ and 10²⁶: an interval that reaches so far says nothing; that of two launches can be wider."""
    return exp(min(max(exponent, -_WIDEST), _WIDEST))


def trimmed_mean(logs: Sequence[float]) -> float:
    """The mean without the g smallest and the g largest values."""
    trimmed = _trimmed_count(len(logs))
    return fmean(sorted(logs)[trimmed : len(logs) - trimmed])


def half_width(logs: Sequence[float], confidence: float = CONFIDENCE) -> float:
    """Half the width of the interval, as a logarithm; infinite for one launch."""
    if len(logs) < 2:
        return inf
    return t_quantile(degrees_of_freedom(len(logs)), confidence) * standard_error(logs)


def standard_error(logs: Sequence[float]) -> float:
    """The standard error of the trimmed mean, for two launches or more."""
    return _spread_per_launch(logs) / sqrt(len(logs))


def degrees_of_freedom(launches: int) -> int:
    """The degrees of freedom of the trimmed mean's interval."""
    return launches - 2 * _trimmed_count(launches) - 1


def _trimmed_count(launches: int) -> int:
    """g: how many values are trimmed on each side."""
    return launches // 7


def _spread_per_launch(logs: Sequence[float]) -> float:
    """s_w / (1 − 2g/L), which does not depend on how much is trimmed."""
    share = _trimmed_count(len(logs)) / len(logs)
    winsorized = scipy.stats.mstats.winsorize(np.asarray(logs), limits=(share, share), inclusive=(False, False))
    return float(np.std(winsorized, ddof=1)) / (1 - 2 * share)


def launches_needed(logs: Sequence[float], half: float = SMALLEST_EFFECT) -> int | None:
    """How many launches would narrow the interval to ±half; None for one launch, or if it takes too many."""
    if len(logs) < 2:
        return None
    counts = range(2, MOST_LAUNCHES)
    quantiles = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, [degrees_of_freedom(count) for count in counts])
    spread = _spread_per_launch(logs)
    return next(
        (count for count, quantile in zip(counts, quantiles, strict=True) if quantile * spread / sqrt(count) <= half),
        None,
    )


def bonferroni_confidence(comparisons: int) -> float:
    """The confidence of each of several intervals such that all hold together with 95% (Bonferroni)."""
    return 1 - (1 - CONFIDENCE) / max(1, comparisons)


def welch_interval(
    numerator: Estimate, launches: int, denominator: Estimate, other_launches: int, confidence: float = CONFIDENCE
) -> Estimate:
    """The ratio of two numbers that were measured at different times, from their 95% intervals (Welch).

    It includes how each number varies from launch to launch, but not how the machine changed between the two times.
    """
    degrees_of_each = degrees_of_freedom(launches), degrees_of_freedom(other_launches)
    halves = [log(number.high / number.low) / 2 for number in (numerator, denominator)]
    squares = [(half / t_quantile(degrees)) ** 2 for half, degrees in zip(halves, degrees_of_each, strict=True)]
    ratio, variance = numerator.estimate / denominator.estimate, sum(squares)
    if variance == 0:
        return Estimate(ratio, ratio, ratio)
    joint_degrees = variance**2 / sum(
        square**2 / degrees for square, degrees in zip(squares, degrees_of_each, strict=True)
    )
    half = t_quantile(joint_degrees, confidence) * sqrt(variance)
    return Estimate(ratio, ratio * _limited_exp(-half), ratio * _limited_exp(half))


def verdict(ratio: Estimate | None) -> str:
    """faster, slower or no difference shown, for the ratio of another kernel's time to this kernel's time.

    A difference must be shown and must matter: the interval does not contain 1, and the estimate differs from 1 by
    the smallest effect or more.
    """
    if ratio is not None and ratio.low > 1 and ratio.estimate >= 1 + SMALLEST_EFFECT:
        return "faster"
    if ratio is not None and ratio.high < 1 and ratio.estimate <= 1 / (1 + SMALLEST_EFFECT):
        return "slower"
    return "no difference shown"


def differing_controls(controls: Mapping[str, Sequence[float]]) -> set[str]:
    """Which of several ratios of a kernel to itself are not 1, at a level of 5% for all of them together (Holm)."""
    p_values = {name: _p_value(logs) for name, logs in controls.items() if len(logs) > 1}
    rejected: set[str] = set()
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        if p_values[name] > (1 - CONFIDENCE) / (len(p_values) - rank):
            break
        rejected.add(name)
    return {name for name in rejected if verdict(interval(controls[name])) != "no difference shown"}


def spread(values: Sequence[float]) -> float | None:
    """The relative standard deviation of the launches' values; None for one launch."""
    return stdev(map(log, values)) if len(values) > 1 else None


def steady(launches: Sequence[Sequence[float]]) -> bool | None:
    """Whether a kernel was in its steady state: in each launch, the second half of the rounds is like the first half.

    The two halves are compared as in pyperf's calibration, but over all launches: the kernel was not steady if the
    ratio of the halves' medians is faster or slower. None if there are too few launches or rounds.
    """
    halves = [(rounds[: len(rounds) // 2], rounds[(len(rounds) + 1) // 2 :]) for rounds in launches]
    logs = [log(median(late) / median(early)) for early, late in halves if len(early) > 1]
    if len(logs) < 3:
        return None
    return verdict(interval(logs)) == "no difference shown"


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of normal values with this median absolute deviation."""
    return 1.4826 * float(scipy.stats.median_abs_deviation(values))


def outliers(rounds: Sequence[float]) -> int:
    """How many rounds are far from the median. They are counted, and never dropped."""
    middle, spread = median(rounds), deviation(rounds)
    return sum(abs(seconds - middle) > _OUTLIER * spread for seconds in rounds) if spread else 0


def proportion(successes: int, trials: int) -> Estimate:
    """A proportion with the exact interval of Clopper and Pearson."""
    exact = scipy.stats.binomtest(successes, trials).proportion_ci(CONFIDENCE, method="exact")
    return Estimate(successes / trials, float(exact.low), float(exact.high))


def t_quantile(degrees: float, confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of Student's t distribution; of the normal distribution for infinitely many degrees."""
    return float(scipy.stats.t.ppf((1 + confidence) / 2, degrees))


def _p_value(logs: Sequence[float]) -> float:
    """The p-value of the hypothesis that the trimmed mean is 0."""
    error = standard_error(logs)
    if error == 0:
        return 0.0 if trimmed_mean(logs) else 1.0
    return float(2 * scipy.stats.t.sf(abs(trimmed_mean(logs)) / error, degrees_of_freedom(len(logs))))
