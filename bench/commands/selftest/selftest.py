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
from dataclasses import asdict, dataclass
from itertools import count, product
from math import exp, log
from statistics import median
from typing import Any

from bench.analysis import statistics
from bench.analysis.race import Race
from bench.commands.selftest import pytest_benchmark
from bench.commands.selftest.cheaters import CHEATED, CHEATERS
from bench.commands.selftest.slowed import VARIABLE
from bench.host import machine
from bench.host.checkout import CHECKOUT
from bench.race import race
from bench.runner import settings as run_settings
from bench.runner.inputs import Materials
from bench.runner.selection import Entrant
from bench.runner.session import Session
from bench.runner.settings import Settings
from bench.workloads import catalog

KERNELS = ("numpy", "numba-loops")
SIZES = ("1000x32", "50000x32", "400000x64")
_SLOWED_EVERY, _LARGE_EVERY = 3, 10
"""So often a cycle has the slowed kernels, and the largest size with them, which take most of the time."""
_LAUNCHES, _LAUNCH_SECONDS = 24, 0.2
"""At most; a race ends from the fifth on when its ratios are known to ±2%, as every run does."""


@dataclass(frozen=True)
class Trial:
    """One race of a kernel with itself and with itself slowed."""

    kernel: str
    workload: str
    neighbour: bool
    launches: int
    seconds: float
    """Of the wall, until it ended: starting, checking and timing three workers."""
    same: dict[str, Any]
    """Ratio of the kernel to itself: estimate, low, high, verdict."""
    slowed: dict[str, Any] | None
    """Ratio of the slowed kernel to the kernel; every other race has it."""
    same_logs: tuple[float, ...]
    slowed_logs: tuple[float, ...]
    launch_spread: float
    """The standard deviation of the logarithm of the ratio to itself, over launches."""


def run(minutes: float, threads: int, tick: Callable[[str], None]) -> dict[str, Any]:
    """About so many minutes of races, and then the rest; the document for a results file."""
    materials = Materials()
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
                    trials += _trials(kernel, neighbour, cycle, threads, materials)
    finally:
        materials.close()
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


def _trials(kernel: str, neighbour: bool, cycle: int, threads: int, materials: Materials) -> list[Trial]:
    """A race for each size; they share their launches."""
    large = cycle % _LARGE_EVERY == 0
    with_slowed = large or cycle % _SLOWED_EVERY == 0
    again, slow = f"{kernel} again", f"{kernel} slowed"
    entrants = [
        Entrant(kernel, by_name=True),
        Entrant(kernel, by_name=True, label=again),
    ]
    if with_slowed:
        entrants.append(
            Entrant(f"bench.commands.selftest.slowed:{kernel.replace('-', '_')}", by_name=True, label=slow)
        )
    sizes = [catalog.named(size) for size in (SIZES if large else SIZES[:-1])]
    settings = Settings(_LAUNCHES * _LAUNCH_SECONDS, threads=(threads,), launch_seconds=_LAUNCH_SECONDS)
    session = Session(entrants, sizes, settings, materials)
    session.choose([(size.name, entrant.name) for size in sizes for entrant in entrants], baselines=False)
    session.run()
    return [_trial(found, kernel, again, slow if with_slowed else None, neighbour) for found in session.races]


def _trial(found: Race, kernel: str, again: str, slow: str | None, neighbour: bool) -> Trial:
    same = found.ratio(again, over=kernel)
    slowed = found.ratio(slow, over=kernel) if slow else None
    if same is None or (slow and slowed is None):
        outcomes = {entrant.name: found.outcome(entrant.name) for entrant in found.entrants}
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


@dataclass(frozen=True)
class Row:
    """What all races of one kind came to; shares are estimate, low, high of the exact 95% interval."""

    kernel: str
    workload: str
    neighbour: str
    races: int
    false_alarms: int
    false_alarm_share: tuple[float, ...]
    covered: int
    covered_share: tuple[float, ...]
    """Of intervals that hold 1."""
    half_width_median: float
    half_width_90: float
    launch_spread_median: float
    launches_median: float
    slowed_races: int
    slowed_found: int
    slowed_found_share: tuple[float, ...]
    slowed_by_median: float
    seconds_median: float
    seconds_most: float
    """Of the races with a slowed kernel."""
    smallest_found: float
    """The least slowdown that 95% of races would find: a race finds it where its interval leaves out 1, and so
    it must exceed the half-width and the error of the estimate together; their 95th percentile over races."""


