"""What is trained: every number of layers with every kind of unit and start, on seeds that count and on others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from bench.commands.study_plan import StoredPlan

RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
CUSTOMARY = (("relu", "he"), ("sigmoid", "glorot"), ("relu", "glorot"))
"""Units and starts: each unit's customary start, and both units with one start."""
UNITS = {"relu": "ReLU", "sigmoid": "sigmoid"}
"""Units → what they are called in tables and figures."""
LIBRARY = "sklearn"
"""The start of descents that scikit-learn makes, at the rates of the start `glorot`."""


class Arm(NamedTuple):
    """What is compared."""

    layers: int
    unit: str
    start: str


class Key(NamedTuple):
    """One descent."""

    arm: Arm
    rate: float
    seed: int
    counts: bool
    """False for a descent that only helps to choose the rate."""


@dataclass(frozen=True)
class Plan(StoredPlan):
    """All that must be the same for a study to continue."""

    workload: str
    width: int
    target: float
    budget: int
    layers: tuple[int, ...] = (1, 2, 4)
    seeds: int = 20
    tuning_seeds: int = 3
    rates: tuple[float, ...] = RATES
    """The learning rates that are tried."""
    library: bool = False
    """Whether scikit-learn makes the descents as well."""

    @property
    def arms(self) -> list[Arm]:
        """In the order of the table."""
        others = [("relu", LIBRARY), ("sigmoid", LIBRARY)] if self.library else []
        return [Arm(layers, *one) for layers, one in product(self.layers, [*CUSTOMARY, *others])]

    def tuning(self, arm: Arm) -> list[Key]:
        """The descents that choose the arm's rate; their seeds come after those that count."""
        if arm.start == LIBRARY:
            return []
        seeds = range(self.seeds, self.seeds + self.tuning_seeds)
        return [Key(arm, rate, seed, False) for rate, seed in product(self.rates, seeds)]

    def counting(self, arm: Arm, rate: float) -> list[Key]:
        """The descents that count, at the rate that was chosen."""
        return [Key(arm, rate, seed, True) for seed in range(self.seeds)]


PLAN = Plan("breast-cancer", 16, 0.02, 5000, seeds=40, tuning_seeds=5)
FULL = Plan("breast-cancer", 16, 0.01, 50_000, seeds=200, tuning_seeds=10)
