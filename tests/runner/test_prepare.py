"""What a kernel has to pass before and after its rounds, with responses written by hand: no process, no clock."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.correctness.checks import WatchedRound
from bench.results.samples import KernelSamples
from bench.runner.kernel_run import KernelRun, TimedRound
from bench.runner.prepare import prepare, verify_and_release
from bench.worker.frames import encode
from bench.worker.messages import Request, RoundResponse, WorkerFailed
from kernels.gradient.numpy_vectorized import gradient as correct
from tests.support.problems import TINY, inputs
from tests.support.wire import received

ROUND = RoundResponse(
    seconds=0.01, result="form", result_wait_seconds=1e-6, copying_seconds=1e-6, placing_seconds=1e-6,
    cpu_seconds=0.01, page_faults=0, switches=0, mutated=False,
)  # fmt: skip
RELEASED = {"pools": [], "threads": 1, "cores": [0]}


def timed(responses: list[RoundResponse], disturbed: tuple[int, ...] = ()) -> list[TimedRound]:
    """Rounds with these responses, in as many sweeps. disturbed: the sweeps that do not count"""
    return [
        TimedRound(response, 2e-5, 3, True, 107 + number, 9, number, disturbed=number in disturbed)
        for number, response in enumerate(responses)
    ]


def released(
    responses: list[RoundResponse], watched: WatchedRound | None = None, rounds: list[TimedRound] | None = None
) -> KernelRun:
    """A kernel with these rounds of 4 calls, after its release. It is a ceiling, so its result is not checked."""
    samples = KernelSamples("ok", iterations=4, counters={"cores_used": 1.0, "busy_threads": 1})
    kernel_run = KernelRun(samples, is_kernel=False, rounds=rounds or timed(responses), watched=watched)
    steps = verify_and_release(kernel_run, inputs(TINY), [])
    assert next(steps).name == "release"
    with pytest.raises(StopIteration):
        steps.send(RELEASED)
    return kernel_run


def test_a_disturbed_round_does_not_count_as_untimed_work() -> None:
    disturbed = replace(ROUND, placing_seconds=1.0, copying_seconds=1.0, result_wait_seconds=1.0)
    undisturbed = replace(ROUND, result_wait_seconds=1e-6)
    samples = released([undisturbed, disturbed, undisturbed]).samples
    assert samples.rounds == (0.0025,) * 3
    assert [(one["check"], one["failure"]) for one in samples.check_results] == [("at-once", "")]


def test_what_a_pool_spun_before_a_short_round_is_no_further_core() -> None:
    """With two threads in rounds of 6 ms, 15 ms may be counted: a tick of them is of before."""
    spun = replace(ROUND, seconds=0.006, cpu_seconds=0.015)
    run = released([spun] * 3)
    assert not run.single_threaded
    assert run.samples.counters["cores_used"] == 1.0  # of the calibration: (15 − 10) / 6 is less
    steady = replace(ROUND, seconds=0.1, cpu_seconds=0.35)
    assert released([steady] * 3).samples.counters["cores_used"] == pytest.approx(3.4)


def test_rounds_of_disturbed_sweeps_are_kept_apart_and_the_counters_are_of_all() -> None:
    responses = [replace(ROUND, seconds=0.01 * (1 + number), page_faults=number) for number in range(4)]
    rounds = [replace(one, sweep=7 + number // 2) for number, one in enumerate(timed(responses, disturbed=(0, 2)))]
    samples = released(responses, rounds=rounds).samples
    assert samples.rounds == pytest.approx((0.005, 0.01))
    assert (samples.sweeps, samples.positions) == ((7, 8), (0, 0))
    assert samples.disturbed_rounds == pytest.approx((0.0025, 0.0075))
    assert samples.disturbed_sweeps == (7, 8)
    assert samples.counters["page_faults_per_call"] == 6 / 16


def test_the_result_of_a_checked_round_is_compared_with_that_of_its_draw_and_call() -> None:
    made = inputs(TINY)
    case = made.timed(110, 9, 3)
    right = [np.asarray(part) for part in correct(made.arrays["X"], made.arrays["y"], *case.fresh)]
    for draw, seed, call, failure in (
        (110, 9, 3, ""),
        (111, 9, 3, "timed: "),
        (110, 8, 3, "timed: "),
        (110, 9, 2, "timed: "),
    ):
        one = TimedRound(replace(ROUND, result=right), 2e-5, call, True, draw, seed, 0, disturbed=True)
        steps = verify_and_release(KernelRun(KernelSamples("ok", iterations=4), rounds=[one]), made, [one])
        if failure:
            with pytest.raises(WorkerFailed, match=failure):
                next(steps)
        else:
            assert next(steps) == made.unseen.request()


def test_a_result_that_is_computed_later_in_every_round_is_detected() -> None:
    with pytest.raises(WorkerFailed, match="at-once: .* took 0.01 s"):
        released([replace(ROUND, result_wait_seconds=0.01)] * 3)


def test_a_kernel_is_checked_again_after_the_last_round() -> None:
    made = inputs(TINY)
    steps = verify_and_release(KernelRun(KernelSamples("ok", iterations=4), rounds=timed([ROUND])), made, [])
    assert next(steps) == made.unseen.request()
    with pytest.raises(WorkerFailed, match="unseen: nothing right"):
        steps.send({"result": "nothing right"})


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ([], "it sent 0 arrays for result; expected 3"),
        ([np.zeros(()), np.zeros(4), np.zeros(())], "it sent float64 (4,) for dw; expected float64 (3,)"),
        ([np.zeros((1, 1)), np.zeros(3), np.zeros(())], "it sent float64 (1, 1) for cost; expected float64 ()"),
        ([np.zeros(()), np.zeros(3), np.zeros((), np.float32)], "it sent float32 () for db; expected float64 ()"),
    ],
)
def test_a_result_of_a_form_that_no_worker_sends(result: list[np.ndarray], reason: str) -> None:
    steps = verify_and_release(KernelRun(KernelSamples("ok", iterations=4), rounds=timed([ROUND])), inputs(TINY), [])
    next(steps)
    with pytest.raises(WorkerFailed) as failed:
        steps.send(received({"result": result}))
    assert (failed.value.outcome, failed.value.reason) == ("crashed", reason)


def test_a_slow_clock_fails_the_check_and_a_watched_round_that_it_explains_passes() -> None:
    checked = released([ROUND], WatchedRound(0.01, 0.0105, 0.0)).samples.check_results
    assert [(one["check"], one["failure"]) for one in checked] == [("at-once", ""), ("clock", "")]
    with pytest.raises(
        WorkerFailed, match="clock: a round took 20 ms by the race's clock, and 10 ms by the worker's"
    ) as failed:
        released([ROUND], WatchedRound(0.01, 0.022, 0.002))
    assert failed.value.outcome == "wrong"


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("chosen", [slice(0), slice(1), slice(1, 2), slice(2, None), slice(None)])
def test_the_data_and_the_given_probes_are_checked(chosen: slice, backend: str) -> None:
    """Those that change an array between two calls only where the kernel computes on the shared array itself."""
    made, checked = inputs(TINY), list[tuple[dict[str, str], bool]]()
    probes = made.probes[chosen]
    responses: dict[str, Any] = {
        "place": {"placement_seconds": 1.0},
        "compile": {"build_seconds": 0.5, "compiles": False},
        "call": {"seconds": 1.0},
    }
    kernel_run = KernelRun(KernelSamples("ok", kernel={"backend": backend}))
    steps = prepare(kernel_run, made, probes, timed=True)
    request: Request | None = next(steps)
    while request is not None:
        if request.name == "check":
            fields, (w, b) = request.arguments["fields"], request.arguments["fresh"]
            checked.append((fields, bool(request.arguments["change"])))
            X, y = (made.arrays[fields.get(name, name)] for name in "Xy")
            if change := request.arguments["change"]:
                X = X.copy()
                X[change["row"]] = change["values"]
            result = correct(X, y, w, b[()])
            frame = encode({"result": [np.asarray(part) for part in result]})
            responses["check"] = json.loads(frame[4:])  # without its length
        try:
            request = steps.send(responses[request.name])
        except StopIteration:
            request = None
    expected = [case for case in (made.data, *probes) if backend == "numpy" or not case.change]
    assert checked == [(case.fields, bool(case.change)) for case in expected]
    assert [one["check"] for one in kernel_run.samples.check_results] == [case.check for case in expected]
    assert (kernel_run.samples.cold["build_seconds"], kernel_run.samples.kernel["compiles"]) == (0.5, False)
