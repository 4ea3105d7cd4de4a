"""How rounds are calibrated and interleaved, with fake workers: no process, no clock."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from bench.host import procfs
from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from bench.runner import clock as runner_clock, rounds as runner_rounds
from bench.runner.kernel_run import KernelRun
from bench.runner.rounds import calibrate_all, earlier_calibration, round_count, time_rounds, watch_clocks
from bench.worker.messages import Request, Response, WorkerFailed
from tests.support.races import samples

PASSING = 1.0
"""What every request takes on the race's clock."""
WAITING = 0.25
"""How long the worker has no core meanwhile."""

RESPONSE: Response = {
    "seconds": 0.01, "placing_seconds": 1e-6, "copying_seconds": 1e-6, "spin_seconds": 2e-5, "cpu_seconds": 0.01,
    "page_faults": 0, "switches": 0, "mutated": False, "result_wait_seconds": None, "result": "form",
}  # fmt: skip


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeWorker.now = FakeWorker.waited = 0.0
    for module in (runner_rounds, runner_clock):
        monkeypatch.setattr(module, "perf_counter", lambda: FakeWorker.now)
    monkeypatch.setattr(procfs, "waited", lambda thread: FakeWorker.waited if thread == 7 else 0.0)


class FakeWorker:
    """Responds after a second of a clock that nothing else moves, and logs what is done to it."""

    now = waited = 0.0
    pid = 7

    def __init__(self, name: str, log: list[tuple[str, str]], responses: dict[int, Any] | None = None) -> None:
        self.name, self.log, self.responses = name, log, responses or {}
        self.requests: list[dict[str, Any]] = []

    def suspend(self) -> None:
        self.log.append((self.name, "suspend"))

    def resume(self) -> None:
        self.log.append((self.name, "resume"))

    def kill(self) -> None:
        self.log.append((self.name, "kill"))

    def request(self, request: Request) -> Response:
        self.log.append((self.name, request.name))
        self.requests.append(request.arguments)
        FakeWorker.now += PASSING
        FakeWorker.waited += WAITING
        response = self.responses.get(len(self.requests) - 1, RESPONSE)
        if isinstance(response, WorkerFailed):
            raise response
        return dict(response)


def raced(
    names: str, rounds: int, single_threaded: str = "", threads: int = 2, **responses: dict[int, Any]
) -> tuple[dict[str, KernelRun], dict[str, FakeWorker], list[tuple[str, str]], dict[str, tuple[str, str]]]:
    """The state after the rounds; last, the kernels whose failure was reported, each with its outcome and reason."""
    log: list[tuple[str, str]] = []
    workers = {name: FakeWorker(name, log, responses.get(name)) for name in names}
    kernel_runs = {
        name: KernelRun(KernelSamples("ok", iterations=4), single_threaded=name in single_threaded) for name in names
    }
    for worker in workers.values():
        worker.suspend()
    reported: list[str] = []
    time_rounds(kernel_runs, workers, rounds, threads, [0, 1], Random(1), reported.append)
    return kernel_runs, workers, log, failures(kernel_runs, reported)


def failures(kernel_runs: dict[str, KernelRun], reported: list[str]) -> dict[str, tuple[str, str]]:
    assert len(set(reported)) == len(reported)
    return {name: (kernel_runs[name].samples.outcome, kernel_runs[name].samples.reason) for name in reported}


def test_only_the_timed_worker_runs() -> None:
    _, _, log, _ = raced("abc", 20)
    running = set("abc")
    for name, event in log[:-3]:
        running = running - {name} if event == "suspend" else running | {name} if event == "resume" else running
        assert event != "round" or running == {name}
    assert [event for _, event in log[-3:]] == ["resume"] * 3  # all run at the end


def test_every_round_times_all_kernels_in_random_order() -> None:
    kernel_runs, _, log, _ = raced("abc", 60)
    names = [name for name, event in log if event == "round"]
    orders = Counter("".join(names[start : start + 3]) for start in range(0, len(names), 3))
    assert all(sorted(order) == list("abc") for order in orders)
    assert len(orders) == 6
    assert max(orders.values()) < 25
    rounds = zip(*(kernel_run.positions for kernel_run in kernel_runs.values()), strict=True)
    assert all(sorted(positions) == [0, 1, 2] for positions in rounds)


