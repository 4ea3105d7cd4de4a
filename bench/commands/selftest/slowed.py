"""Kernels made slower by a known share, with work that is really done: what the self-test must find.

After each call the kernel is called again on the first few rows, or, where a call of a single row takes too long
for that, an empty loop is run. How many rows or turns make 5% is measured once, in place: calls with them and calls
without, by turns, while nothing else runs. All workers get it in their environment:

    python -m bench.commands.selftest.slowed KERNEL WORKLOAD      prints how many rows, and how many turns of the loop

Rows wait for memory and for a neighbour as the kernel itself does, so that 5% stay 5% when the machine is busy.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import repeat
from math import ceil, expm1, log
from statistics import median
from time import perf_counter
from typing import Any

from kernels import Gradient, Kernel, load

SHARE = 0.05
VARIABLE = "LOGITBENCH_SLOWED"
"""JSON: a list of [kernel, shape of X, rows, turns]."""
_BLOCK_SECONDS, _MEASURE_SECONDS, _FEWEST_PAIRS, _CORRECTIONS = 0.002, 2.5, 25, 2


def slowed(kernel: Kernel, share: float = SHARE) -> Kernel:
    """The kernel, each call longer by that share."""
    known = json.loads(os.environ.get(VARIABLE, "[]"))
    work = {tuple(shape): with_more(kernel, rows, turns) for name, shape, rows, turns in known if name == kernel.name}

    def gradient(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        if X.shape not in work:
            work[X.shape] = with_more(kernel, *calibrate(kernel, share, X, y, w, b))
        return work[X.shape](X, y, w, b)

    return replace(kernel, name=f"{kernel.name}-slowed", gradient=gradient)


def with_more(kernel: Kernel, rows: int, turns: int) -> Callable[..., Gradient]:
    """The kernel's gradient, and after it that of so many rows, and so many turns of an empty loop."""

    def gradient(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        result = kernel.gradient(X, y, w, b)
        if rows:
            kernel.gradient(X[:rows], y[:rows], w, b)
        for _ in repeat(None, turns):
            pass
        return result

    return gradient


def calibrate(kernel: Kernel, share: float, X: Any, y: Any, w: Any, b: Any) -> tuple[int, int]:
    """How many rows, or else turns, make a call longer by that share."""

    def by(rows: int, turns: int) -> float:
        return _longer_by(with_more(kernel, rows, turns), kernel.gradient, (X, y, w, b))

    if by(1, 0) < share / 2:
        return _solve(lambda rows: by(rows, 0), share, ceil(share * X.shape[0])), 0
    return 0, _solve(lambda turns: by(0, turns), share, 100)


def _solve(longer: Callable[[int], float], share: float, amount: int) -> int:
    """The amount of work that makes a call longer by the share, from nearly proportional measurements."""
    for _ in range(_CORRECTIONS):
        found = max(longer(amount), share / 20)
        amount = max(1, round(amount * share / found))
    return amount


def _longer_by(more: Callable[..., Gradient], plain: Callable[..., Gradient], arguments: tuple[Any, ...]) -> float:
    """By what share a call takes longer: the median over blocks of calls, the two by turns, one after the other."""
    start = perf_counter()
    plain(*arguments)
    calls = ceil(_BLOCK_SECONDS / (perf_counter() - start))

    def seconds(call: Callable[..., Gradient]) -> float:
        call(*arguments)  # what the other left in the caches
        start = perf_counter()
        for _ in range(calls):
            call(*arguments)
        return perf_counter() - start

    pairs: list[float] = []
    while len(pairs) < _FEWEST_PAIRS or perf_counter() - start < _MEASURE_SECONDS:
        pairs.append(log(seconds(more) / seconds(plain)))
    return expm1(median(pairs))


def __getattr__(name: str) -> Kernel:
    """`bench.commands.selftest.slowed:numba_loops` is the kernel numba-loops, slowed."""
    try:
        return slowed(load(name.replace("_", "-")))
    except ValueError:
        raise AttributeError(name) from None


def _main(name: str, size: str) -> None:
    from bench.workloads import catalog

    problem, kernel = catalog.problem(catalog.named(size), 0), load(name)
    arguments = problem.X, problem.y, problem.w, problem.b
    kernel.gradient(*arguments)
    rows, turns = calibrate(kernel, SHARE, *arguments)
    found = _longer_by(with_more(kernel, rows, turns), kernel.gradient, arguments)
    sys.stderr.write(f"{name} on {size}: {rows} rows and {turns} turns make a call longer by {found:.1%}\n")
    sys.stdout.write(json.dumps([name, problem.X.shape, rows, turns]) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
