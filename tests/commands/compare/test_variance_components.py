"""The variance between runs: planted, and found again. Seeded."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from bench.commands.compare.variance_components import Cell, Spread, spread


def planted(
    rng: np.random.Generator, between: float, launches: float, runs: int = 10, cells: int = 27, factor: float = 1.0
) -> list[Cell]:
    """Cells whose launches vary by 0.5 to 1.5 of `launches`, five in each run; between: of a change, √2 τ."""
    made = []
    for index in range(cells):
        spread_of_cell = launches * (0.5 + index / max(1, cells - 1))
        of_run = rng.normal(0, sqrt(factor) * between / sqrt(2), (runs, 1))
        values = -10 + of_run + rng.normal(0, spread_of_cell, (runs, 5))
        made.append(Cell(str(index), tuple(tuple(map(float, run)) for run in values), factor))
    return made


@pytest.mark.parametrize(("between", "factor"), [(0.041, 1.0), (0.041, 1.2), (0.01, 1.0), (0.1, 1.0)])
def test_a_planted_variance_between_runs_is_found(between: float, factor: float) -> None:
    """Ten runs of 27 cells: the estimate is within 15% on average, and the interval holds it in 19 of 20 cases."""
    rng = np.random.default_rng(int(1e4 * between * factor))
    found = [spread("", planted(rng, between, 0.04, factor=factor)) for _ in range(20)]
    assert float(np.mean([one.between for one in found])) == pytest.approx(between, rel=0.15)
    assert sum(one.low <= between <= one.high for one in found) >= 16
    launches = sqrt(2 / 5) * 0.04 * sqrt(np.mean((0.5 + np.arange(27) / 26) ** 2))
    assert found[0].launches == pytest.approx(launches, rel=0.1)


def test_without_a_variance_between_runs_none_is_shown() -> None:
    rng = np.random.default_rng(4)
    found = [spread("", planted(rng, 0.0, 0.04)) for _ in range(20)]
    assert sum(one.low == 0 for one in found) >= 17
    assert max(one.between for one in found) < 0.02


def test_two_runs_are_enough_and_their_interval_is_wide() -> None:
    rng = np.random.default_rng(6)
    found = [spread("", planted(rng, 0.04, 0.02, runs=2)) for _ in range(20)]
    assert float(np.mean([one.between for one in found])) == pytest.approx(0.04, rel=0.2)
    ten = spread("", planted(rng, 0.04, 0.02))
    assert found[0].high - found[0].low > 1.5 * (ten.high - ten.low)


def test_a_cell_whose_launches_vary_more_counts_less() -> None:
    """One noisy cell with a large change between runs moves the estimate little; a quiet one moves it much."""
    rng = np.random.default_rng(8)
    quiet = planted(rng, 0.01, 0.01, runs=4, cells=20)

    def with_change(noise: float) -> float:
        values = rng.normal(0, noise, (4, 5)) + np.array([[0.0], [0.0], [0.0], [0.15]])
        return spread("", [*quiet, Cell("", tuple(tuple(map(float, run)) for run in values))]).between

    assert with_change(0.3) < 1.15 * spread("", quiet).between
    assert with_change(0.001) > 1.5 * spread("", quiet).between


def test_launches_that_are_all_equal_have_no_spread() -> None:
    equal = spread("", [Cell("", ((0.1,) * 5,) * 3)])
    assert (equal.between, equal.low, equal.launches) == (0, 0, pytest.approx(0, abs=1e-8))


@settings(max_examples=20)
@given(st.floats(0, 0.2), st.floats(0.001, 0.2), st.floats(1, 2))
def test_the_total_is_of_both_parts_and_decides_what_is_shown(between: float, launches: float, factor: float) -> None:
    one = spread("", planted(np.random.default_rng(1), between, launches, runs=3, cells=3, factor=factor))
    assert one.total**2 == pytest.approx(one.launches**2 + factor * one.between**2)
    assert one.low <= one.between * (1 + 1e-6)
    assert one.between <= one.high * (1 + 1e-6)
    assert Spread("", 1, 0, 0, 0, 0, total=one.total * 1.1).smallest > one.smallest > 0