def test_all_kernels_of_a_round_share_parameters_and_core() -> None:
    _, workers, _, _ = raced("ab", 10, single_threaded="ab")
    one, other = (workers[name].requests for name in "ab")
    assert [request["draw"] for request in one] == [request["draw"] for request in other]
    assert len({request["draw"] for request in one}) == 10
    assert [request["cores"] for request in one] == [request["cores"] for request in other] == [[0], [1]] * 5


def test_a_multithreaded_kernel_has_all_cores_except_in_a_race_on_one_thread() -> None:
    _, workers, _, _ = raced("ab", 4, single_threaded="b")
    assert {str(request["cores"]) for request in workers["a"].requests} == {"None"}
    _, workers, _, _ = raced("ab", 4, single_threaded="", threads=1)
    assert [request["cores"] for request in workers["a"].requests] == [[0], [1], [0], [1]]


def test_half_of_the_sampled_calls_are_the_last_and_the_others_random() -> None:
    _, workers, _, _ = raced("a", 200)
    sampled_calls = [request["sampled_call"] for request in workers["a"].requests]
    assert set(sampled_calls[1::2]) == {3}
    assert set(sampled_calls[::2]) == {0, 1, 2, 3}


def test_a_failure_does_not_affect_the_other_kernels() -> None:
    kernel_runs, _, log, failed = raced("abc", 10, b={3: WorkerFailed("crashed", "SIGSEGV")})
    assert failed == {"b": ("crashed", "SIGSEGV")}
    assert (kernel_runs["b"].responses, len(kernel_runs["a"].responses), len(kernel_runs["c"].responses)) == (
        [],
        10,
        10,
    )
    assert log.count(("b", "round")) == 4
    assert log.index(("b", "kill")) > log.index(("b", "round"))


@pytest.mark.parametrize(
    ("response", "outcome", "reason"),
    [
        ({**RESPONSE, "seconds": "fast"}, "crashed", "it sent no number for seconds"),
        ({**RESPONSE, "seconds": float("nan")}, "crashed", "it sent no number for seconds"),
        ({**RESPONSE, "seconds": 0.0}, "crashed", "it sent 0 for seconds, of a round of 4 calls"),
        ({**RESPONSE, "seconds": 3e-9}, "crashed", "it sent 3e-09 for seconds, of a round of 4 calls"),
        ({**RESPONSE, "spin_seconds": 0}, "crashed", "it sent 0 for spin_seconds"),
        ({**RESPONSE, "seconds": -1}, "crashed", "it sent -1, which is not from 0 to 2^48, for seconds"),
        # beside 2 ms of untimed calls, a spin of 20 µs and 4 µs of placing
        ({**RESPONSE, "seconds": 0.99798}, "wrong", "clock: it reported 1.000004 s, and only 1 s passed"),
        ({**RESPONSE, "seconds": 2.0}, "wrong", "clock: it reported 2.002024 s, and only 1 s passed"),
        ({**RESPONSE, "placing_seconds": 0.3}, "wrong", "clock: it reported 1.21202 s, and only 1 s passed"),
        ({**RESPONSE, "result": [{"dtype": "object"}]}, "crashed", "it sent an array of 'object' for result"),
        ({**RESPONSE, "mutated": None}, "crashed", "it sent no boolean for mutated"),
        ({**RESPONSE, "mutated": True}, "wrong", "timed: it wrote into its arguments, which are read-only"),
        ({}, "crashed", "it sent no number for seconds"),
    ],
)
def test_an_invalid_response(response: Response, outcome: str, reason: str) -> None:
    _, _, _, failed = raced("ab", 3, a={0: response})
    assert failed == {"a": (outcome, reason)}


