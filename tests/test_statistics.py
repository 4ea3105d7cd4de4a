"""Intervals of medians and ratios, against enumeration and against simulated rounds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import statistics
from bench.statistics import Estimate

positive = st.floats(1e-9, 1e3)


@pytest.mark.parametrize("n", [6, 7, 9, 12])
def test_coverage_by_enumeration(n: int) -> None:
    # only the sides of the median matter: each sample is below (−1) or above (+1) it, 2^n equal cases
    held = 0
    for signs in product((-1.0, 1.0), repeat=n):
        found = statistics.median_interval(signs)
        held += found.low < 0 < found.high
    narrower = 2 ** (1 - n) * sum(__import__("math").comb(n, k) for k in range(_rank(n) + 1))
    assert held / 2**n >= 0.95 > 1 - narrower


def _rank(n: int) -> int:
    ordered = [float(k) for k in range(n)]
    return int(statistics.median_interval(ordered).low) + 1


@pytest.mark.parametrize(("confidence", "n"), [(0.95, 6), (0.975, 7), (0.5, 2)])
def test_fewest_rounds(confidence: float, n: int) -> None:
    assert statistics.fewest_rounds(confidence) == n
    samples = [float(k) for k in range(n)]
    assert statistics.median_interval(samples, confidence) == Estimate((n - 1) / 2, 0.0, n - 1.0)
    with pytest.raises(ValueError, match=f"{n - 1} rounds hold no"):
        statistics.median_interval(samples[1:], confidence)


@given(st.lists(positive, min_size=7, max_size=60), st.lists(positive, min_size=7, max_size=60))
def test_ratio(a: list[float], b: list[float]) -> None:
    found = statistics.ratio(a, b)
    assert found.low <= found.estimate <= found.high
    inverse = statistics.ratio(b, a)
    assert inverse.low == pytest.approx(1 / found.high)
    assert inverse.estimate == pytest.approx(1 / found.estimate)


def test_ratio_of_known_rounds() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        slow, fast = 3 * rng.lognormal(0, 0.1, 30), rng.lognormal(0, 0.1, 30)
        found = statistics.ratio(slow.tolist(), fast.tolist())
        held += found.low <= 3 <= found.high
    assert held >= 380  # 95% of 400; Bonferroni makes it more


def test_order_of_rounds_does_not_matter() -> None:
    assert statistics.median_interval([5, 1, 4, 2, 3, 6, 7]) == statistics.median_interval([1, 2, 3, 4, 5, 6, 7])
