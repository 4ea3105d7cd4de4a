"""`python -m bench selftest`: can this machine's numbers be trusted?

It races kernels against themselves (A/A), where every reported difference is a false alarm, and against themselves
slowed by a known 5% (A/B), alone and beside a noisy neighbour. It makes the same comparisons with plain
pytest-benchmark. And it races kernels that cheat, all of which must be caught. Each step is in a journal as soon as
it is finished.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import Any

from bench.commands.selftest import noisy_neighbour, plan, pytest_benchmark, races, slowed
from bench.commands.selftest.cheaters import catch_cheaters
from bench.commands.selftest.journal import Journal
from bench.commands.selftest.plan import KERNELS, SIZES, Options, PlannedRaces
from bench.commands.selftest.slowed import Work
from bench.commands.selftest.summary import Trial, summarize, verdicts
from bench.host import machine
from bench.host.checkout import source_digest
from bench.runner import settings as run_settings
from bench.runner.inputs import InputCache

_MEASUREMENTS_OF_WORK = 3


def describe(options: Options) -> dict[str, Any]:
    """Everything that must be the same for a self-test to continue."""
    return {
        "threads": list(options.threads),
        "races": options.races,
        "minutes": None if options.races else options.minutes,
        "machine": machine.identity(),
        "sources": source_digest([]),
    }


def run(options: Options, journal: Journal, tell: Callable[[str], None]) -> dict[str, Any]:
    """Do all steps that the journal does not have yet; returns the document for a results file.

    tell: called before each step, with how far the self-test is, how long the rest takes and what comes next

    Raises ValueError, in one line, for what could not be measured, and JournalUnwritable.
    """
    steps = _Steps(options, journal, tell)
    work = {threads: steps.work(threads) for threads in options.threads}
    trials = steps.trials(work)
    plain = steps.plain(work)
    steps.announce("cheating kernels")
    caught = journal.once("cheaters", catch_cheaters)
    rows = summarize(trials)
    return {
        "machine": machine.fingerprint(),
        "threads": list(options.threads),
        "settings": {
            "launches": [run_settings.FEWEST_LAUNCHES, plan.LAUNCHES],
            "launch_seconds": plan.LAUNCH_SECONDS,
            "neighbour_seconds": [noisy_neighbour.BUSY_SECONDS, noisy_neighbour.PERIOD_SECONDS],
        },
        "summary": [asdict(row) for row in rows],
        "verdicts": [asdict(verdict) for verdict in verdicts(rows)],
        "cheaters": caught,
        "pytest_benchmark": plain,
        "work": [{"threads": threads, **asdict(one)} for threads, works in work.items() for one in works],
        "trials": [asdict(trial) for trial in trials],
    }


@dataclass(frozen=True)
class _Steps:
    """The steps of one self-test: those that its journal has are not done again."""

    options: Options
    journal: Journal
    tell: Callable[[str], None]

    def work(self, threads: int) -> list[Work]:
        """The work that makes each kernel 5% slower on each size: the median of measurements in several processes."""
        works = []
        for kernel, size in product(KERNELS, SIZES):
            measured = []
            for name in _names_of_work(threads, kernel, size):
                if name not in self.journal.steps:
                    self.announce(f"what makes {kernel} {slowed.SHARE:.0%} slower at {size}, threads: {threads}")
                measured.append(self.journal.once(name, partial(_measure_work, kernel, size, threads)))
            middle = sorted(measured, key=lambda one: (one["rows"], one["iterations"]))[len(measured) // 2]
            works.append(Work(**{**middle, "shape": tuple(middle["shape"])}))
        return works

    def trials(self, work: dict[int, list[Work]]) -> list[Trial]:
        """All races."""
        trials: list[Trial] = []
        input_cache = InputCache()
        try:
            for session in plan.planned(self.options):
                name = _name_of_races(session)
                if name not in self.journal.steps:
                    if not self._goes_on():
                        break
                    self.announce(str(session))
                with slowed.in_workers(work[session.threads]):
                    found = self.journal.once(name, partial(_timed_races, session, input_cache))
                trials += map(Trial.of_json, found["trials"])
        finally:
            input_cache.close()
        return trials

    def plain(self, work: dict[int, list[Work]]) -> list[dict[str, Any]]:
        """The comparisons by plain pytest-benchmark."""
        compared = []
        for neighbour, (threads, kernel, size) in product((False, True), self.options.cells):
            name = _name_of_plain(neighbour, threads, kernel, size)
            if name not in self.journal.steps:
                self.announce(f"plain pytest-benchmark: {kernel} at {size}")
            with slowed.in_workers(work[threads]):
                found = self.journal.once(name, partial(_compare, kernel, size, neighbour, threads))
            compared.append(found)
        return compared

    def announce(self, doing: str) -> None:
        """Say how far the self-test is, how long the rest takes, and what comes next."""
        done = sum(len(session.sizes) for session, _ in self._sessions()[0])
        self.tell(plan.progress(self.options, done, self._seconds_left(), doing))

    def _sessions(self) -> tuple[list[tuple[PlannedRaces, float]], list[PlannedRaces]]:
        """The finished sessions with their seconds, and those that are left whatever time they take."""
        done, left = [], []
        for session in plan.planned(self.options):
            if found := self.journal.steps.get(_name_of_races(session)):
                done.append((session, float(found["seconds"])))
            elif self.options.races is not None or session.cycle == 0:
                left.append(session)
            else:
                break
        return done, left

    def _goes_on(self) -> bool:
        done, left = self._sessions()
        return bool(left) or sum(seconds for _, seconds in done) < 60 * self.options.minutes

    def _seconds_left(self) -> float:
        done, left = self._sessions()
        of_races = plan.seconds_left(left, done)
        if self.options.races is None:
            of_races = max(of_races, 60 * self.options.minutes - sum(seconds for _, seconds in done))
        work = [name for cell in self.options.cells for name in _names_of_work(*cell)]
        plain = [_name_of_plain(neighbour, *cell) for neighbour in (False, True) for cell in self.options.cells]
        costs = {
            **dict.fromkeys(work, plan.WORK_SECONDS),
            **dict.fromkeys(plain, plan.PLAIN_SECONDS),
            "cheaters": plan.CHEATERS_SECONDS,
        }
        return of_races + sum(seconds for name, seconds in costs.items() if name not in self.journal.steps)


def _names_of_work(threads: int, kernel: str, size: str) -> list[str]:
    return [f"work {number} of {kernel} at {size}, threads {threads}" for number in range(_MEASUREMENTS_OF_WORK)]


def _name_of_races(session: PlannedRaces) -> str:
    return f"races {session.number}"


def _name_of_plain(neighbour: bool, threads: int, kernel: str, size: str) -> str:
    return f"plain {kernel} at {size}, threads {threads}, neighbour {neighbour}"


def _measure_work(kernel: str, size: str, threads: int) -> dict[str, Any]:
    """The work that makes the kernel 5% slower, measured in a process of its own. Raises ValueError."""
    process = pytest_benchmark.python("-m", "bench.commands.selftest.slowed", kernel, size, threads=threads)
    if process.returncode:
        raise ValueError(f"the work that slows {kernel} by 5% was not measured: {process.stderr.strip()[-200:]}")
    work: dict[str, Any] = json.loads(process.stdout)
    return work


def _timed_races(session: PlannedRaces, input_cache: InputCache) -> dict[str, Any]:
    began = time.monotonic()
    trials = [asdict(trial) for trial in races.race(session, input_cache)]
    return {"seconds": round(time.monotonic() - began, 1), "trials": trials}


def _compare(kernel: str, size: str, neighbour: bool, threads: int) -> dict[str, Any]:
    with noisy_neighbour.running() if neighbour else nullcontext():
        return {"threads": threads, **pytest_benchmark.compare(kernel, size, neighbour, threads)}
