"""From rounds to numbers: ratios, each with its interval and its verdict. Pure: no clock, no files.

The launch is the unit. Within one, the rounds of two kernels are paired (they were timed side by side, in
random order), and the median of their log-ratios is what the launch says. Across L launches the interval is
that of Tukey and McLaughlin (Sankhyā A 25 (1963) 331-352) for a trimmed mean, and back through exp:

    trimmed mean ± t · s_w / ((1 − 2g/L) √L),    t: Student's with L − 2g − 1 degrees of freedom

g, a seventh of the launches, is left out of the mean on either side, and s_w is the standard deviation with
those launches drawn in to their neighbours. Below 7 launches g = 0, and it is Student's interval. A launch during
which somebody else was busy then neither moves the estimate nor blows up the interval. It holds the logarithm
of the true ratio with 95% confidence if launches are independent and their medians are symmetric, and normal but for
a few. The first is so by construction: every launch is new processes at new addresses. The second is what
`python -m bench selftest` tests: the share of intervals of a kernel against itself that hold 1.
Rounds are many and depend on one another, so their number does not narrow an interval; launches do.

No spread is pooled over kernels: they differ by an order of magnitude between a JIT kernel in cache and one
that waits for memory. No correction for many comparisons is made where they only inform; Holm's is, where
something is decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from statistics import fmean, median, stdev

CONFIDENCE = 0.95
SMALLEST_EFFECT = 0.02
"""A difference below this is not called one: cores of one machine differ by more."""
MOST_LAUNCHES = 1000
"""More than this is not advised."""
_OUTLIER = 5.0
"""In units of 1.4826 · MAD, a standard deviation where rounds are normal: one in a million is so far off."""


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that holds the true one with 95% confidence, where no other is asked for."""

    estimate: float
    low: float
    high: float


def log_ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """What one launch says: the median of log(numerator / denominator) over its rounds, pair by pair."""
    return median(log(a / b) for a, b in zip(numerator, denominator, strict=True))


def interval(logs: Sequence[float], confidence: float = CONFIDENCE) -> Estimate | None:
    """The exponential of the launches' trimmed mean, with its interval; None for one launch."""
    if len(logs) < 2:
        return None
    middle, half = trimmed_mean(logs), half_width(logs, confidence)
    return Estimate(exp(middle), exp(middle - half), exp(middle + half))


def trimmed_mean(logs: Sequence[float]) -> float:
    """The trimmed mean."""
    trimmed = _trimmed(len(logs))
    return fmean(sorted(logs)[trimmed : len(logs) - trimmed])


def half_width(logs: Sequence[float], confidence: float = CONFIDENCE) -> float:
    """Of the interval, as a logarithm; infinite for one launch."""
    if len(logs) < 2:
        return inf
    return t_quantile(degrees_of_freedom(len(logs)), confidence) * standard_error(logs)


def bonferroni_confidence(comparisons: int) -> float:
    """The confidence of each of so many intervals, that all of them together hold with 95% (Bonferroni)."""
    return 1 - (1 - CONFIDENCE) / max(1, comparisons)


def welch_interval(
    numerator: Estimate, launches: int, denominator: Estimate, other_launches: int, confidence: float = CONFIDENCE
) -> Estimate:
    """The ratio of two numbers that were measured at different times, from their 95% intervals (Welch's).

    It knows how each varies from launch to launch, and nothing of how the machine has changed in between.
    """
    degrees = degrees_of_freedom(launches), degrees_of_freedom(other_launches)
    halves = [log(found.high / found.low) / 2 for found in (numerator, denominator)]
    squares = [(half / t_quantile(own)) ** 2 for half, own in zip(halves, degrees, strict=True)]
    ratio, whole = numerator.estimate / denominator.estimate, sum(squares)
    if whole == 0:
        return Estimate(ratio, ratio, ratio)
    joint = whole**2 / sum(square**2 / own for square, own in zip(squares, degrees, strict=True))
    half = t_quantile(joint, confidence) * sqrt(whole)
    return Estimate(ratio, ratio * exp(-half), ratio * exp(half))


def standard_error(logs: Sequence[float]) -> float:
    """Of the trimmed mean of two launches or more."""
    return _error(_winsorized(logs), len(logs))