CALIBRATED = {"iterations": 7, "call_seconds": 1e-3, "placing_seconds": 1e-6, "cores_used": 1.0, "busy_threads": 1}


def test_calibration_is_one_at_a_time_and_later_launches_keep_the_first_result() -> None:
    log: list[tuple[str, str]] = []
    responses = {"a": CALIBRATED, "b": CALIBRATED, "c": {**CALIBRATED, "iterations": "many"}}
    workers = {name: FakeWorker(name, log, {0: response}) for name, response in responses.items()}
    responses["a2"] = {**CALIBRATED, "busy_threads": 5}
    workers["a2"] = FakeWorker("a2", log, {0: responses["a2"]})
    kernel_runs = {name: KernelRun(KernelSamples("ok")) for name in workers}
    specs = {"a": "x", "b": "y", "c": "z", "a2": "x"}
    reported: list[str] = []
    calibrations = {"b": {"iterations": 7, "busy_threads": 0}}
    calibrate_all(kernel_runs, workers, calibrations, specs, reported.append)
    assert log[:4] == [(name, "suspend") for name in workers]
    assert log[4:7] == [("a", "resume"), ("a", "calibrate"), ("a", "suspend")]
    assert [worker.requests[0]["iterations"] for worker in workers.values()] == [None, 7, None, 7]
    assert (
        kernel_runs["a"].samples.iterations,
        kernel_runs["a"].single_threaded,
        kernel_runs["b"].single_threaded,
    ) == (7, True, False)
    assert kernel_runs["a"].round_and_warmup_seconds == pytest.approx(7 * 1.001e-3 + 2e-3)
    assert failures(kernel_runs, reported) == {"c": ("crashed", "it sent no number for iterations")}


def test_kernels_with_controls_and_other_versions_keep_their_number_of_calls() -> None:
    by_kernel = {"loops": samples(1.0, iterations=4), "numpy": samples(1.0, iterations=9)}
    launch_results = [LaunchResult("lecture", 2, 0, by_kernel)]
    calibrations = earlier_calibration(launch_results, [Candidate("loops"), Candidate("numpy")])
    assert {name: calibrated["iterations"] for name, calibrated in calibrations.items()} == {
        "loops": 4, CONTROL.format("loops"): 4, "numpy": 9, CONTROL.format("numpy"): 9,
    }  # fmt: skip
    versions = [Candidate("loops", same_iterations_as="numpy"), Candidate("numpy", same_iterations_as="loops")]
    calibrations = earlier_calibration(launch_results, versions)
    assert {calibrated["iterations"] for calibrated in calibrations.values()} == {6}


@pytest.mark.parametrize(
    ("calibration", "outcome", "reason"),
    [
        ({"iterations": 0}, "crashed", "it sent 0 for iterations; expected 1 to 1000000"),
        ({"iterations": 10**12}, "crashed", "it sent 1000000000000 for iterations; expected 1 to 1000000"),
        ({"iterations": 2.5}, "crashed", "it sent 2.5, which is no whole number, for iterations"),
        ({"call_seconds": 0.5}, "wrong", "clock: it reported 3.500007 s, and only 1 s passed"),
    ],
)
def test_a_calibration_that_is_impossible(calibration: Response, outcome: str, reason: str) -> None:
    workers = {"a": FakeWorker("a", [], {0: CALIBRATED | calibration})}
    kernel_runs, reported = {"a": KernelRun(KernelSamples("ok"))}, list[str]()
    calibrate_all(kernel_runs, workers, {}, {"a": "x"}, reported.append)
    assert failures(kernel_runs, reported) == {"a": (outcome, reason)}


