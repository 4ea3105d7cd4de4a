"""One kernel on one workload: placed, compiled, checked, timed, and checked again.

Timed is exactly `backend.wait(kernel.gradient(X, y, w, b))` on arrays already placed, with parameters that
change from round to round.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from time import perf_counter
from typing import Any

from bench import agreement, workloads
from bench.agreement import Finding
from bench.statistics import FEWEST_ROUNDS
from bench.workloads import Workload
from kernels import BackendUnavailable, Kernel, load

ROUND_SECONDS = 0.005
"""A round lasts at least this long: 10⁵ times the timer's grain, and longer than a timer interrupt."""


@dataclass(frozen=True)
class Run:
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


def run(spec: str, workload: Workload, seconds: float, tick: Callable[[], None] = lambda: None) -> Run:
    """Take the kernel through the workload, timing it for about so many seconds, or not at all for 0.

    tick: called between rounds. Whatever the kernel raises ends up in the outcome; DatasetUnavailable goes
    to the caller, and so does ValueError for a spec that names no kernel.
    """
    try:
        kernel, import_seconds = _loaded(spec)
    except BackendUnavailable as unavailable:
        return Run("unavailable", str(unavailable))
    so_far = Run("ok", kernel=kernel, import_seconds=import_seconds)
    agreement.prepare(workload)  # outside of what follows: a mistake in there would not be the kernel's
    problem = workloads.problem(workload, agreement.GATE_DRAW)
    try:
        start = perf_counter()
        X, y = kernel.backend.asarray(problem.X), kernel.backend.asarray(problem.y)
        so_far = replace(so_far, placement_seconds=perf_counter() - start)
        parameters = _placed(kernel, workload, agreement.FIRST_TIMED_DRAW)
        so_far = replace(so_far, first_call_seconds=_timed(kernel, X, y, *parameters, 1))
        for finding in agreement.before(kernel, workload, X, y):
            so_far = _with(so_far, finding)
            if finding.failure:
                return so_far
        iterations, rounds = _rounds(kernel, workload, X, y, seconds, tick) if seconds else (1, ())
        so_far = _with(so_far, agreement.after(kernel, workload, X, y))
    except MemoryError:
        return replace(so_far, outcome="out-of-memory", reason=f"{workload.name} does not fit into memory")
    except Exception as error:  # a kernel may raise anything, and the others go on
        first_line = str(error).strip().partition("\n")[0]
        return replace(so_far, outcome="raised", reason=f"{type(error).__name__}: {first_line}")
    return replace(so_far, iterations=iterations, rounds=rounds) if so_far.outcome == "ok" else so_far


def _with(run: Run, finding: Finding) -> Run:
    run = replace(run, findings=(*run.findings, finding))
    return replace(run, outcome="wrong", reason=finding.failure) if finding.failure else run


@cache
def _loaded(spec: str) -> tuple[Kernel, float]:
    start = perf_counter()
    return load(spec), perf_counter() - start


def _rounds(
    kernel: Kernel, workload: Workload, X: Any, y: Any, seconds: float, tick: Callable[[], None]
) -> tuple[int, tuple[float, ...]]:
    """Calls in a round, and for each round the seconds of a call."""
    draw = agreement.FIRST_TIMED_DRAW + 1
    iterations, elapsed = 1, _timed(kernel, X, y, *_placed(kernel, workload, draw), 1)
    while elapsed < ROUND_SECONDS:  # by at most ten at a time: the first calls are slower than the rest
        iterations = ceil(iterations * min(10.0, 1.1 * ROUND_SECONDS / elapsed))
        draw += 1
        elapsed = _timed(kernel, X, y, *_placed(kernel, workload, draw), iterations)
    rounds = []
    collects = gc.isenabled()
    gc.disable()
    try:
        warmed = elapsed * (1 + 1 / iterations)  # a round and the untimed call before it
        for _ in range(max(FEWEST_ROUNDS, round(seconds / warmed))):
            tick()
            draw += 1
            parameters = _placed(kernel, workload, draw)
            _timed(kernel, X, y, *parameters, 1)  # what ran in between has cooled the caches
            rounds.append(_timed(kernel, X, y, *parameters, iterations) / iterations)
    finally:
        if collects:
            gc.enable()
    return iterations, tuple(rounds)


def _placed(kernel: Kernel, workload: Workload, draw: int) -> tuple[Any, Any]:
    w, b = workloads.parameters(workload, draw)
    return kernel.backend.asarray(w), kernel.backend.asarray(b)


def _timed(kernel: Kernel, X: Any, y: Any, w: Any, b: Any, iterations: int) -> float:
    """Seconds of so many calls."""
    gradient, wait = kernel.gradient, kernel.backend.wait
    start = perf_counter()
    for _ in range(iterations):
        wait(gradient(X, y, w, b))
    return perf_counter() - start
