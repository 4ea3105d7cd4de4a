"""A kernel over the pace of the others, sweep by sweep: also where kernels take part in different sweeps."""

from __future__ import annotations

from math import exp, log
from statistics import median

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bench.analysis.statistics import Rounds
from bench.commands.compare import rounds as race_rounds
from bench.commands.compare.rounds import log_over_pace
from tests.commands.compare.many_runs import many

SECONDS = st.floats(1e-9, 1e3)
RACES = st.integers(1, 12).flatmap(
    lambda count: st.lists(st.lists(SECONDS, min_size=count, max_size=count), min_size=2, max_size=8)
)


@given(RACES)
def test_where_all_take_part_in_every_sweep_it_is_the_median_over_the_sweeps(race: list[list[float]]) -> None:
    """As in files without sweeps: each round over the median of the others' in the same position."""
    kernel, *others = (Rounds(tuple(seconds), tuple(range(len(seconds)))) for seconds in race)
    usual = [0.1 * index for index in range(len(others))]
    expected = median(
        log(seconds) - median(log(other.seconds[sweep]) - base for other, base in zip(others, usual, strict=True))
        for sweep, seconds in enumerate(kernel.seconds)
    )
    assert log_over_pace(kernel, list(zip(others, usual, strict=True))) == expected


@given(
    st.lists(st.sampled_from([1, 2, 4, 8]), min_size=2, max_size=8),
    st.integers(1, 5),
    st.floats(-1, 1),
    st.integers(0, 2**32 - 1),
)
def test_a_pace_that_changes_from_block_to_block_is_removed(
    periods: list[int], blocks: int, own: float, seed: int
) -> None:
    """Every kernel is slower by the same factor in a block of 8 sweeps: what remains is the kernel's own."""
    pace = np.random.default_rng(seed).normal(0, 1, blocks)
    every = []
    for index, period in enumerate(periods):
        sweeps = tuple(range(0, 8 * blocks, period))
        every.append(Rounds(tuple(exp(pace[sweep // 8] + (own if index == 0 else 0)) for sweep in sweeps), sweeps))
    assert log_over_pace(every[0], [(rounds, 0.0) for rounds in every[1:]]) == pytest.approx(own, abs=1e-9)


def test_a_block_is_as_long_as_the_kernels_period_and_those_of_the_quicker_half() -> None:
    """By hand: the kernel is timed in sweeps 0 and 4, the others in all sweeps, or in the first only."""
    kernel = Rounds((exp(2.0), exp(5.0)), (0, 4))
    quick = Rounds(tuple(exp(value) for value in (0.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0)), tuple(range(8)))
    slow = Rounds((exp(9.0),), (0,))
    # the quick kernel's blocks of four have the medians 1 and 3
    assert log_over_pace(kernel, [(quick, 0.0)]) == pytest.approx(median([2 - 1, 5 - 3]))
    # the slow kernel is in the first block only: the pace is median(1, 9) there, and 3 in the second
    assert log_over_pace(kernel, [(quick, 0.0), (slow, 0.0)]) == pytest.approx(median([2 - 5, 5 - 3]))


def test_kernels_that_share_no_block_are_compared_by_their_medians() -> None:
    kernel, other = Rounds((exp(3.0), exp(4.0)), (0, 1)), Rounds((exp(1.0), exp(1.0)), (6, 7))
    assert log_over_pace(kernel, [(other, 0.5)]) == pytest.approx(3.5 + log((1 + exp(1)) / 2 / exp(0.5)) - 0.5)


def test_the_rounds_of_a_race_have_their_sweeps() -> None:
    one = many("A", np.random.default_rng(1))
    rounds = race_rounds.of_race(one, one.results.races[0])
    assert rounds["numpy"][0].sweeps == tuple(range(8))
    assert (rounds["loops"][4].sweeps, rounds["loops"][4].period) == ((0,), 1)
    assert rounds["jax"][0].sweeps == (0, 2, 4, 6)