def watched(
    *reported: tuple[float, float | None], round_seconds: float = 0.5
) -> tuple[KernelRun, list[tuple[str, str]], dict[str, tuple[str, str]]]:
    """The state after the clocks of a and b were watched, where a reports these rounds, and then the last again.

    reported: seconds of the round, and those without a core
    """
    responses: dict[int, Any] = {}
    for number in range(20):
        seconds, waited = reported[min(number, len(reported) - 1)]
        responses[2 * number] = {"placing_seconds": 1e-6}
        responses[2 * number + 1] = {"seconds": seconds, "waited_seconds": waited}
    honest = {0: {"placing_seconds": 1e-6}, 1: {"seconds": 0.999, "waited_seconds": WAITING}}
    log, failed = list[tuple[str, str]](), list[str]()
    workers = {"a": FakeWorker("a", log, responses), "b": FakeWorker("b", log, honest)}
    kernel_runs = {
        name: KernelRun(KernelSamples("ok", iterations=4), round_and_warmup_seconds=round_seconds) for name in workers
    }
    watch_clocks(kernel_runs, workers, 107, failed.append)
    assert kernel_runs["b"].watched == (0.999, PASSING, 0.0)
    draws = [request["draw"] for request in workers["a"].requests[::2]]
    assert draws == [107 + number for number in range(len(draws))]
    return kernel_runs["a"], log, failures(kernel_runs, failed)


def test_a_clock_that_explains_the_round_is_watched_once_and_alone() -> None:
    kernel_run, log, failed = watched((0.96, 0.1))
    assert kernel_run.watched == (0.96, PASSING, pytest.approx(0.15))
    assert not failed
    of_each = ["resume", "draw", "watched", "suspend"]
    before, after = [("a", "suspend"), ("b", "suspend")], [("a", "resume"), ("b", "resume")]
    assert log == [*before, *((name, event) for name in "ab" for event in of_each), *after]


def test_a_disturbed_round_is_watched_again() -> None:
    kernel_run, log, failed = watched((0.5, 0.0), (0.2, 0.0), (0.96, WAITING))
    assert kernel_run.watched == (0.96, PASSING, 0.0)
    assert (failed, log.count(("a", "watched"))) == ({}, 3)


@pytest.mark.parametrize(("round_seconds", "times"), [(10.0, 3), (0.1, 10), (0.007, 20)])
def test_where_no_round_is_undisturbed_the_median_counts(round_seconds: float, times: int) -> None:
    kernel_run, log, failed = watched((0.5, 0.0), (0.7, 0.1), (0.6, 0.0), round_seconds=round_seconds)
    assert kernel_run.watched == (0.6, PASSING, pytest.approx(WAITING))
    assert (failed, log.count(("a", "watched"))) == ({}, times)


def test_waiting_that_the_worker_reports_as_a_part_of_its_round_explains_nothing() -> None:
    kernel_run, _, _ = watched((0.5, 0.3))
    assert kernel_run.watched
    assert kernel_run.watched.unexplained > 9
    kernel_run, _, _ = watched((0.5, 0.9))  # more than there was
    assert kernel_run.watched == (0.5, PASSING, 0.0)


@pytest.mark.parametrize("counted", [None, 0.0])
def test_without_the_systems_counters_nothing_is_watched(
    counted: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(procfs, "waited", lambda _thread: counted)
    workers = {"a": FakeWorker("a", [], {0: {"placing_seconds": 0}, 1: {"seconds": 0.1, "waited_seconds": None}})}
    kernel_runs = {"a": KernelRun(KernelSamples("ok", iterations=4), round_and_warmup_seconds=1.0)}
    watch_clocks(kernel_runs, workers, 107, pytest.fail)
    assert kernel_runs["a"].watched is None


def test_a_round_that_is_longer_than_what_has_passed_is_a_proof() -> None:
    _, log, failed = watched((1.1, 0.0))
    assert failed == {"a": ("wrong", "clock: it reported 1.1 s, and only 1 s passed")}
    assert log[-1] == ("b", "resume")
    assert ("a", "kill") in log


def test_the_number_of_rounds() -> None:
    kernel_runs = {
        name: KernelRun(KernelSamples("ok"), round_and_warmup_seconds=seconds)
        for name, seconds in (("a", 0.01), ("b", 0.03))
    }
    assert round_count(kernel_runs, 1.0) == 50  # 2 s for both, 0.04 a round
    assert round_count(kernel_runs, 0.001) == 5
    assert round_count({}, 1.0) == 0
