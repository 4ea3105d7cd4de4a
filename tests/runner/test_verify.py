"""What the rounds show of a kernel that computes late or on too many cores, with responses written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.results.samples import KernelSamples
from bench.runner.kernel_run import KernelRun, TimedRound
from bench.runner.prepare import verify_and_release
from bench.worker.messages import RoundResponse, WorkerFailed
from tests.support.problems import TINY, inputs

ROUND = RoundResponse(
    seconds=0.01, result="form", result_wait_seconds=1e-5, copying_seconds=1e-5, placing_seconds=1e-6,
    cpu_seconds=0.01, page_faults=0, switches=0, mutated=False,
)  # fmt: skip
LATE = 1e-3
"""Seconds of reading a result: of calls of 2.5 ms, so that 0.65 ms is the most."""


def checked(responses: list[RoundResponse], disturbed_from: int | None = None, **run: float) -> dict[str, str]:
    """Check → its failure, where these are the rounds of four calls; from this one on they were disturbed."""
    rounds = [TimedRound(one, 2e-5, 3, True, 107 + number, 7, number) for number, one in enumerate(responses)]
    rounds[disturbed_from:] = [replace(one, disturbed=disturbed_from is not None) for one in rounds[disturbed_from:]]
    samples = KernelSamples("ok", iterations=4, counters={"cores_used": 1.0, "busy_threads": 1})
    kernel_run = KernelRun(samples, is_kernel=False, rounds=rounds, **run)  # type: ignore[arg-type]
    steps = verify_and_release(kernel_run, inputs(TINY), [])
    next(steps)
    with pytest.raises((StopIteration, WorkerFailed)):
        steps.send({"pools": [], "threads": 1, "cores": [0]})
    return {one["check"]: one["failure"] for one in kernel_run.samples.check_results}


def with_late(late: int, of: int, changed: Callable[[RoundResponse], RoundResponse]) -> list[RoundResponse]:
    return [changed(ROUND) if number < late else ROUND for number in range(of)]


@pytest.mark.parametrize(
    ("late", "of", "found"),
    [(1, 1, True), (1, 2, False), (2, 2, True), (1, 3, False), (2, 3, True), (5, 10, False), (7, 10, True)],
)
def test_a_kernel_that_computes_late_in_most_rounds_is_found_and_a_disturbed_reading_is_not(
    late: int, of: int, found: bool
) -> None:
    slow = with_late(late, of, lambda one: replace(one, seconds=0.0101, result_wait_seconds=LATE))
    failures = checked(slow)
    reason = "at-once: reading a result took 0.001 s; a complete one takes 1e-05 s, so the kernel had not finished"
    assert failures["at-once"].startswith(reason) if found else failures["at-once"] == ""


@pytest.mark.parametrize(("slow", "excused"), [(4, False), (6, True)])
def test_a_complete_result_that_takes_long_in_few_rounds_is_no_excuse(slow: int, excused: bool) -> None:
    late = [replace(ROUND, result_wait_seconds=LATE)] * 10
    rounds = [replace(one, copying_seconds=LATE / 2) if number < slow else one for number, one in enumerate(late)]
    assert (checked(rounds)["at-once"] == "") is excused


def test_on_a_slow_core_both_results_take_longer() -> None:
    """Five rounds of twelve on such a core and two interrupted ones: the medians of the readings of results and of
    those of complete ones would be from different rounds.
    """
    fast = replace(ROUND, seconds=0.0004, result_wait_seconds=1.8e-5)
    interrupted = replace(fast, result_wait_seconds=6e-5)
    slow_core = replace(interrupted, copying_seconds=3.2e-5)
    assert checked([fast] * 5 + [slow_core] * 5 + [interrupted] * 2)["at-once"] == ""
    assert checked([fast] * 3 + [slow_core] * 2 + [interrupted] * 7)["at-once"].startswith("at-once: ")


@pytest.mark.parametrize(("seconds", "found"), [(1e-6, True), (0.009, True), (0.011, False)])
def test_rounds_that_decide_the_time_must_not_be_late(seconds: float, found: bool) -> None:
    """Two of twelve: the fastest ones, which the lower decile depends on, or slow ones, which it does not."""
    rounds = with_late(2, 12, lambda one: replace(one, seconds=seconds, result_wait_seconds=LATE))
    assert checked(rounds)["at-once"].startswith("at-once: ") is found


@pytest.mark.parametrize(("late", "found"), [(1, False), (2, False), (3, True)])
def test_of_long_calls_hardly_any_may_be_late(late: int, found: bool) -> None:
    rounds = with_late(late, 12, lambda one: replace(one, seconds=0.0101, result_wait_seconds=LATE))
    assert checked(rounds)["at-once"].startswith("at-once: ") is found


@pytest.mark.parametrize(("late", "found"), [(3, False), (4, True)])
def test_where_others_were_busy_more_may_be_late(late: int, found: bool) -> None:
    rounds = with_late(late, 12, lambda one: replace(one, seconds=0.0101, result_wait_seconds=LATE))
    assert checked(rounds, counts_all=True)["at-once"].startswith("at-once: ") is found
    assert checked(rounds)["at-once"].startswith("at-once: ")


def test_of_few_very_long_calls_the_one_that_decides_must_not_be_late() -> None:
    """Three rounds of a call of 0.25 s: the fastest is late, by more than a quarter of a call."""
    long = replace(ROUND, seconds=1.0)
    assert checked([long] * 3)["at-once"] == ""
    late = replace(long, seconds=0.9, result_wait_seconds=0.1)
    assert checked([late, long, long])["at-once"].startswith("at-once: ")


def test_of_many_rounds_as_large_a_share_may_be_late() -> None:
    for late, found in ((33, False), (34, True)):
        rounds = with_late(late, 200, lambda one: replace(one, seconds=0.0101, result_wait_seconds=LATE))
        assert checked(rounds)["at-once"].startswith("at-once: ") is found


def test_only_rounds_that_count_are_looked_at() -> None:
    """Twelve count, the fastest two of them late; 24 more were disturbed."""
    rounds = with_late(2, 12, _fast_and_late) + [replace(ROUND, seconds=0.0089)] * 24
    assert checked(rounds)["at-once"] == ""
    assert checked(rounds, disturbed_from=12)["at-once"].startswith("at-once: ")


def test_a_short_call_may_be_read_slowly_in_the_rounds_that_decide() -> None:
    """Rounds of four calls of 0.18 ms, of which a quarter is less than a conversion that is interrupted takes."""
    short = [replace(one, seconds=0.072 * one.seconds) for one in with_late(2, 12, _fast_and_late)]
    assert checked(short)["at-once"] == ""


def _fast_and_late(one: RoundResponse) -> RoundResponse:
    return replace(one, seconds=0.009, result_wait_seconds=LATE)


def test_more_busy_cores_than_threads_are_found_in_the_rounds_and_by_the_race() -> None:
    two = [replace(ROUND, cpu_seconds=0.02)] * 4
    wrong = "threads: it kept 2 cores busy, and may use 1 core"
    assert checked(two, threads=1)["threads"] == wrong
    assert checked(two, threads=2)["threads"] == ""
    assert checked([ROUND] * 4, threads=1, awake_seconds=1.0, cpu_seconds=2.02)["threads"] == wrong
    assert checked([ROUND] * 4, threads=1, awake_seconds=2.0, cpu_seconds=2.02)["threads"] == ""
    assert "threads" not in checked(two)  # where the system cannot pin a process