def summarize(trials: Sequence[Trial]) -> list[Row]:
    """A row for each kernel, size and neighbour, then all of a kernel, then all."""
    kinds: dict[tuple[str, str, str], list[Trial]] = {}
    for one in trials:
        beside = "yes" if one.neighbour else "no"
        for key in ((one.kernel, one.workload, beside), (one.kernel, "all", "-"), ("all", "all", "-")):
            kinds.setdefault(key, []).append(one)
    return [_row(*key, kinds[key]) for key in sorted(kinds, key=lambda key: (key.count("all"), key))]


def _row(kernel: str, workload: str, neighbour: str, trials: Sequence[Trial]) -> Row:
    same = [one.same for one in trials]
    slowed = [one for one in trials if one.slowed]
    alarms = sum(ratio["verdict"] != "no difference shown" for ratio in same)
    covered = sum(ratio["low"] <= 1 <= ratio["high"] for ratio in same)
    found = sum(one.slowed["verdict"] == "slower" for one in slowed if one.slowed)
    halves = [log(ratio["high"] / ratio["low"]) / 2 for ratio in same]
    needed = [half + log(ratio["estimate"]) for half, ratio in zip(halves, same, strict=True)]
    seconds = [one.seconds for one in slowed]
    return Row(
        kernel=kernel,
        workload=workload,
        neighbour=neighbour,
        races=len(trials),
        false_alarms=alarms,
        false_alarm_share=_proportion(alarms, len(trials)),
        covered=covered,
        covered_share=_proportion(covered, len(trials)),
        half_width_median=median(halves),
        half_width_90=_quantile(halves, 0.9),
        launch_spread_median=median(one.launch_spread for one in trials),
        launches_median=median(one.launches for one in trials),
        slowed_races=len(slowed),
        slowed_found=found,
        slowed_found_share=_proportion(found, len(slowed)),
        slowed_by_median=median(1 / one.slowed["estimate"] - 1 for one in slowed if one.slowed),
        seconds_median=median(seconds),
        seconds_most=max(seconds),
        smallest_found=max(statistics.SMALLEST_EFFECT, exp(_quantile(needed, 0.95)) - 1),
    )


def _proportion(count: int, of: int) -> tuple[float, ...]:
    found = statistics.proportion(count, of)
    return (round(found.estimate, 4), round(found.low, 4), round(found.high, 4))


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


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
        entrants = {name: Entrant(f"bench.commands.selftest.cheaters:{name}") for name in expected}
        whole = race([*entrants.values(), "numpy"], workload, launches=1, seconds=0.2)
        for name, entrant in entrants.items():
            outcome, reason = whole.outcome(entrant.name)
            caught = reason.startswith(expected[name]) and whole.outcome("numpy")[0] == "ok"
            found[name] = {"workload": workload, "outcome": outcome, "reason": reason, "caught": caught}
    return found


_MOST_ALARMS = 0.02
"""What a person who compares fifty kernels will bear: one false word."""
_LEAST_COVERAGE = 0.95 * statistics.CONFIDENCE
"""Of what is promised, a twentieth may be missing."""


def passed(document: dict[str, Any]) -> bool:
    """Whether nothing speaks against trusting this machine's numbers: every cheater is caught, and the exact 95%
    intervals of the shares of false alarms and of coverage reach what is asked of them. How small a slowdown is found
    is told, and not judged: it is the machine's, more than the measuring's.
    """
    whole = next(row for row in document["summary"] if row["kernel"] == "all")
    caught = all(found["caught"] for found in document["cheaters"].values())
    alarms, coverage = whole["false_alarm_share"], whole["covered_share"]
    return bool(caught and alarms[1] <= _MOST_ALARMS and coverage[2] >= _LEAST_COVERAGE)