def launches_needed(logs: Sequence[float], half: float = SMALLEST_EFFECT) -> int | None:
    """How many launches would bring the interval to ±half; None where it cannot be told, or is absurd."""
    if len(logs) < 2:
        return None
    # s_w shrinks with what is drawn in; per launch it stays what it was
    spread = _winsorized(logs) / (1 - 2 * _trimmed(len(logs)) / len(logs))
    return next(
        (n for n in range(2, MOST_LAUNCHES) if t_quantile(degrees_of_freedom(n)) * spread / sqrt(n) <= half), None
    )


def _trimmed(launches: int) -> int:
    """How many are left out on either side."""
    return launches // 7


def degrees_of_freedom(launches: int) -> int:
    """Degrees of freedom of the trimmed mean's interval."""
    return launches - 2 * _trimmed(launches) - 1


def _winsorized(logs: Sequence[float]) -> float:
    """The standard deviation, with the launches that are left out drawn in to their neighbours."""
    ordered, trimmed = sorted(logs), _trimmed(len(logs))
    low, high = ordered[trimmed], ordered[len(logs) - trimmed - 1]
    return stdev(min(high, max(low, value)) for value in ordered)


def _error(spread: float, launches: int) -> float:
    """The standard error of the trimmed mean."""
    return spread / ((1 - 2 * _trimmed(launches) / launches) * sqrt(launches))


def verdict(found: Estimate | None) -> str:
    """faster, slower or no difference shown, for a ratio of times, other over own.

    A difference is one that the interval shows and that matters: 1 lies outside, and the estimate is off by
    the smallest effect or more.
    """
    if found is not None and found.low > 1 and found.estimate >= 1 + SMALLEST_EFFECT:
        return "faster"
    if found is not None and found.high < 1 and found.estimate <= 1 / (1 + SMALLEST_EFFECT):
        return "slower"
    return "no difference shown"


def differing(controls: Mapping[str, Sequence[float]]) -> set[str]:
    """Which of several ratios of a kernel to itself are not 1, at 5% for all of them together (Holm)."""
    p_values = {name: _p_value(logs) for name, logs in controls.items() if len(logs) > 1}
    rejected: set[str] = set()
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        if p_values[name] > (1 - CONFIDENCE) / (len(p_values) - rank):
            break
        rejected.add(name)
    return {name for name in rejected if verdict(interval(controls[name])) != "no difference shown"}


def spread(medians: Sequence[float]) -> float | None:
    """The relative standard deviation of the launches' medians; None for one launch."""
    return stdev(map(log, medians)) if len(medians) > 1 else None


def steady(launches: Sequence[Sequence[float]]) -> bool | None:
    """Whether a kernel had settled: whether the later half of a launch's rounds is like the earlier.

    The two halves of pyperf's calibration, judged over all launches: it had not if the ratio of their medians
    has a verdict. None where there are too few launches or rounds.
    """
    halves = [(rounds[: len(rounds) // 2], rounds[(len(rounds) + 1) // 2 :]) for rounds in launches]
    logs = [log(median(late) / median(early)) for early, late in halves if len(early) > 1]
    if len(logs) < 3:
        return None
    return verdict(interval(logs)) == "no difference shown"


def outliers(rounds: Sequence[float]) -> int:
    """How many rounds lie far from their median. They are counted, and never dropped."""
    middle = median(rounds)
    deviation = 1.4826 * median(abs(seconds - middle) for seconds in rounds)
    return sum(abs(seconds - middle) > _OUTLIER * deviation for seconds in rounds) if deviation else 0


def proportion(successes: int, trials: int) -> Estimate:
    """A share with Clopper and Pearson's exact interval."""
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(CONFIDENCE, method="exact")
    return Estimate(successes / trials, float(found.low), float(found.high))


def t_quantile(degrees: float, confidence: float = CONFIDENCE) -> float:
    """The quantile of Student's distribution that makes an interval; the normal one's for infinitely many."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + confidence) / 2))


def _p_value(logs: Sequence[float]) -> float:
    """Of the test that the trimmed mean is 0."""
    from scipy.special import stdtr

    error = standard_error(logs)
    if error == 0:
        return 0.0 if trimmed_mean(logs) else 1.0
    return float(2 * stdtr(degrees_of_freedom(len(logs)), -abs(trimmed_mean(logs)) / error))
