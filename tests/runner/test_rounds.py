"""How rounds are calibrated and interleaved, with fake workers: no process, no clock."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from bench.runner.kernel_run import KernelRun
from bench.runner.rounds import calibrate_all, earlier_calibration, round_count, time_rounds
from bench.worker.messages import Request, Response, WorkerFailed
from tests.support.races import samples

RESPONSE: Response = {
    "seconds": 0.01, "placing_seconds": 1e-6, "copying_seconds": 1e-6, "spin_seconds": 2e-5, "cpu_seconds": 0.01,
    "page_faults": 0, "switches": 0, "mutated": False, "result_wait_seconds": None, "result": "form",
}  # fmt: skip


class FakeWorker:
    """Responds at once, and logs what is done to it."""

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
        ({**RESPONSE, "seconds": 0.0}, "crashed", "it reported a round of 0 s or less"),
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


def test_a_calibration_without_calls_is_a_failure() -> None:
    workers = {"a": FakeWorker("a", [], {0: {**CALIBRATED, "iterations": 0}})}
    kernel_runs, reported = {"a": KernelRun(KernelSamples("ok"))}, list[str]()
    calibrate_all(kernel_runs, workers, {}, {"a": "x"}, reported.append)
    assert failures(kernel_runs, reported) == {"a": ("crashed", "it sent 0 for iterations")}


def test_the_number_of_rounds() -> None:
    kernel_runs = {
        name: KernelRun(KernelSamples("ok"), round_and_warmup_seconds=seconds)
        for name, seconds in (("a", 0.01), ("b", 0.03))
    }
    assert round_count(kernel_runs, 1.0) == 50  # 2 s for both, 0.04 a round
    assert round_count(kernel_runs, 0.001) == 5
    assert round_count({}, 1.0) == 0
