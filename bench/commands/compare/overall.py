"""What many cells say together: the geometric mean of their changes, and statements that hold for all of them. Pure.

**The geometric mean.** The cells of a run are not independent: one launch takes every kernel through every workload,
so a slow launch is slow in all cells, and a run at a slow hour is slow as a whole. Let y be the logarithm of a
launch's value, of run r, cell c (of C) and launch l (of L):

    y_rcl = μ_rc + D_r + P_rl + b_rc + e_rcl

D is the machine's drift during the run, P the pace of the launch, b what a run's data and addresses do to a cell, and
e the rest. What is wanted is the mean of μ_Ac − μ_Bc over these C cells. The launches' means ȳ_rl = mean_c y_rcl are
independent, and whatever the cells of a launch share is in them: their variance V_r = Var(P) + Var(mean_c e), or
more if the e depend on one another, is estimated from L numbers without a word about the correlations. Their trimmed
mean over launches has the variance V_r / L. D is not seen within a run. As for a single cell
(bench/commands/compare/drift.py), a run is taken for one more draw of its launches' pace, so Var(D_r) ≤ V_r. The b of
a change have the variance BETWEEN_RUNS² and are independent, since what the kernels of a race share is no part of
that constant. Together

    se² = V_A (1 + 1/L_A) + V_B (1 + 1/L_B) + BETWEEN_RUNS² / C

with Satterthwaite's degrees of freedom of the two V. More launches narrow the interval to that of two draws of the
machine's pace; more cells narrow it hardly at all. The average of the cells' own standard errors over √C would be
several times too small.

**All cells within ±x.** With 95% confidence, x bounds every |change| at the same time. A cell's bound u_c = |d_c| +
t_0.95(ν_c) se_c, with the one-sided quantile, exceeds |δ_c| with 95% (the two one-sided tests: Schuirmann, Journal of
Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680). x is the largest u_c. It is not too small for all cells
together: if c* is the cell of the largest |δ|, then max |δ| = |δ_c*| ≤ u_c* ≤ x with 95%, whatever the cells share
(the intersection-union test: Berger, Technometrics 24 (1982) 295-300). Bonferroni's bound, for which each cell has
its own interval of 1 − 0.05/C, holds too and is wider.

**Which cells differ.** Holm's correction (Scandinavian Journal of Statistics 6 (1979) 65-70): at a level of 5% for
all cells together. Among 54 cells that did not change, 54 intervals of 95% would name two or three.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import expm1, log
from statistics import fmean

import scipy

from bench.analysis import statistics
from bench.commands.compare.drift import BETWEEN_RUNS, Change, from_variances, without_interval
from bench.commands.compare.rounds import Logs

_ALPHA = 1 - statistics.CONFIDENCE


def geometric_mean(reference: Sequence[Logs], other: Sequence[Logs]) -> Change:
    """How many times as fast the other run is, over cells of the same work in both runs.

    reference, other: each cell's launches. A launch counts if it timed every cell; without two of them in each run
    there is no interval, and the estimate is that of the cells' trimmed means.
    """
    runs = [launch_means(cells) for cells in (reference, other)]
    if min(map(len, runs)) < 2:
        means = [
            fmean(statistics.trimmed_mean(list(cell.values())) for cell in cells) for cells in (reference, other)
        ]
        return without_interval(means[0] - means[1])
    difference = statistics.trimmed_mean(runs[0]) - statistics.trimmed_mean(runs[1])
    variances = [(statistics.standard_error(means) ** 2 * (1 + len(means)), len(means)) for means in runs]
    return from_variances(difference, variances, BETWEEN_RUNS**2 / min(len(reference), len(other)))


def launch_means(cells: Sequence[Logs]) -> list[float]:
    """The mean over the cells in each launch that timed them all."""
    launches = sorted(set.intersection(*(set(cell) for cell in cells)))
    return [fmean(cell[launch] for cell in cells) for launch in launches]


def all_within(changes: Sequence[Change]) -> float | None:
    """x, such that all cells changed by less than the factor 1 + x, either way, with 95% confidence for all together.

    None if a cell has no interval.
    """
    bounds = []
    for change in changes:
        if change.error is None:
            return None
        one_sided = statistics.t_quantile(change.degrees, 1 - 2 * _ALPHA)
        bounds.append(abs(log(change.estimate)) + one_sided * change.error)
    return expm1(max(bounds)) if bounds else None


def differing(changes: Sequence[Change]) -> list[int]:
    """The indices of the cells that changed, at a level of 5% for all together (Holm), the surest first."""
    p_values = {index: _p_value(change) for index, change in enumerate(changes) if change.error is not None}
    rejected = []
    for rank, index in enumerate(sorted(p_values, key=lambda index: p_values[index])):
        if p_values[index] > _ALPHA / (len(p_values) - rank):
            break
        rejected.append(index)
    return [index for index in rejected if changes[index].verdict != statistics.verdict(None)]


def _p_value(change: Change) -> float:
    """Of the hypothesis that nothing changed. The change has a standard error."""
    distance = abs(log(change.estimate))
    if not change.error:
        return 0.0 if distance else 1.0
    return float(2 * scipy.stats.t.sf(distance / change.error, change.degrees))
