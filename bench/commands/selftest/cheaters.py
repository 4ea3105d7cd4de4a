"""Kernels that cheat: each must be caught, by the check that is made for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.race import race
from bench.results.samples import Candidate
from bench.workloads import catalog
from kernels import registry


class Cheater(NamedTuple):
    """A kernel that cheats, and what catches it."""

    spec: str
    """As for `kernels.load`."""
    workload: str
    reason: str
    """How the reason begins with which it is rejected."""


def cheaters() -> dict[str, Cheater]:
    """The cheaters of every operation, by operation/name."""
    modules = {operation: registry.part_of(operation, "cheaters") for operation in registry.OPERATIONS}
    return {
        f"{operation}/{name}": Cheater(f"{module.__name__}:{name}", workload, reason)
        for operation, module in modules.items()
        for name, (workload, reason) in module.CHEATERS.items()
    }


def catch_cheaters(workloads: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """The outcome of each cheater in a race with an honest kernel; `caught` if the right check rejected it, and the
    honest one passed.

    workloads: those to race on; None: all
    """
    outcomes: dict[str, dict[str, Any]] = {}
    known = cheaters()
    for workload in dict.fromkeys(cheater.workload for cheater in known.values()):
        if workloads is not None and workload not in workloads:
            continue
        honest = Candidate(catalog.named(workload).baselines[-1])
        candidates = {name: Candidate(one.spec) for name, one in known.items() if one.workload == workload}
        raced = race([*candidates.values(), honest], workload, launches=1, seconds=0.2)
        for name, candidate in candidates.items():
            outcome, reason = raced.outcome(candidate.name)
            caught = reason.startswith(known[name].reason) and raced.outcome(honest.name)[0] == "ok"
            outcomes[name] = {"workload": workload, "outcome": outcome, "reason": reason, "caught": caught}
    return outcomes
