"""How calls and rounds scatter within a launch, and what that predicts for the launch's value. Pure.

If the n rounds of a launch are independent with density f, the variance of their p-quantile is about
p (1 − p) / (n f²) at the quantile. 1/f is estimated by Siddiqui's difference quotient (Journal of Research of the NBS
64B (1960) 145-150), from the rounds of all launches over their launch's value: (Q(p + h) − Q(p − h)) / 2h.
"""

from __future__ import annotations

from collections.abc import Sequence
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
"""h. Simulated normal, exponential and half-disturbed rounds, five launches of 12 to 48 of them: the predicted
standard deviation is 0.8 to 1.4 times the true one, since the mean over choices of 12 varies less than a quantile."""
_FEWEST_ROUNDS = 12
"""Of a launch: with fewer, hardly any round lies below its decile, and the difference quotient is too small."""
_OF_NORMAL = 2.5
"""n times the variance of the lower decile of n normal numbers of variance 1: 2.5 for 6, 2.6 for 24, 2.9 for many."""
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


def decile_variance(groups: Sequence[Floats]) -> float:
    """The variance of a launch's decile, times its number of rounds. groups: logarithms of rounds, by launch"""
    if median(map(len, groups)) < _FEWEST_ROUNDS:
        return _OF_NORMAL * robust_deviation(groups) ** 2
    above = [value - statistics.lower_decile(group) for group in groups for value in group]
    low, high = np.quantile(above, (DECILE - _HALF_STEP, DECILE + _HALF_STEP), method="median_unbiased")
    return float(DECILE * (1 - DECILE) * ((high - low) / (2 * _HALF_STEP)) ** 2)


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
