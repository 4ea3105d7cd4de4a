"""How calls and rounds scatter within a launch, and what that predicts for the launch's value. Pure.

If the n rounds of a launch are independent with density f, the i-th fastest is about Q(i / (n + 1)) plus 1/f times
the error of the i-th of n uniform numbers. So the variance of a weighted sum of them, as the lower decile is one, is
about w·C·w / f², with the covariances C_ij = i (n + 1 − j) / ((n + 1)² (n + 2)) for i ≤ j (David and Nagaraja, Order
Statistics, 3rd ed., 2003, ch. 2). 1/f at the decile is estimated by Siddiqui's difference quotient (Journal of
Research of the NBS 64B (1960) 145-150) from the rounds of all launches over their launch's value:
(Q(p + h) − Q(p − h)) / 2h.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import log, sqrt
from statistics import median

import numpy as np
import scipy

from bench.analysis import statistics
from bench.analysis.statistics import DECILE

Floats = Sequence[float]

_TO_NORMAL = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""
_HALF_STEP = 0.075
"""h. See the simulations in tests/analysis/test_variance.py: how near the prediction comes."""
_FEWEST_ROUNDS = 12
"""Of a launch: with fewer, hardly any round lies below its decile, and the difference quotient is too small."""
_MANY_CALLS = 30


def robust_deviation(groups: Sequence[Sequence[float]]) -> float:
    """The standard deviation within groups: 1.4826 MAD around each group's middle value; 0 without a group of two.

    The middle value itself, at distance 0, is left out. So the result is 4% too large at most for groups of five and
    more; with it, or with the mean of the two middle values, it would be up to a quarter too small.
    """
    distances = []
    for group in groups:
        ordered = sorted(group)
        middle = ordered.pop(len(ordered) // 2)
        distances += [abs(value - middle) for value in ordered]
    return _TO_NORMAL * median(distances) if distances else 0.0


def spacing(groups: Sequence[Floats]) -> float:
    """1/f at the lower decile. groups: logarithms of rounds, by launch; of few rounds it is that of normal ones"""
    if median(map(len, groups)) < _FEWEST_ROUNDS:
        return robust_deviation(groups) / float(scipy.stats.norm.pdf(scipy.stats.norm.ppf(DECILE)))
    above = [value - statistics.lower_decile(group) for group in groups for value in group]
    low, high = np.quantile(above, (DECILE - _HALF_STEP, DECILE + _HALF_STEP), method="median_unbiased")
    return float(high - low) / (2 * _HALF_STEP)


@cache
def uniform_variance(count: int) -> float:
    """The variance of the lower decile of so many numbers that are uniform in (0, 1)."""
    weights, position = statistics.decile_weights(count), np.arange(1, count + 1)
    covariances = np.minimum.outer(position, position) * (count + 1 - np.maximum.outer(position, position))
    return float(weights @ covariances @ weights) / ((count + 1) ** 2 * (count + 2))


def call_deviation(calls: int, seconds: Floats, middles: Floats, distances: Floats, deviations: Floats) -> float:
    """The robust relative standard deviation of single calls, from rounds of so many; 0 without rounds.

    seconds, middles, distances, deviations: the mean of each round's calls, their median, the median distance from
    it, and their standard deviation (the root of the mean square)

    It is the median over rounds of MAD / median. The MAD of fewer than 30 calls is over 4% too small: then it is the
    median of the rounds' variances, over that of normal rounds. With one call in a round, rounds are calls.
    """
    if not seconds:
        return 0.0
    if calls == 1:
        return robust_deviation([[log(one) for one in seconds]])
    shares = [distance / middle for middle, distance in zip(middles, distances, strict=True)]
    if calls >= _MANY_CALLS:
        return _TO_NORMAL * median(shares)
    squares = [(deviation / mean) ** 2 for mean, deviation in zip(seconds, deviations, strict=True)]
    of_normal = float(scipy.stats.chi2.ppf(0.5, calls - 1)) / calls
    return sqrt(median(squares) / of_normal)
