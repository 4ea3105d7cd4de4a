"""The variance between runs and the variance of launches, from several runs of one machine. Pure: numbers only.

A cell (a kernel on a workload) has in run r the value x_r: the trimmed mean of its launches' values, with the
standard error e_r. With equal code

    x_r = μ + b_r + ε_r,    Var(ε_r) = e_r²,    Var(b_r) = f τ²

ε is the variation of launches, and b what runs differ by beyond it. f is 1, and 1 + v where x is over the pace of
others, which vary in the same way (v as in bench/commands/compare/drift.py). The change between two runs has the
standard deviation √2 τ beyond its launches. For a value over the pace of the other kernels, that is BETWEEN_RUNS.

From R runs, a cell has the variance s² of its R values, with R − 1 degrees of freedom and the expectation f τ² + σ²,
and e², the mean of its e_r², with the ν degrees of freedom of all its launches and the expectation σ². τ² maximises
the restricted likelihood of all cells together (REML for a one-way layout: Searle, Casella and McCulloch, Variance
Components (1992), section 3.8), with each cell's own σ² at its best for that τ²:

    ℓ(τ²) = −½ Σ_cells (the least over σ² of […])

    […] = (R − 1) (log(f τ² + σ²) + s² / (f τ² + σ²)) + ν (log σ² + e² / σ²)

A cell counts the more, the less its launches vary. With e² in place of σ², as if it
were known, a variance between runs is found where there is none: in a quarter of simulated cases, not in 2.5%. The
interval holds the τ² whose ℓ is at most 1.92 below the maximum (half the 95% quantile of χ² with one degree of
freedom). Cells are taken for independent: where a run moves many of them alike, as without a pace, it is too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, sqrt
from statistics import fmean, variance
from typing import Any

import numpy as np
import scipy

from bench.analysis import statistics
from bench.commands.compare.drift import POWER

_DROP = 1.920729
"""Half the 95% quantile of χ² with one degree of freedom."""
_SMALLEST, _LARGEST = 1e-5, 4.0
"""τ is sought at 0 and from here to here, where runs of one machine would differ by a factor of 55."""
_TINY = 1e-18
"""The least variance: rounding of launches that were all equal."""
_HALVINGS = 40
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Cell:
    """One value in several runs of one machine."""

    name: str
    runs: tuple[tuple[float, ...], ...]
    """Run → the value in each launch, as a logarithm."""
    factor: float = 1.0
    """f: how many times τ² a run's value has as variance beyond its launches."""

    @property
    def variance(self) -> float:
        """s²: of the runs' values."""
        return variance(statistics.trimmed_mean(launches) for launches in self.runs)

    @property
    def freedom(self) -> int:
        """ν: the degrees of freedom of all its launches."""
        return sum(statistics.degrees_of_freedom(len(launches)) for launches in self.runs)

    @property
    def squared_error(self) -> float:
        """e²: the mean over the runs."""
        return fmean(statistics.standard_error(launches) ** 2 for launches in self.runs)


@dataclass(frozen=True)
class Spread:
    """How much two runs differ, by one way of normalising. Standard deviations of a change's logarithm."""

    name: str
    cells: int
    between: float
    """√2 τ: beyond the variation of launches."""
    low: float
    high: float
    """Its 95% interval."""
    launches: float
    """√2 e: what the launches of both runs contribute, as the root of the mean square over the cells."""
    total: float
    """Of a change, as the root of the mean square over the cells."""

    @property
    def smallest(self) -> float:
        """The slowdown of a cell that two runs would show in 9 of 10 cases, as a fraction."""
        return exp((statistics.t_quantile(inf) + POWER) * self.total) - 1


def spread(name: str, cells: Sequence[Cell]) -> Spread:
    """The components of variance of these cells, each with two runs or more, of two launches or more."""
    factors = np.array([cell.factor for cell in cells])
    variances = np.array([cell.variance for cell in cells])
    errors = np.maximum(np.array([cell.squared_error for cell in cells]), _TINY)
    within = np.array([cell.freedom for cell in cells])
    runs = len(cells[0].runs) - 1

    def likelihood(between: float) -> float:
        added = factors * between**2
        sigma = _best_sigma(added, variances, errors, runs, within)
        terms = runs * (np.log(added + sigma) + variances / (added + sigma))
        return -0.5 * float(np.sum(terms + within * (np.log(sigma) + errors / sigma)))

    grid = [0.0, *np.geomspace(_SMALLEST, _LARGEST, 100)]
    at = max(range(len(grid)), key=lambda index: likelihood(grid[index]))
    around = (grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)])
    best = float(scipy.optimize.minimize_scalar(lambda x: -likelihood(x), bounds=around, method="bounded").x)
    best = max((0.0, best), key=likelihood)

    def above(between: float) -> float:
        return likelihood(between) - likelihood(best) + _DROP

    low = 0.0 if best == 0 or above(0.0) > 0 else float(scipy.optimize.brentq(above, 0.0, best))
    high = _LARGEST if above(_LARGEST) > 0 else float(scipy.optimize.brentq(above, best, _LARGEST))
    mean_error = float(np.mean(errors))
    total = mean_error + float(np.mean(factors)) * best**2
    between, low, high, launches, change = (
        sqrt(2) * part for part in (best, low, high, sqrt(mean_error), sqrt(total))
    )
    return Spread(name, len(cells), between, low, high, launches, change)


def _best_sigma(added: Array, variances: Array, errors: Array, runs: int, within: Array) -> Array:
    """The σ² of each cell at its best: where the derivative changes its sign between e² and s² − f τ² (bisection)."""
    other = np.maximum(variances - added, _TINY)
    low, high = np.log(np.minimum(errors, other)), np.log(np.maximum(errors, other))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        sigma = np.exp(middle)
        total = added + sigma
        slope = runs * (1 / total - variances / total**2) + within * (1 / sigma - errors / sigma**2)
        low, high = np.where(slope < 0, middle, low), np.where(slope < 0, high, middle)
    return np.exp((low + high) / 2)
