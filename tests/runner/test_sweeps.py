"""How rounds are interleaved and disturbed sweeps repeated, with fake workers: no process, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from bench.analysis import statistics
from bench.results.samples import KernelSamples
from bench.runner.kernel_run import KernelRun, TimedRound
from bench.runner.plan import Plan
from bench.runner.quiet import DISTURBED, SweepUsage
from bench.runner.sweeps import SweepSettings, checked_rounds, count_all_if_few, time_sweeps
from bench.worker.messages import Response, WorkerFailed
from bench.workloads.parameters import ROUND_DRAW
from tests.support.fake_workers import RESPONSE, FakeWorker, failures, use_their_clock

QUIET, BUSY = SweepUsage(DISTURBED), SweepUsage(1.9)
"""The first is the most that is not a disturbance."""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    use_their_clock(monkeypatch)


@dataclass
class FakeWatch:
    """Says of each timed sweep what it is told to, and makes the race wait for a time."""

    usage_of: Callable[[int], SweepUsage | None] = lambda _number: QUIET
    waiting: float = 0.0
    swept: list[list[str]] = field(default_factory=list)
    """Of each timed sweep, the kernels after whose rounds it was asked."""
    waits: list[float] = field(default_factory=list)
    """For how long it was asked to wait."""

    def begin_sweep(self) -> None:
        self.swept.append([])

    def after_round(self, kernel: str) -> None:
        self.swept[-1].append(kernel)

    def end_sweep(self) -> SweepUsage | None:
        return self.usage_of(len(self.swept) - 1)

    def wait(self, seconds: float, busy: Callable[[str], None]) -> float:
        self.waits.append(seconds)
        busy("compiler")
        return min(seconds, self.waiting)


@dataclass
class Raced:
    """The state after the sweeps."""

    kernel_runs: dict[str, KernelRun]
    workers: dict[str, FakeWorker]
    log: list[tuple[str, str]]
    failed: dict[str, tuple[str, str]]
    """The kernels whose failure was reported, each with its outcome and reason."""
    usages: list[SweepUsage | None]
    watch: FakeWatch
    plan: Plan
    steps: list[str]

    def requests(self, name: str, argument: str) -> list[Any]:
        """This argument in the requests for each round of the kernel."""
        worker = self.workers[name]
        return [(one | other)[argument] for one, other in zip(worker.warm_ups, worker.requests, strict=True)]

    def counted(self, name: str) -> list[int]:
        """The sweeps of the kernel's rounds that count."""
        return [one.sweep for one in self.kernel_runs[name].rounds if not one.disturbed]

    def require_first_timings(self) -> None:
        """Of each sweep and kernel its first timing counts, and no other."""
        for run in self.kernel_runs.values():
            first: dict[int, int] = {}
            for one in run.rounds:
                first.setdefault(one.sweep, one.draw)
            assert [(one.sweep, one.draw) for one in run.rounds if not one.disturbed] == list(first.items())


def raced(
    names: str,
    sweeps: int,
    single_threaded: str = "",
    settings: SweepSettings | None = None,
    watch: FakeWatch | None = None,
    periods: dict[str, int] | None = None,
    offsets: dict[str, int] | None = None,
    **responses: dict[int, Any],
) -> Raced:
    """Time a plan whose sweeps take two seconds for each round: one for each request."""
    log: list[tuple[str, str]] = []
    workers = {name: FakeWorker(name, log, responses.get(name)) for name in names}
    kernel_runs = {
        name: KernelRun(KernelSamples("ok", iterations=4), single_threaded=name in single_threaded) for name in names
    }
    for worker in workers.values():
        worker.suspend()
    of_each = dict.fromkeys(names, 1) | (periods or {})
    seconds = 2 * sum(sweeps / period for period in of_each.values())
    plan = Plan(sweeps, of_each, dict.fromkeys(names, 0) | (offsets or {}), seconds)
    reported, steps, watch = list[str](), list[str](), watch or FakeWatch()
    settings = settings or SweepSettings(2, [0, 1])
    usages = time_sweeps(kernel_runs, workers, plan, settings, Random(1), watch, reported.append, steps.append)
    return Raced(kernel_runs, workers, log, failures(kernel_runs, reported), usages, watch, plan, steps)


