"""The fits of a number of examples and of units, over all seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.commands.scale.plan import Plan

Row = dict[str, Any]


class Cell(NamedTuple):
    """Means over the seeds, and the range of what is held out."""

    examples: int
    units: int
    seeds: int
    held_out: float
    least: float
    most: float
    trained: float
    steps: float
    seconds: float
    base: float


def cells(plan: Plan, rows: Sequence[Row]) -> list[Cell]:
    """Those that have a fit, in the order of the table."""
    made = []
    for units in plan.units:
        for examples in plan.examples:
            fits = [row for row in rows if (row["examples"], row["units"]) == (examples, units)]
            if fits:
                held_out = [row["held_out"] for row in fits]
                means = [
                    float(np.mean([row[name] for row in fits])) for name in ("trained", "steps", "seconds", "base")
                ]
                mean = float(np.mean(held_out))
                made.append(Cell(examples, units, len(fits), mean, min(held_out), max(held_out), *means))
    return made
