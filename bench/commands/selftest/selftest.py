"""`python -m bench selftest`: can this machine's numbers be trusted?

It races kernels against themselves (A/A), where every reported difference is a false alarm, and against themselves
slowed by a known 5% (A/B), alone and beside a noisy neighbour. It makes the same comparisons with plain
pytest-benchmark. And it races kernels that cheat, all of which must be caught.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count, product
from math import exp
from typing import Any, NamedTuple

from bench.analysis import statistics
from bench.analysis.race import Race
from bench.commands.selftest import pytest_benchmark
from bench.commands.selftest.slowed import VARIABLE
from bench.commands.selftest.summary import Trial, summarize
from bench.host import machine
from bench.host.checkout import CHECKOUT
from bench.race import race
from bench.results.samples import Candidate
from bench.runner import settings as run_settings
from bench.runner.inputs import InputCache
from bench.runner.session import Session
from bench.runner.settings import Settings
from bench.workloads import catalog
from kernels import registry

KERNELS = ("numpy", "numba-loops")
SIZES = ("1000x32", "50000x32", "400000x64")
_SLOWED_EVERY, _LARGE_EVERY = 3, 10
"""One cycle in so many has the slowed kernels, or the largest size with them: these take most of the time."""
_LAUNCHES, _LAUNCH_SECONDS = 24, 0.2
"""At most: as in every run, a race ends when its ratios are known to ±2%, but not before the fifth launch."""


def run(minutes: float, threads: int, tick: Callable[[str], None]) -> dict[str, Any]:
    """Race for about so many minutes, then do the rest; returns the document for a results file."""
    input_cache = InputCache()
    trials: list[Trial] = []
    tick("measuring how much work makes a call 5% longer")
    work = [_calibrated(kernel, size, threads) for kernel, size in product(KERNELS, SIZES)]
    os.environ[VARIABLE] = json.dumps(work)  # for the workers
    began = time.monotonic()
    try:
        for cycle in count():
            if cycle > 1 and time.monotonic() - began > 60 * minutes:
                break
            for noisy_neighbour, kernel in product((False, True), KERNELS):
                beside = ", beside a noisy neighbour" if noisy_neighbour else ""
                tick(f"{len(trials)} races; {kernel} against itself{beside}")
                with _noisy_neighbour(noisy_neighbour):
                    trials += _trials(kernel, noisy_neighbour, cycle, threads, input_cache)
    finally:
        input_cache.close()
        del os.environ[VARIABLE]
    plain = []
    for noisy_neighbour, kernel, size in product((False, True), KERNELS, SIZES):
        tick(f"plain pytest-benchmark: {kernel} at {size}")
        with _noisy_neighbour(noisy_neighbour):
            plain.append(pytest_benchmark.compare(kernel, size, noisy_neighbour, threads))
    tick("cheaters")
    return {
        "machine": machine.fingerprint(),
        "threads": threads,
        "settings": {"launches": [run_settings.FEWEST_LAUNCHES, _LAUNCHES], "launch_seconds": _LAUNCH_SECONDS},
        "summary": [asdict(row) for row in summarize(trials)],
        "cheaters": catch_cheaters(),
        "pytest_benchmark": plain,
        "trials": [asdict(trial) for trial in trials],
    }


def _calibrated(kernel: str, size: str, threads: int) -> list[Any]:
    """The work that makes the kernel 5% slower: the median of three measurements, each in a process of its own."""
    processes = [
        pytest_benchmark.python("-m", "bench.commands.selftest.slowed", kernel, size, threads=threads)
        for _ in range(3)
    ]
    if failed := next((process for process in processes if process.returncode), None):
        raise ValueError(f"the work that slows {kernel} by 5% was not measured: {failed.stderr.strip()[-200:]}")
    measured: list[list[Any]] = [json.loads(process.stdout) for process in processes]
    return sorted(measured, key=lambda row: row[2:])[1]


def _trials(kernel: str, noisy_neighbour: bool, cycle: int, threads: int, input_cache: InputCache) -> list[Trial]:
    """One race for each size, all in the same launches."""
    large = cycle % _LARGE_EVERY == 0
    with_slowed = large or cycle % _SLOWED_EVERY == 0
    again, slow = f"{kernel} again", f"{kernel} slowed"
    candidates = [
        Candidate(kernel, requested=True),
        Candidate(kernel, requested=True, label=again),
    ]
    if with_slowed:
        candidates.append(
            Candidate(f"bench.commands.selftest.slowed:{kernel.replace('-', '_')}", requested=True, label=slow)
        )
    sizes = [catalog.named(size) for size in (SIZES if large else SIZES[:-1])]
    settings = Settings(_LAUNCHES * _LAUNCH_SECONDS, threads=(threads,), launch_seconds=_LAUNCH_SECONDS)
    session = Session(candidates, sizes, settings, input_cache)
    session.choose([(size.name, candidate.name) for size in sizes for candidate in candidates], baselines=False)
    session.run()
    return [_trial(each, kernel, again, slow if with_slowed else None, noisy_neighbour) for each in session.races]


def _trial(result: Race, kernel: str, again: str, slow: str | None, noisy_neighbour: bool) -> Trial:
    same = result.ratio(again, over=kernel)
    slowed = result.ratio(slow, over=kernel) if slow else None
    if same is None or (slow and slowed is None):
        outcomes = {candidate.name: result.outcome(candidate.name) for candidate in result.candidates}
        raise ValueError(f"{kernel} on {result.workload.name} was not timed: {outcomes}")
    logs = result.log_ratios(again, kernel)
    return Trial(
        kernel,
        result.workload.name,
        noisy_neighbour,
        len(result.launch_results),
        round(sum(sum(launch.seconds.values()) for launch in result.launch_results), 2),
        asdict(same),
        asdict(slowed) if slowed else None,
        tuple(round(value, 5) for value in logs),
        tuple(round(value, 5) for value in result.log_ratios(slow, kernel)) if slow else (),
        statistics.spread([exp(value) for value in logs]) or 0.0,
    )


@contextmanager
def _noisy_neighbour(present: bool) -> Iterator[None]:
    if not present:
        yield
        return
    command = [sys.executable, "-P", "-m", "bench.commands.selftest.noisy_neighbour"]
    noisy = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(CHECKOUT)})
    try:
        yield
    finally:
        noisy.kill()
        noisy.wait()


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
