"""Trains: for each arm first the descents that choose its rate, then those that count."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import isfinite
from typing import Any

from bench.commands.activation import analysis
from bench.commands.activation.plan import LIBRARY, Key, Plan
from bench.report.formatting import counted
from bench.workloads import catalog
from kernels import load, registry

OPERATION, KERNEL = "network", "numba"
_LARGEST = 1e30
"""In a file; of a descent that diverges."""
Row = dict[str, Any]


def run(
    plan: Plan, rows: list[Row], deadline: float, save: Callable[[], None], tick: Callable[[str, int], None]
) -> bool:
    """Train what is missing in `rows`, and add it. Returns whether all of the plan is done.

    deadline: of time.monotonic(); save: called after each arm, and when it ends; tick: (what, descents done)
    """
    training = registry.part_of(OPERATION, "training")
    X, y = catalog.data(catalog.named(plan.workload))
    done = {_key_of(row) for row in rows}
    try:
        for arm in plan.arms:
            static = (arm.unit, arm.layers, plan.width)
            call = load(KERNEL, OPERATION).built(static)
            net = training.Net(*static)

            def descend(key: Key, net: Any = net, call: Any = call) -> None:
                limits = key.rate, plan.target, plan.budget, time.perf_counter
                if key.arm.start == LIBRARY:
                    trained = registry.part_of(OPERATION, "peers.scikit_learn").train(net, X, y, key.seed, *limits)
                else:
                    begin = training.start(net, X.shape[1], X.dtype, key.arm.start, [key.seed, key.arm.layers])
                    trained = training.train(net, call, X, y, begin, *limits)
                rows.append(_row(key, trained))

            for counts in (False, True):
                if counts:
                    tuned = arm._replace(start="glorot") if arm.start == LIBRARY else arm
                    rate = analysis.chosen_rate(analysis.of_arm(rows, tuned, counts=False), plan.budget)
                    keys = plan.counting(arm, rate)
                else:
                    keys = plan.tuning(arm)
                for key in keys:
                    if key in done:
                        continue
                    if time.monotonic() >= deadline:
                        return False
                    tick(f"{counted(arm.layers, 'layer')}, {arm.unit}, {arm.start}", len(rows))
                    descend(key)
            save()
    finally:
        save()
    return True


def _row(key: Key, trained: Any) -> Row:
    return {
        "layers": key.arm.layers,
        "unit": key.arm.unit,
        "start": key.arm.start,
        "rate": key.rate,
        "seed": key.seed,
        "counts": key.counts,
        "steps": trained.steps,
        "seconds": trained.seconds,
        "cost": trained.cost if isfinite(trained.cost) and trained.cost < _LARGEST else None,
        "norms": [[min(norm, _LARGEST) if isfinite(norm) else _LARGEST for norm in norms] for norms in trained.norms],
        "dead": trained.dead,
    }


def _key_of(row: Row) -> Key:
    from bench.commands.activation.plan import Arm

    return Key(Arm(row["layers"], row["unit"], row["start"]), row["rate"], row["seed"], row["counts"])
