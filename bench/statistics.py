"""From rounds to numbers: medians and ratios, each with its interval. Pure: no clock, no files.

The intervals are of order statistics (David and Nagaraja, Order Statistics, 3rd ed., 7.1): how many of n
independent rounds lie below the true median is binomial, whatever their distribution, and so the k-th
smallest and the k-th largest hold it between them with a known probability. The rounds of one kernel come
one after another in one process: an interval says how well this launch's median is known, and nothing of
the next launch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that holds the true one with 95% confidence."""

    estimate: float
    low: float
    high: float


def median_interval(samples: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """The median and the narrowest symmetric interval of order statistics with that confidence.

    Raises ValueError where even the extremes do not hold the median so surely: give `fewest_rounds`.
    """
    ordered, n = sorted(samples), len(samples)
    rank = 0  # how many order statistics lie outside on each side
    outside = 0.0
    while (outside := outside + 2 * comb(n, rank) / 2**n) <= 1 - confidence:
        rank += 1
    if rank == 0:
        raise ValueError(f"{n} rounds hold no {confidence:.0%} interval; {fewest_rounds(confidence)} do")
    return Estimate(median(ordered), ordered[rank - 1], ordered[n - rank])


def fewest_rounds(confidence: float = CONFIDENCE) -> int:
    """The least n whose extremes hold the median with that confidence: 2 / 2^n ≤ 1 − confidence."""
    n = 1
    while 2 / 2**n > 1 - confidence:
        n += 1
    return n


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> Estimate:
    """median(numerator) / median(denominator), for rounds that were not paired.

    Each median's interval has half of the allowed error, so both hold together (Bonferroni), and then the
    quotients of opposite ends hold the ratio. Samples must be positive.
    """
    each = 1 - (1 - CONFIDENCE) / 2
    above, below = median_interval(numerator, each), median_interval(denominator, each)
    return Estimate(above.estimate / below.estimate, above.low / below.high, above.high / below.low)


FEWEST_ROUNDS = fewest_rounds(1 - (1 - CONFIDENCE) / 2)
"""Below this many rounds of each kernel a ratio has no interval."""