def test_only_the_timed_worker_runs() -> None:
    log = raced("abc", 20).log
    running = set("abc")
    for name, event in log[:-3]:
        running = running - {name} if event == "suspend" else running | {name} if event == "resume" else running
        assert event not in ("warm_up", "round") or running == {name}
    assert [event for _, event in log[-3:]] == ["resume"] * 3  # all run at the end


def test_every_sweep_times_all_kernels_in_random_order() -> None:
    result = raced("abc", 60)
    names = [name for name, event in result.log if event == "round"]
    orders = Counter("".join(names[start : start + 3]) for start in range(0, len(names), 3))
    assert all(sorted(order) == list("abc") for order in orders)
    assert len(orders) == 6
    assert max(orders.values()) < 25
    rounds = [run.rounds for run in result.kernel_runs.values()]
    assert all(sorted(one.position for one in sweep) == [0, 1, 2] for sweep in zip(*rounds, strict=True))
    assert [one.sweep for one in rounds[0]] == list(range(60))
    assert ["".join(swept) for swept in result.watch.swept] == [
        "".join(names[start : start + 3]) for start in range(0, len(names), 3)
    ]
    assert result.steps[::59] == ["round 1 of 60", "round 60 of 60"]


def test_all_kernels_of_a_sweep_share_parameters_and_core() -> None:
    result = raced("ab", 10, single_threaded="ab")
    assert result.requests("a", "draw") == result.requests("b", "draw") == [ROUND_DRAW + n for n in range(10)]
    assert [one.draw for one in result.kernel_runs["a"].rounds] == result.requests("a", "draw")
    assert result.requests("a", "cores") == result.requests("b", "cores")
    assert result.requests("a", "seed") == result.requests("b", "seed")
    assert len(set(result.requests("a", "seed"))) == 10


