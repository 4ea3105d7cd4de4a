"""What is fitted: every number of examples with every number of units, from several seeds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from bench.commands.study_plan import StoredPlan


class Key(NamedTuple):
    """One fit."""

    examples: int
    units: int
    """In each layer; 0 for logistic regression."""
    seed: int


@dataclass(frozen=True)
class Plan(StoredPlan):
    """All that must be the same for a study to continue."""

    workload: str
    examples: tuple[int, ...]
    units: tuple[int, ...]
    layers: int = 2
    activation: str = "relu"
    steps: int = 200
    """At most, of L-BFGS."""
    seeds: int = 3

    @property
    def keys(self) -> list[Key]:
        """Every fit; those that take long come last."""
        return [Key(*one) for one in product(self.examples, self.units, range(self.seeds))]


PLAN = Plan("flights", (2**10, 2**13, 2**16, 2**18), (0, 4, 16, 64))
"""Of 327,346 flights 65,202 are left to decide when to stop and to judge."""
