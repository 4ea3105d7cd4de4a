"""From descents to figures: the rate that was chosen, and steps to the target with descents that never got there.

A descent that does not reach the target within the budget is censored: its steps are only known to be more. So the
mean is restricted to the budget, the mean of min(steps, budget) (Irwin, J. Hyg. 47 (1949) 188-189): the mean of those
that got there would favour a kind of unit of which only the lucky do. Intervals are of the bootstrap over seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.commands.activation.plan import Arm, Plan

_RESAMPLES, _SEED = 4000, 1
Row = dict[str, Any]


class Interval(NamedTuple):
    """An estimate with its 95% interval."""

    value: float
    low: float
    high: float


def of_arm(rows: Sequence[Row], arm: Arm, counts: bool) -> list[Row]:
    """The descents of an arm that count, or those that chose its rate."""
    named = {"layers": arm.layers, "unit": arm.unit, "start": arm.start, "counts": counts}
    return [row for row in rows if all(row[name] == value for name, value in named.items())]


def restricted(rows: Sequence[Row], budget: int) -> np.ndarray:
    """min(steps, budget) of each descent."""
    return np.array([budget if row["steps"] is None else row["steps"] for row in rows], float)


def chosen_rate(rows: Sequence[Row], budget: int) -> float:
    """The rate with the least restricted mean; of equal ones that with the lowest last cost, then the smallest."""

    def figure(rate: float) -> tuple[float, float, float]:
        tried = [row for row in rows if row["rate"] == rate]
        costs = [row["cost"] if row["cost"] is not None else np.inf for row in tried]
        return float(restricted(tried, budget).mean()), float(np.mean(costs)), rate

    chosen: float = min(sorted({row["rate"] for row in rows}), key=figure)
    return chosen


def mean(numbers: np.ndarray) -> Interval:
    """Their mean."""
    return _interval([numbers], lambda one: one[0].mean(axis=-1))


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> Interval:
    """The ratio of the means."""
    return _interval([numerator, denominator], lambda one: one[0].mean(axis=-1) / one[1].mean(axis=-1))


def _interval(samples: Sequence[np.ndarray], of: Callable[[Sequence[np.ndarray]], Any]) -> Interval:
    rng = np.random.default_rng(_SEED)
    resampled = of([rng.choice(sample, (_RESAMPLES, len(sample))) for sample in samples])
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Interval(float(of(samples)), float(low), float(high))


class Summary(NamedTuple):
    """One line of the table."""

    arm: Arm
    rate: float
    reached: int
    diverged: int
    descents: int
    steps: Interval
    seconds: float
    """Mean, of the steps to the target or of all."""
    fading: float
    """The median, at the start, of the norm of the first layer's derivatives / that of the last layer's."""
    dead: float


def summaries(plan: Plan, rows: Sequence[Row]) -> list[Summary]:
    """Of every arm that has a descent that counts."""
    made = []
    for arm in plan.arms:
        counted = of_arm(rows, arm, counts=True)
        if not counted:
            continue
        norms = [row["norms"][0] for row in counted]
        made.append(
            Summary(
                arm,
                counted[0]["rate"],
                sum(row["steps"] is not None for row in counted),
                sum(row["cost"] is None for row in counted),
                len(counted),
                mean(restricted(counted, plan.budget)),
                float(np.mean([row["seconds"] for row in counted])),
                float(np.median([one[0] / one[-1] if one[-1] else np.nan for one in norms])),
                float(np.mean([row["dead"] for row in counted])),
            )
        )
    return made