def test_untimed_calls_come_before_the_worker_knows_the_seed() -> None:
    result = raced("ab", 10)
    events = [event for name, event in result.log if name == "a"]
    assert events == ["suspend", *["resume", "warm_up", "round", "suspend"] * 10, "resume"]
    worker = result.workers["a"]
    assert all("seed" not in request for request in worker.warm_ups)
    assert [request["draw"] for request in worker.warm_ups] == [request["draw"] for request in worker.requests]
    assert [one.seed for one in result.kernel_runs["a"].rounds] == result.requests("a", "seed")
    assert result.kernel_runs["a"].awake_seconds == 20


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 16])
def test_a_kernel_of_any_period_has_every_core_equally_often(count: int) -> None:
    cores = list(range(3, 3 + count))
    periods, offsets = {"a": 1, "b": 2, "c": 4, "d": 8}, {"b": 1, "c": 2, "d": 5}
    result = raced("abcd", 8 * len(cores), "abcd", SweepSettings(2, cores), periods=periods, offsets=offsets)
    for name, period in periods.items():
        times = Counter(core for (core,) in result.requests(name, "cores"))
        assert times == dict.fromkeys(cores, 8 // period)


@pytest.mark.parametrize("period", [1, 2, 4, 8])
def test_two_cores_change_within_every_two_rounds(period: int) -> None:
    result = raced("ab", 64, "ab", periods={"b": period})
    cores = [core for (core,) in result.requests("b", "cores")]
    assert [sorted(cores[start : start + 2]) for start in range(0, 64 // period, 2)] == [[0, 1]] * (32 // period)


def test_a_multithreaded_kernel_has_all_cores_except_in_a_race_on_one_thread() -> None:
    assert raced("ab", 4, single_threaded="b").requests("a", "cores") == [None] * 4
    of_one_thread = raced("ab", 4, settings=SweepSettings(1, [0, 1]))
    assert {str(core) for core in of_one_thread.requests("a", "cores")} == {"[0]", "[1]"}
    nowhere = raced("ab", 4, single_threaded="ab", settings=SweepSettings(2, None))
    assert nowhere.requests("a", "cores") == [None] * 4


def test_about_half_of_the_sampled_calls_are_the_last_and_the_others_random() -> None:
    result = raced("ab", 200, periods={"b": 2})
    for name in "ab":
        rounds = result.kernel_runs[name].rounds
        assert [one.sampled_call for one in rounds] == result.requests(name, "sampled_call")
        last, random = ([one for one in rounds if one.of_last_call is kind] for kind in (True, False))
        assert {one.sampled_call for one in last} == {3}
        assert {one.sampled_call for one in random} == {0, 1, 2, 3}
        assert (
            statistics.proportion(len(last), len(rounds)).low
            < 0.5
            < statistics.proportion(len(last), len(rounds)).high
        )
        assert rounds[0].of_last_call is not rounds[1].of_last_call
    kinds = {one.sweep: one.of_last_call for one in result.kernel_runs["a"].rounds}
    assert all(one.of_last_call is kinds[one.sweep] for one in result.kernel_runs["b"].rounds[2:])
    assert result.requests("a", "untimed_calls") == [True] * 200


@pytest.mark.parametrize("iterations", [1, 2])
def test_whether_untimed_calls_come_before_a_round_is_chosen_for_each_kernel(iterations: int) -> None:
    workers = {name: FakeWorker(name, []) for name in "ab"}
    kernel_runs = {
        name: KernelRun(KernelSamples("ok", iterations=iterations), untimed_calls=name == "a") for name in workers
    }
    settings, plan = SweepSettings(2, [0, 1]), Plan(3, {"a": 1, "b": 1}, {"a": 0, "b": 0}, 6.0)
    time_sweeps(kernel_runs, workers, plan, settings, Random(1), FakeWatch(), pytest.fail)
    assert [request["untimed_calls"] for request in workers["a"].warm_ups] == [True] * 3
    assert [request["untimed_calls"] for request in workers["b"].warm_ups] == [False] * 3


@pytest.mark.parametrize("offset", [0, 3])
def test_a_kernel_takes_part_in_every_sweep_of_its_period(offset: int) -> None:
    result = raced("abc", 24, periods={"b": 4, "c": 8}, offsets={"b": offset, "c": 7})
    assert [one.sweep for one in result.kernel_runs["b"].rounds] == list(range(offset, 24, 4))
    assert [one.sweep for one in result.kernel_runs["c"].rounds] == [7, 15, 23]
    draws = dict(zip(result.counted("a"), result.requests("a", "draw"), strict=True))
    assert result.requests("b", "draw") == [draws[sweep] for sweep in result.counted("b")]


def test_a_failure_does_not_affect_the_other_kernels() -> None:
    result = raced("abc", 10, b={3: WorkerFailed("crashed", "SIGSEGV")})
    assert result.failed == {"b": ("crashed", "SIGSEGV")}
    assert [len(run.rounds) for run in result.kernel_runs.values()] == [10, 0, 10]
    assert result.log.count(("b", "round")) == 4
    assert result.log[-2:] == [("a", "resume"), ("c", "resume")]
    assert [event for name, event in result.log if name == "b"][-2:] == ["round", "kill"]


def test_the_sweep_in_which_a_kernel_fails_may_be_disturbed_and_is_repeated_without_it() -> None:
    watch = FakeWatch(lambda number: BUSY if number == 3 else QUIET)
    result = raced("abc", 10, watch=watch, b={3: WorkerFailed("crashed", "SIGSEGV")})
    assert [sorted(swept) for swept in watch.swept] == [list("abc")] * 4 + [list("ac")] * 7
    assert result.counted("a") == result.counted("c") == list(range(10))


def test_when_all_kernels_have_failed_nothing_is_timed_any_more() -> None:
    failure = WorkerFailed("timeout", "it took too long")
    result = raced("ab", 10, a={2: failure}, b={4: failure})
    assert set(result.failed) == set("ab")
    assert len(result.usages) == 5


@pytest.mark.parametrize(
    ("response", "outcome", "reason"),
    [
        ({**RESPONSE, "seconds": "fast"}, "crashed", "it sent no number for seconds"),
        ({**RESPONSE, "seconds": float("nan")}, "crashed", "it sent no number for seconds"),
        ({**RESPONSE, "seconds": 0.0}, "crashed", "it sent 0 for seconds, of a round of 4 calls"),
        ({**RESPONSE, "seconds": 3e-9}, "crashed", "it sent 3e-09 for seconds, of a round of 4 calls"),
        ({**RESPONSE, "seconds": -1}, "crashed", "it sent -1, which is not from 0 to 2^48, for seconds"),
        # beside 4 µs of placing
        ({**RESPONSE, "seconds": 0.999998}, "wrong", "clock: it reported 1.000002 s, and only 1 s passed"),
        ({**RESPONSE, "seconds": 2.0}, "wrong", "clock: it reported 2.000004 s, and only 1 s passed"),
        ({**RESPONSE, "placing_seconds": 0.3}, "wrong", "clock: it reported 1.21 s, and only 1 s passed"),
        ({**RESPONSE, "result": [{"dtype": "object"}]}, "crashed", "it sent an array of 'object' for result"),
        ({**RESPONSE, "mutated": None}, "crashed", "it sent no boolean for mutated"),
        ({**RESPONSE, "mutated": True}, "wrong", "timed: it wrote into its arguments, which are read-only"),
        ({}, "crashed", "it sent no number for seconds"),
    ],
)
def test_an_invalid_response(response: Response, outcome: str, reason: str) -> None:
    assert raced("ab", 3, a={0: response}).failed == {"a": (outcome, reason)}


@pytest.mark.parametrize(
    ("spin", "untimed_calls", "reason"),
    [
        (0, True, "it sent 0 for spin_seconds"),
        (9e-8, True, "it sent 9e-08 for spin_seconds"),
        (None, True, "it sent no number for spin_seconds"),
        (0.999, True, "clock: it reported 1.001 s, and only 1 s passed"),
        (0.999, False, ""),
        (1.001, False, "clock: it reported 1.001 s, and only 1 s passed"),
    ],
)
def test_an_empty_loop_before_the_round_takes_time_and_not_more_than_has_passed(
    spin: float | None, untimed_calls: bool, reason: str
) -> None:
    """With 2 ms of untimed calls or without."""
    worker, kernel_run = (
        FakeWorker("a", []),
        KernelRun(KernelSamples("ok", iterations=1), untimed_calls=untimed_calls),
    )
    worker.warm_up, failed = {"spin_seconds": spin}, list[str]()
    settings, plan = SweepSettings(2, [0, 1]), Plan(1, {"a": 1}, {"a": 0}, 2.0)
    time_sweeps({"a": kernel_run}, {"a": worker}, plan, settings, Random(1), FakeWatch(), failed.append)
    assert kernel_run.samples.reason == reason
    assert failed == (["a"] if reason else [])
    assert [one.spin_seconds for one in kernel_run.rounds] == ([] if reason else [spin])


def test_a_disturbed_sweep_is_timed_again_with_new_draws_and_does_not_count() -> None:
    watch = FakeWatch(lambda number: BUSY if number in (2, 3, 8) else QUIET)
    result = raced("ab", 10, single_threaded="ab", watch=watch, periods={"b": 2})
    assert result.usages == [watch.usage_of(number) for number in range(13)]
    draws = result.requests("a", "draw")
    assert draws == [ROUND_DRAW + number for number in range(13)]
    rounds = result.kernel_runs["a"].rounds
    assert [(one.sweep, one.disturbed) for one in rounds[:6]] == [
        (0, False), (1, False), (2, True), (2, True), (2, False), (3, False),
    ]  # fmt: skip
    assert (result.counted("a"), result.counted("b")) == (list(range(10)), [0, 2, 4, 6, 8])
    assert [one.sweep for one in rounds if one.disturbed] == [2, 2, 6]
    assert [one.sweep for one in result.kernel_runs["b"].rounds if one.disturbed] == [2, 2, 6]
    cores = result.requests("a", "cores")
    assert cores[2] == cores[3] == cores[4]  # as if the disturbed sweeps had not been
    assert len(watch.waits) == 3
    assert "waiting for quiet: compiler is busy" in result.steps
    assert count_all_if_few(result.kernel_runs, result.plan) == ""


def test_a_share_of_exactly_the_threshold_is_no_disturbance() -> None:
    assert not SweepUsage(DISTURBED).is_disturbed
    assert SweepUsage(DISTURBED * 1.0001).is_disturbed


@pytest.mark.parametrize("waiting", [0.0, 0.5, 1e9])
def test_where_it_is_never_quiet_the_launch_ends_and_all_sweeps_count(waiting: float) -> None:
    """Repeating and waiting take 1.2 of the planned time: 96 s of 80 s, and a sweep of 4 s that has begun."""
    watch = FakeWatch(lambda _number: BUSY, waiting)
    result = raced("ab", 20, watch=watch)
    repeated = len(result.usages) - 20
    waited = sum(min(seconds, waiting) for seconds in watch.waits)
    assert 96 <= 4 * repeated + waited < 96 + 4
    assert all(one.disturbed for run in result.kernel_runs.values() for one in run.rounds)
    assert all(seconds >= 0 for seconds in watch.waits)
    assert {one.sweep for one in result.kernel_runs["a"].rounds} == set(range(20))
    reason = count_all_if_few(result.kernel_runs, result.plan)
    assert reason == "others were busy: 0 of 20 rounds of a were undisturbed"
    assert len(result.kernel_runs["a"].rounds) == 20 + repeated  # the repeated ones are kept
    assert result.counted("a") == result.counted("b") == list(range(20))
    result.require_first_timings()


@pytest.mark.parametrize(("undisturbed", "all_count"), [(9, True), (10, False)])
def test_half_of_the_planned_rounds_are_enough(undisturbed: int, all_count: bool) -> None:
    watch = FakeWatch(lambda number: QUIET if number < undisturbed else BUSY, waiting=1e9)
    result = raced("ab", 20, watch=watch)
    reason = count_all_if_few(result.kernel_runs, result.plan)
    assert reason == ("others were busy: 9 of 20 rounds of a were undisturbed" if all_count else "")
    assert all(run.counts_all is all_count for run in result.kernel_runs.values())
    assert len(result.usages) == 21  # the first disturbed sweep was repeated
    assert result.counted("a") == result.counted("b") == list(range(20 if all_count else undisturbed))
    if all_count:
        result.require_first_timings()


def test_too_few_rounds_of_one_kernel_let_those_of_all_count() -> None:
    """It takes part in every eighth sweep, and was disturbed in all of them."""
    watch = FakeWatch(lambda number: BUSY if number % 8 in (0, 1) else QUIET, waiting=1e9)
    result = raced("ab", 16, watch=watch, periods={"b": 8})
    assert len(result.counted("a")) > 8
    assert count_all_if_few(result.kernel_runs, result.plan).endswith("2 rounds of b were undisturbed")
    assert (result.counted("a"), result.counted("b")) == (list(range(16)), [0, 8])
    result.require_first_timings()


def test_where_all_count_a_disturbed_first_timing_counts_and_its_undisturbed_repetition_does_not() -> None:
    """As if nothing had been repeated: what counts must not depend on how the rounds went."""
    watch = FakeWatch(lambda number: QUIET if number == 1 else BUSY)
    result = raced("ab", 20, watch=watch)
    assert [(one.sweep, one.disturbed) for one in result.kernel_runs["a"].rounds[:3]] == [
        (0, True), (0, False), (1, True),
    ]  # fmt: skip
    assert (
        count_all_if_few(result.kernel_runs, result.plan) == "others were busy: 1 of 20 rounds of a were undisturbed"
    )
    for run in result.kernel_runs.values():
        assert [(one.sweep, one.disturbed) for one in run.rounds[:3]] == [(0, False), (0, True), (1, False)]
    assert result.counted("a") == list(range(20))
    result.require_first_timings()


def test_where_the_system_cannot_tell_nothing_is_repeated() -> None:
    result = raced("ab", 10, watch=FakeWatch(lambda _number: None))
    assert result.usages == [None] * 10
    assert result.counted("a") == result.counted("b") == list(range(10))
    assert not result.watch.waits


def test_one_checked_round_is_of_a_last_call_and_one_of_a_random_call() -> None:
    watch = FakeWatch(lambda number: BUSY if number % 5 == 2 else QUIET)
    result = raced("abc", 24, watch=watch, periods={"c": 4})
    chosen = set()
    for seed in range(40):
        checked = checked_rounds(result.kernel_runs, Random(seed))
        for name, (first, second, *_) in checked.items():
            assert {first.draw, second.draw} <= {one.draw for one in result.kernel_runs[name].rounds}
            assert (first.of_last_call, second.of_last_call, second.sampled_call) == (False, True, 3)
        # they were in the same sweeps, so they share references
        assert [(one.draw, one.sampled_call) for one in checked["a"][:2]] == [
            (one.draw, one.sampled_call) for one in checked["b"][:2]
        ]
        chosen |= {(name, one.draw, one.disturbed) for name in checked for one in checked[name]}
    for name in "abc":  # no kernel knows which
        assert len([one for one in chosen if one[0] == name]) > 5
    assert {disturbed for name, _, disturbed in chosen if name == "a"} == {False, True}


def test_every_fourth_time_a_round_that_decides_is_checked_as_well() -> None:
    """Of 23 rounds four decide; two that are chosen at random are seldom among them."""
    result = raced("a", 24)
    rounds = result.kernel_runs["a"].rounds
    for number, one in enumerate(rounds):
        rounds[number] = replace(one, response=replace(one.response, seconds=1.0 + (number - 7) % 24))
    rounds[7] = replace(rounds[7], disturbed=True)  # the fastest one, which does not count
    third = [checked[2].sweep for seed in range(400) if len(checked := _checked(result, seed)) == 3]
    assert 50 < len(third) < 110
    assert set(third) == {8, 9, 10, 11}


def _checked(result: Raced, seed: int) -> list[TimedRound]:
    return checked_rounds(result.kernel_runs, Random(seed))["a"]


def test_kernels_with_periods_share_the_sweeps_of_their_checked_rounds_where_they_can() -> None:
    """Two kernels that meet in every fourth sweep: without sharing, a reference is shared in one case of six."""
    result = raced("ab", 24, periods={"b": 4})
    shared = 0
    for seed in range(200):
        checked = checked_rounds(result.kernel_runs, Random(seed))
        shared += bool({one.draw for one in checked["a"]} & {one.draw for one in checked["b"]})
    assert shared > 200 * 0.3


@pytest.mark.parametrize("rounds", [0, 1])
def test_a_kernel_with_too_few_rounds_has_as_many_checked_ones(rounds: int) -> None:
    result = raced("a", rounds)
    assert [len(checked) for checked in checked_rounds(result.kernel_runs, Random(1)).values()] == [rounds]
