"""Fits what is missing of a study.

Which examples are held out is the same for every fit. A seed chooses those that it is fitted to, and where it starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.commands.scale.plan import Key, Plan
from bench.report.formatting import counted
from bench.workloads import catalog
from kernels import load, registry

OPERATION, KERNEL, START = "network", "numba", {"relu": "he", "sigmoid": "glorot"}
_HELD_OUT_SEED = 2**32
Row = dict[str, Any]


def run(
    plan: Plan, rows: list[Row], deadline: float, save: Callable[[], None], tick: Callable[[str, int], None]
) -> bool:
    """Fit what is missing in `rows`, and add it. Returns whether all of the plan is done.

    deadline: of time.monotonic(); save: called after each fit, and when it ends; tick: (what, fits done)
    """
    fitting, training = (registry.part_of(OPERATION, part) for part in ("fitting", "training"))
    X, y = catalog.data(catalog.named(plan.workload))
    most = max(plan.examples)
    order = np.random.default_rng(_HELD_OUT_SEED).permutation(len(y))
    pool, deciding, held_out = np.split(order, [most, most + (len(y) - most) // 2])
    sets = [fitting.Examples(X[chosen], y[chosen]) for chosen in (deciding, held_out)]
    done = {Key(row["examples"], row["units"], row["seed"]) for row in rows}
    for key in plan.keys:
        if key in done:
            continue
        if time.monotonic() >= deadline:
            return False
        tick(f"{counted(key.examples, 'example')}, {plan.layers if key.units else 0} x {key.units} units", len(rows))
        static = (plan.activation, plan.layers if key.units else 0, key.units or 1)
        chosen = np.random.default_rng([key.seed, key.examples]).permutation(pool)[: key.examples]
        net = training.Net(*static)
        begin = training.start(net, X.shape[1], X.dtype, START[plan.activation], [key.seed, key.units])
        examples = fitting.Examples(X[chosen], y[chosen])
        call = load(KERNEL, OPERATION).built(static)
        fitted = fitting.fit(call, examples, *sets, begin, plan.steps, time.perf_counter)
        rows.append({**key._asdict(), **fitted._asdict(), "base": _entropy(y[chosen], sets[1].y)})
        save()
    return True


def _entropy(fitted: np.ndarray, held_out: np.ndarray) -> float:
    """The log-loss of held-out examples with one probability for all: the share of 1 among those that are fitted."""
    share = float(np.clip(fitted.mean(), 1e-6, 1 - 1e-6))
    return float(-np.mean(np.where(held_out > 0, np.log(share), np.log1p(-share))))
