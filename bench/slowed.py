"""Kernels made slower by a known share, with work that is really done: what the self-test must find.

After each call an array in cache is added up, for so long as 5% of a call takes. How much that is, is measured once,
while nothing else runs, and handed to all workers in their environment:

    python -m bench.slowed KERNEL WORKLOAD        prints how many sums of the whole array, and of how many numbers
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from time import perf_counter
from typing import Any

import numpy as np

from kernels import Gradient, Kernel, load

SHARE = 0.05
VARIABLE = "LOGITBENCH_SLOWED"
"""JSON: a list of [kernel, shape of X, sums of the whole array, numbers of one more]."""
_PAD = np.ones(2**13)
"""64 KiB: in any processor's second cache, and a small part of it."""
_TRIALS, _TRIAL_SECONDS = 40, 0.001


def slowed(kernel: Kernel, share: float = SHARE) -> Kernel:
    """The kernel, each call longer by that share."""
    known = json.loads(os.environ.get(VARIABLE, "[]"))
    work = {tuple(shape): (whole, rest) for name, shape, whole, rest in known if name == kernel.name}

    def gradient(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        if X.shape not in work:
            work[X.shape] = calibrate(kernel, share, X, y, w, b)
        whole, rest = work[X.shape]
        result = kernel.gradient(X, y, w, b)
        for _ in range(whole):
            np.add.reduce(_PAD)
        if rest:
            np.add.reduce(_PAD[:rest])
        return result

    return replace(kernel, name=f"{kernel.name}-slowed", gradient=gradient)


def calibrate(kernel: Kernel, share: float, X: Any, y: Any, w: Any, b: Any) -> tuple[int, int]:
    """The work that is that share of a call, less what stands around it here."""
    work: dict[tuple[int, ...], tuple[int, int]] = {X.shape: (0, 0)}

    def around() -> None:
        if X.shape in work:
            whole, rest = work[X.shape]
            for _ in range(whole):
                pass
            if rest:
                pass

    (own,) = _least_seconds(lambda: kernel.gradient(X, y, w, b))
    (outside,) = _least_seconds(around)
    return _sums(share * own - outside)


def _sums(seconds: float) -> tuple[int, int]:
    """How many sums of the whole pad, and of how many of its numbers one more, take so long."""
    size = len(_PAD)
    whole, half = _least_seconds(lambda: np.add.reduce(_PAD), lambda: np.add.reduce(_PAD[: size // 2]))
    count = max(0, int(seconds / whole))
    fixed, each = 2 * half - whole, (whole - half) / (size / 2)
    rest = (seconds - count * whole - fixed) / each
    return count, max(0, min(size, round(rest)))


def _least_seconds(*calls: Callable[[], object]) -> list[float]:
    """Of each call, the least of several times, taken in turns."""
    start = perf_counter()
    for call in calls:
        call()
    count = ceil(_TRIAL_SECONDS / max(perf_counter() - start, 1e-7))
    least = [float("inf")] * len(calls)
    for _ in range(_TRIALS):
        for place, call in enumerate(calls):
            start = perf_counter()
            for _ in range(count):
                call()
            least[place] = min(least[place], (perf_counter() - start) / count)
    return least


def __getattr__(name: str) -> Kernel:
    """`bench.slowed:numba_loops` is the kernel numba-loops, slowed."""
    try:
        return slowed(load(name.replace("_", "-")))
    except ValueError:
        raise AttributeError(name) from None


def _main(name: str, size: str) -> None:
    from bench import workloads

    problem, kernel = workloads.problem(workloads.named(size), 0), load(name)
    kernel.gradient(problem.X, problem.y, problem.w, problem.b)
    found = calibrate(kernel, SHARE, problem.X, problem.y, problem.w, problem.b)
    sys.stdout.write(json.dumps([name, problem.X.shape, *found]) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
