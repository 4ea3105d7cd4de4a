"""What is studied, in which order, and how long it takes. Starts nothing.

Idle runs come first, last and in between, so that what the machine does slowly is in their spread and is not taken
for the effect of a cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, NamedTuple

from bench.commands.variance.causes import CAUSES, IDLE
from bench.host import machine
from bench.host.checkout import CHECKOUT, commit, source_digest
from bench.results.samples import Candidate
from bench.runner.inputs import InputCache
from bench.runner.session import Session
from bench.runner.settings import LAUNCH_SECONDS, Settings
from bench.workloads.catalog import Workload

MOST_LAUNCHES, FEWEST_LAUNCHES = 20, 5
"""The variance of 20 launches is known to a factor of 1.7 to 2.1 either way; that of five to one of 2.8 to 8."""


class Key(NamedTuple):
    """What identifies a unit."""

    condition: str
    threads: int
    run: int


@dataclass(frozen=True)
class Plan:
    """What is studied."""

    kernels: Sequence[Candidate]
    workloads: Sequence[Workload]
    threads: Sequence[int]
    conditions: Sequence[str]
    """Names of CAUSES, IDLE first."""
    runs: int
    """Of idle sessions for each number of threads; a planted cause has one."""
    launches: int

    @property
    def keys(self) -> list[Key]:
        """All units, in the order in which they are measured."""
        planted = [name for name in self.conditions if name != IDLE]
        share = ceil(len(planted) / max(1, self.runs - 1)) or 1
        order: list[Key] = []
        for run in range(self.runs):
            order += [Key(IDLE, threads, run) for threads in self.threads]
            following = planted[run * share : (run + 1) * share]
            order += [Key(name, threads, 0) for name in following for threads in self.threads]
        return order

    def describe(self) -> dict[str, Any]:
        """All that must be the same for a study to continue."""
        return {
            "kernels": [candidate.name for candidate in self.kernels],
            "workloads": [workload.name for workload in self.workloads],
            "threads": list(self.threads),
            "conditions": list(self.conditions),
            "runs": self.runs,
            "launches": self.launches,
            "launch_seconds": LAUNCH_SECONDS,
            "machine": machine.identity(),
            "commit": commit(CHECKOUT),
            "sources": source_digest([candidate.spec for candidate in self.kernels]),
        }

    def session(self, key: Key, input_cache: InputCache) -> Session:
        """The session of a unit, planned."""
        settings = Settings(self.launches * LAUNCH_SECONDS, self.launches, (key.threads,), cold_start=False)
        session = Session(self.kernels, self.workloads, settings, input_cache)
        session.choose((workload.name, candidate.name) for workload in self.workloads for candidate in self.kernels)
        return session

    def seconds(self, key: Key) -> float:
        """How long the unit takes, about."""
        cause = CAUSES[key.condition]
        whole = self.session(key, InputCache()).estimated_seconds()
        one = replace(self, launches=1).session(key, InputCache()).estimated_seconds()
        preparation = sum(workload.preparation_seconds for workload in self.workloads)
        again = preparation * (self.launches - 1) if cause.inputs is not InputCache else 0.0
        return whole + again + (one if cause.warm else 0.0)


def with_launches(plan: Plan, seconds: float, done: Sequence[Key] = ()) -> Plan:
    """The plan with as many launches as fit into the seconds, within FEWEST_LAUNCHES and MOST_LAUNCHES."""
    for launches in range(MOST_LAUNCHES, FEWEST_LAUNCHES, -1):
        sized = replace(plan, launches=launches)
        if sum(sized.seconds(key) for key in sized.keys if key not in done) <= seconds:
            return sized
    return replace(plan, launches=FEWEST_LAUNCHES)
