"""One kernel on one workload: placed, compiled, checked, timed, and checked again.

Timed is exactly `backend.wait(kernel.gradient(X, y, w, b))` on arrays already placed, and no timed call gets
parameters that the kernel has seen.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from math import ceil
from time import perf_counter
from typing import Any

from bench import agreement, workloads
from bench.agreement import Finding
from bench.selection import loaded
from bench.statistics import FEWEST_ROUNDS
from bench.workloads import Workload
from kernels import BackendUnavailable, Kernel
from kernels.registry import told

ROUND_SECONDS = 0.005
"""A round lasts at least this long: 10⁵ times the timer's grain, and more than a scheduler's tick of 4 ms."""


@dataclass(frozen=True)
class Measurement:
    """What one kernel did on one workload."""

    outcome: str
    """ok, wrong, raised, out-of-memory or unavailable."""
    reason: str = ""
    kernel: Kernel | None = None
    """None where it could not even be loaded."""
    findings: tuple[Finding, ...] = ()
    import_seconds: float | None = None
    placement_seconds: float | None = None
    first_call_seconds: float | None = None
    iterations: int = 1
    """Calls in a round."""
    rounds: tuple[float, ...] = ()
    """Seconds per call, a number for each round; empty unless the outcome is ok."""


def measure(
    spec: str, workload: Workload, seconds: float, tick: Callable[[], None] = lambda: None
) -> Measurement:
    """Take the kernel through the workload, timing it for about so many seconds, or not at all for 0.

    tick: called between rounds. Whatever the kernel raises ends up in the outcome; DatasetUnavailable goes
    to the caller, and so does ValueError for a spec that names no kernel.
    """
    try:
        kernel, import_seconds = loaded(spec)
    except BackendUnavailable as unavailable:
        return Measurement("unavailable", str(unavailable))
    so_far = Measurement("ok", kernel=kernel, import_seconds=import_seconds)
    agreement.prepare(workload)  # outside of what follows: a mistake in there would not be the kernel's
    problem = workloads.problem(workload, agreement.GATE_DRAW)
    try:
        start = perf_counter()
        X, y = kernel.backend.asarray(problem.X), kernel.backend.asarray(problem.y)
        so_far = replace(so_far, placement_seconds=perf_counter() - start)
        parameters = _placed(kernel, workload, agreement.FIRST_TIMED_DRAW)
        so_far = replace(so_far, first_call_seconds=_timed(kernel, X, y, parameters))
        for finding in agreement.before(kernel, workload, X, y):
            so_far = _with(so_far, finding)
            if finding.failure:
                return so_far
        iterations, rounds = _rounds(kernel, workload, X, y, seconds, tick) if seconds else (1, ())
        so_far = _with(so_far, agreement.after(kernel, workload, X, y))
    except MemoryError:
        return replace(so_far, outcome="out-of-memory", reason=f"{workload.name} does not fit into memory")
    except (Exception, SystemExit) as error:  # a kernel may raise anything, and the others go on
        return replace(so_far, outcome="raised", reason=told(error))
    return replace(so_far, iterations=iterations, rounds=rounds) if so_far.outcome == "ok" else so_far


def _with(so_far: Measurement, finding: Finding) -> Measurement:
    so_far = replace(so_far, findings=(*so_far.findings, finding))
    return replace(so_far, outcome="wrong", reason=finding.failure) if finding.failure else so_far


def _rounds(
    kernel: Kernel, workload: Workload, X: Any, y: Any, seconds: float, tick: Callable[[], None]
) -> tuple[int, tuple[float, ...]]:
    """Calls in a round, and for each round the seconds of a call."""
    draws = count(agreement.FIRST_TIMED_DRAW + 1)

    def round_of(calls: int) -> float:
        return _timed(kernel, X, y, _placed(kernel, workload, next(draws), calls))

    iterations, elapsed = 1, round_of(1)
    while elapsed < ROUND_SECONDS:  # tenfold at most: a first call is slower than the rest
        iterations = ceil(iterations * min(10.0, 1.1 * ROUND_SECONDS / elapsed))
        elapsed = round_of(iterations)
    rounds = []
    collects = gc.isenabled()
    gc.disable()
    try:
        warmed = elapsed * (1 + 1 / iterations)  # a round and the untimed call before it
        for _ in range(max(FEWEST_ROUNDS, round(seconds / warmed))):
            tick()
            parameters = _placed(kernel, workload, next(draws), 1 + iterations)
            _timed(kernel, X, y, parameters[:1])  # untimed: what ran in between has cooled the caches
            rounds.append(_timed(kernel, X, y, parameters[1:]) / iterations)
    finally:
        if collects:
            gc.enable()
    return iterations, tuple(rounds)


def _placed(kernel: Kernel, workload: Workload, draw: int, calls: int = 1) -> list[tuple[Any, Any]]:
    """New parameters for each of so many calls."""
    asarray = kernel.backend.asarray
    return [
        (asarray(w), asarray(b)) for w, b in zip(*workloads.parameters(workload, draw, calls), strict=True)
    ]


def _timed(kernel: Kernel, X: Any, y: Any, parameters: list[tuple[Any, Any]]) -> float:
    """Seconds of a call with each of the parameters."""
    gradient, wait = kernel.gradient, kernel.backend.wait
    start = perf_counter()
    for w, b in parameters:
        wait(gradient(X, y, w, b))
    return perf_counter() - start
