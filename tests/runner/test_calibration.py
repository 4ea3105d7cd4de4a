"""How rounds are calibrated and clocks are watched, with fake workers: no process, no clock."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bench.host import procfs, resources
from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from bench.runner.calibration import calibrate_all, earlier_calibration, reading_seconds, watch_clocks
from bench.runner.kernel_run import KernelRun
from bench.worker.messages import Response
from tests.support.fake_workers import PASSING, WAITING, FakeWorker, failures, use_their_clock
from tests.support.races import samples


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    use_their_clock(monkeypatch)


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
    # seven calls with their placing, 2 ms of untimed ones, and what wakes the worker and draws the arguments
    assert kernel_runs["a"].round_seconds == pytest.approx(7 * 1.001e-3 + 2e-3 + 1.5e-3 + 7 * 3e-6)
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
    for number in range(80):
        seconds, waited = reported[min(number, len(reported) - 1)]
        responses[2 * number] = {"placing_seconds": 1e-6}
        responses[2 * number + 1] = {"seconds": seconds, "waited_seconds": waited}
    honest = {0: {"placing_seconds": 1e-6}, 1: {"seconds": 0.999, "waited_seconds": WAITING}}
    honest |= {2 + number: response for number, response in honest.items()}
    log, failed = list[tuple[str, str]](), list[str]()
    workers = {"a": FakeWorker("a", log, responses), "b": FakeWorker("b", log, honest)}
    kernel_runs = {
        name: KernelRun(KernelSamples("ok", iterations=4), round_seconds=round_seconds) for name in workers
    }
    watch_clocks(kernel_runs, workers, 107, failed.append)
    assert kernel_runs["b"].watched == (0.999, PASSING, 0.0)
    draws = [request["draw"] for request in workers["a"].requests[::2]]
    assert draws == [107 + number for number in range(len(draws))]
    return kernel_runs["a"], log, failures(kernel_runs, failed)


def test_a_clock_that_explains_its_rounds_is_watched_twice_and_alone() -> None:
    kernel_run, log, failed = watched((0.96, 0.1))
    assert kernel_run.watched == (0.96, PASSING, pytest.approx(0.15))
    assert not failed
    of_each = ["resume", "draw", "watched", "draw", "watched", "suspend"]
    before, after = [("a", "suspend"), ("b", "suspend")], [("a", "resume"), ("b", "resume")]
    assert log == [*before, *((name, event) for name in "ab" for event in of_each), *after]


def test_a_disturbed_round_is_watched_again() -> None:
    kernel_run, log, failed = watched((0.5, 0.0), (0.2, 0.0), (0.96, WAITING))
    assert kernel_run.watched == (0.96, PASSING, 0.0)
    assert (failed, log.count(("a", "watched"))) == ({}, 3 + 2)


@pytest.mark.parametrize(("round_seconds", "times"), [(10.0, 3), (0.1, 10), (0.007, 20)])
def test_where_no_round_is_undisturbed_it_is_tried_again_later_and_the_last_median_counts(
    round_seconds: float, times: int
) -> None:
    kernel_run, log, failed = watched((0.5, 0.0), (0.7, 0.1), (0.6, 0.0), round_seconds=round_seconds)
    assert kernel_run.watched == (0.6, PASSING, pytest.approx(WAITING))
    assert (failed, log.count(("a", "watched"))) == ({}, 4 * times)
    assert FakeWorker.now == 2 * (4 * times + 2) + 7.0  # of both workers' requests, and the pauses


@pytest.mark.parametrize(("disturbed", "times"), [(1, 4), (20, 22), (65, 72), (80, 80)])
def test_a_disturbance_that_ends_is_no_slow_clock(disturbed: int, times: int) -> None:
    late = [(0.5, 0.0)] * disturbed
    kernel_run, log, failed = watched(*late, (0.96, WAITING), round_seconds=0.007)
    assert kernel_run.watched
    assert (kernel_run.watched.unexplained <= 1) is (disturbed < 80)
    assert (failed, log.count(("a", "watched"))) == ({}, times)


@pytest.mark.parametrize("slow", [0.95, 0.99])
def test_a_clock_that_is_slow_in_most_rounds_is_found(slow: float) -> None:
    passed = 0
    for seed in range(100):
        of_each = Random(seed)
        rounds = [(0.5 if of_each.random() < slow else 0.96, 0.0) for _ in range(80)]
        kernel_run, _, _ = watched(*rounds, round_seconds=0.007)
        assert kernel_run.watched
        passed += kernel_run.watched.unexplained <= 1
    assert (
        passed <= 6
    )  # four attempts of (5/95)² each: 1.1 of a hundred are expected; more than 6, once in 6,000 tries


def test_a_median_that_waiting_explains_is_not_tried_again() -> None:
    kernel_run, log, _ = watched((0.75, 0.0), round_seconds=10.0)
    assert kernel_run.watched == (0.75, PASSING, WAITING)
    assert log.count(("a", "watched")) == 3


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
    kernel_runs = {"a": KernelRun(KernelSamples("ok", iterations=4), round_seconds=1.0)}
    watch_clocks(kernel_runs, workers, 107, pytest.fail)
    assert kernel_runs["a"].watched is None


def test_a_round_that_is_longer_than_what_has_passed_is_a_proof() -> None:
    _, log, failed = watched((1.1, 0.0))
    assert failed == {"a": ("wrong", "clock: it reported 1.1 s, and only 1 s passed")}
    assert log[-1] == ("b", "resume")
    assert ("a", "kill") in log


def calibrated(iterations: int, call: float, reading: float, calibration: dict[str, Any] | None = None) -> KernelRun:
    """A kernel after its calibration found so many calls of so many seconds."""
    response = CALIBRATED | {"iterations": iterations, "call_seconds": call, "placing_seconds": 0.0}
    kernel_runs, calibrations = {"a": KernelRun(KernelSamples("ok"))}, {"a": calibration} if calibration else {}
    workers = {"a": FakeWorker("a", [], {0: response})}
    calibrate_all(kernel_runs, workers, calibrations, {"a": "x"}, pytest.fail, reading)
    assert kernel_runs["a"].samples.counters["untimed_calls"] is kernel_runs["a"].untimed_calls
    return kernel_runs["a"]


@pytest.mark.parametrize(
    ("iterations", "call", "reading", "untimed"),
    [
        (7, 1e-3, 1.0, 2e-3),
        (7, 1e-3, 0.0, 2e-3),
        (2, 0.03, 0.0, 0.03),  # of two versions with the same number of calls, the slower one
        (1, 0.5, 0.011, 0.5),
        (1, 0.5, 0.009, 0.0),
        (1, 0.5, 0.0, 0.0),
        (1, 0.0201, 0.0, 0.0),
        (1, 0.02, 0.0, 0.02),
        (1, 0.013, 0.0, 0.013),
    ],
)
def test_only_a_long_call_that_hardly_gains_has_no_untimed_call_before_it(
    iterations: int, call: float, reading: float, untimed: float
) -> None:
    kernel_run = calibrated(iterations, call, reading)
    assert kernel_run.untimed_calls is (untimed > 0)
    assert kernel_run.round_seconds == pytest.approx(iterations * call + untimed + 1.5e-3 + iterations * 3e-6)


@given(st.integers(1, 9), st.floats(1e-9, 0.1), st.sampled_from([0.0, 1.0]), st.booleans())
def test_what_the_first_calibration_chose_is_kept_whatever_a_later_one_finds(
    iterations: int, call: float, reading: float, untimed_calls: bool
) -> None:
    first = {"iterations": iterations, "busy_threads": 1, "untimed_calls": untimed_calls}
    kept = calibrated(iterations, call, reading, first)
    assert kept.untimed_calls is untimed_calls
    untimed = max(call, 2e-3) if untimed_calls else 0.0
    assert kept.round_seconds == pytest.approx(iterations * call + untimed + 1.5e-3 + iterations * 3e-6)
    assert calibrated(iterations, call, reading).untimed_calls is (reading > 0 or iterations > 1 or call <= 0.02)


@pytest.mark.parametrize(("call", "later_call"), [(0.021, 0.019), (0.019, 0.021)])
def test_all_workers_and_launches_of_a_kernel_have_the_same_untimed_calls(call: float, later_call: float) -> None:
    """A kernel whose calls take about 20 ms would differ from itself otherwise."""
    kernel, control = "numpy", CONTROL.format("numpy")
    response = CALIBRATED | {"iterations": 1, "placing_seconds": 0.0}
    first = {"a": KernelRun(KernelSamples("ok")), "a2": KernelRun(KernelSamples("ok"))}
    seconds = {"a": call, "a2": later_call}
    workers = {name: FakeWorker(name, [], {0: response | {"call_seconds": seconds[name]}}) for name in first}
    calibrate_all(first, workers, {}, dict.fromkeys(first, kernel), pytest.fail, reading=0.0)
    assert {run.untimed_calls for run in first.values()} == {call < 0.02}
    launches = [
        LaunchResult("lecture", 2, number, {kernel: replace(samples(1.0, iterations=1), counters=counters)})
        for number, counters in enumerate(
            (first["a"].samples.counters, {"busy_threads": 2, "untimed_calls": call > 0.02})
        )
    ]
    calibrations = earlier_calibration(launches, [Candidate(kernel)])
    found = {"iterations": 1, "busy_threads": 1, "untimed_calls": call < 0.02}
    assert calibrations == {kernel: found, control: found}
    assert calibrated(1, later_call, 0.0, calibrations[control]).untimed_calls is (call < 0.02)


def test_x_of_three_times_the_last_cache_is_not_in_it_when_a_call_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "last_level_cache_bytes", lambda: 1000)
    seconds = [reading_seconds(size) for size in (5, 1000, 2999, 3000, 10**9)]
    assert seconds == pytest.approx([1e-9, 2e-7, 2999 / 5e9, 0.0, 0.0])
