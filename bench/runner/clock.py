"""The race's own watch: does a worker's clock show the time that passes?

A worker reports the times that it measured. The race knows when it asked and when the answer came.
"""

from __future__ import annotations

from math import ceil
from random import randrange
from time import perf_counter, sleep

from bench.correctness.checks import WatchedRound
from bench.host import procfs
from bench.runner.kernel_run import KernelRun, WorkerHandle
from bench.worker.messages import DrawResponse, Request, WatchedResponse, WorkerFailed, parse

_CLOCK_ERROR = 1e-6
"""Seconds. Both processes read one clock of the system, in floats: two years after a restart, 2²⁶ s, these are 15 ns
apart, and what a worker reports comes from a few readings."""
_MOST_WATCHED, _FEWEST_WATCHED, _WATCHED_SECONDS = 20, 3, 1.0
"""Rounds watched in one attempt, at most and at least; and about how many seconds an attempt takes."""
_LEAD = 2
"""By so many, explained rounds must outnumber the others to end the watch. A clock that is slow in 95 of 100 rounds
gets there in (5/95)² of the attempts, one in 360 (gambler's ruin); one explained round is in two attempts of three.
"""
_PAUSES = 0.0, 1.0, 2.0, 4.0
"""Seconds before each attempt to watch rounds: some hosts wake all processes late, for up to a second or so."""


def require_possible(reported: float, passed: float) -> None:
    """Raise WorkerFailed where a worker claims more time than has passed."""
    if reported > passed + _CLOCK_ERROR:
        raise WorkerFailed("wrong", f"clock: it reported {reported:.9g} s, and only {passed:.9g} s passed")


def watch(kernel_run: KernelRun, worker: WorkerHandle, first_draw: int) -> WatchedRound | None:
    """A round whose time the worker's clock accounts for, as it does in most; or else the median one of an attempt.

    None without the system's counters. Raises WorkerFailed.
    """
    possible = ceil(_WATCHED_SECONDS / kernel_run.round_seconds)
    rounds, median = max(_FEWEST_WATCHED, min(_MOST_WATCHED, possible)), None
    for attempt, pause in enumerate(_PAUSES):
        sleep(pause)
        watched, lead = list[WatchedRound](), 0
        for number in range(rounds):
            one = _watched(worker, first_draw + attempt * rounds + number, kernel_run.samples.iterations)
            if one is None:
                return None
            # explained even without the time waited for a core
            lead += 1 if one._replace(waited=0.0).unexplained <= 1 else -1
            if lead == _LEAD:
                return one
            watched.append(one)
        # few rounds were free of waiting, of which the counters may have too much: some of what is before and after
        median = sorted(watched, key=lambda one: one.unexplained)[len(watched) // 2]
        if median.unexplained <= 1:
            break
    return median


def _watched(worker: WorkerHandle, draw: int, iterations: int) -> WatchedRound | None:
    arguments = {"draw": draw, "seed": randrange(1, 2**32), "iterations": iterations}
    parse(DrawResponse, worker.request(Request("draw", arguments)))
    before, start = _waited(worker), perf_counter()
    response = parse(WatchedResponse, worker.request(Request("watched", {})))
    passed, after = perf_counter() - start, _waited(worker)
    require_possible(response.seconds, passed)
    if before is None or after is None or response.waited_seconds is None:
        return None
    return WatchedRound(response.seconds, passed, max(0.0, after - before - response.waited_seconds))


def _waited(worker: WorkerHandle) -> float | None:
    """The seconds that this thread and the worker's main thread have waited for a core."""
    of_race, of_worker = procfs.waited("thread-self"), procfs.waited(worker.pid)
    return None if of_race is None or of_worker is None else of_race + of_worker
