"""python -m bench selftest: can the measuring be trusted on this machine?

It races kernels against themselves, where every difference that it calls is a false alarm (A/A), and against
themselves slowed by a known 5% (A/B); alone and beside a noisy neighbour; and has plain pytest-benchmark make the
same comparisons. And it races kernels that cheat, all of which must be caught.
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
from typing import Any

from bench.analysis import statistics
from bench.analysis.race import Race
from bench.commands.selftest import pytest_benchmark
from bench.commands.selftest.cheaters import CHEATED, CHEATERS
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

KERNELS = ("numpy", "numba-loops")
SIZES = ("1000x32", "50000x32", "400000x64")
_SLOWED_EVERY, _LARGE_EVERY = 3, 10
"""So often a cycle has the slowed kernels, and the largest size with them, which take most of the time."""
_LAUNCHES, _LAUNCH_SECONDS = 24, 0.2
"""At most; a race ends from the fifth on when its ratios are known to ±2%, as every run does."""


def run(minutes: float, threads: int, tick: Callable[[str], None]) -> dict[str, Any]:
    """About so many minutes of races, and then the rest; the document for a results file."""
    input_cache = InputCache()
    trials: list[Trial] = []
    tick("calibrating 5%")
    work = [_calibrated(kernel, size, threads) for kernel, size in product(KERNELS, SIZES)]
    os.environ[VARIABLE] = json.dumps(work)  # for the workers
    began = time.monotonic()
    try:
        for cycle in count():
            if cycle > 1 and time.monotonic() - began > 60 * minutes:
                break
            for neighbour, kernel in product((False, True), KERNELS):
                beside = ", beside a neighbour" if neighbour else ""
                tick(f"{len(trials)} races; {kernel} against itself{beside}")
                with _neighbour(neighbour):
                    trials += _trials(kernel, neighbour, cycle, threads, input_cache)
    finally:
        input_cache.close()
        del os.environ[VARIABLE]
    compared = []
    for neighbour, kernel, size in product((False, True), KERNELS, SIZES):
        tick(f"plain pytest-benchmark: {kernel} at {size}")
        with _neighbour(neighbour):
            compared.append(pytest_benchmark.compare(kernel, size, neighbour, threads))
    tick("cheaters")
    caught = catch_cheaters()
    return {
        "machine": machine.fingerprint(),
        "threads": threads,
        "settings": {"launches": [run_settings.FEWEST_LAUNCHES, _LAUNCHES], "launch_seconds": _LAUNCH_SECONDS},
        "summary": [asdict(row) for row in summarize(trials)],
        "cheaters": caught,
        "pytest_benchmark": compared,
        "trials": [asdict(trial) for trial in trials],
    }


def _calibrated(kernel: str, size: str, threads: int) -> list[Any]:
    """The work that slows the kernel down by 5%: the middle of three, each in a process of its own."""
    ran = [
        pytest_benchmark.python("-m", "bench.commands.selftest.slowed", kernel, size, threads=threads)
        for _ in range(3)
    ]
    if failed := next((one for one in ran if one.returncode), None):
        raise ValueError(f"5% of {kernel} could not be measured: {failed.stderr.strip()[-200:]}")
    found = [json.loads(one.stdout) for one in ran]
    middle: list[Any] = sorted(found, key=lambda one: one[2:])[1]
    return middle


def _trials(kernel: str, neighbour: bool, cycle: int, threads: int, input_cache: InputCache) -> list[Trial]:
    """A race for each size; they share their launches."""
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
    return [_trial(found, kernel, again, slow if with_slowed else None, neighbour) for found in session.races]


def _trial(found: Race, kernel: str, again: str, slow: str | None, neighbour: bool) -> Trial:
    same = found.ratio(again, over=kernel)
    slowed = found.ratio(slow, over=kernel) if slow else None
    if same is None or (slow and slowed is None):
        outcomes = {candidate.name: found.outcome(candidate.name) for candidate in found.candidates}
        raise ValueError(f"{kernel} on {found.workload.name} was not timed: {outcomes}")
    logs = found.log_ratios(again, kernel)
    return Trial(
        kernel,
        found.workload.name,
        neighbour,
        len(found.blocks),
        round(sum(sum(block.seconds.values()) for block in found.blocks), 2),
        asdict(same),
        asdict(slowed) if slowed else None,
        tuple(round(value, 5) for value in logs),
        tuple(round(value, 5) for value in found.log_ratios(slow, kernel)) if slow else (),
        statistics.spread([exp(value) for value in logs]) or 0.0,
    )


@contextmanager
def _neighbour(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    command = [sys.executable, "-P", "-m", "bench.commands.selftest.noisy_neighbour"]
    noisy = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(CHECKOUT)})
    try:
        yield
    finally:
        noisy.kill()
        noisy.wait()


def catch_cheaters(workloads: Sequence[str] = CHEATED) -> dict[str, dict[str, Any]]:
    """What becomes of each cheater on these workloads, in a race beside numpy; `caught` if it is what should."""
    found: dict[str, dict[str, Any]] = {}
    for workload in workloads:
        expected = {name: reason for name, (its, reason) in CHEATERS.items() if its == workload}
        candidates = {name: Candidate(f"bench.commands.selftest.cheaters:{name}") for name in expected}
        whole = race([*candidates.values(), "numpy"], workload, launches=1, seconds=0.2)
        for name, candidate in candidates.items():
            outcome, reason = whole.outcome(candidate.name)
            caught = reason.startswith(expected[name]) and whole.outcome("numpy")[0] == "ok"
            found[name] = {"workload": workload, "outcome": outcome, "reason": reason, "caught": caught}
    return found
