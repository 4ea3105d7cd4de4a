"""What a kernel has to pass before and after its rounds, with responses written by hand: no process, no clock."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.correctness.checks import WatchedRound
from bench.results.samples import KernelSamples
from bench.runner.kernel_run import KernelRun
from bench.runner.prepare import prepare, verify_and_release
from bench.worker.frames import encode
from bench.worker.messages import Request, RoundResponse, WorkerFailed
from kernels.gradient.numpy_vectorized import gradient as correct
from tests.support.problems import TINY, inputs
from tests.support.wire import received

ROUND = RoundResponse(
    seconds=0.01, result="form", result_wait_seconds=None, copying_seconds=1e-6, placing_seconds=1e-6,
    spin_seconds=2e-5, cpu_seconds=0.01, page_faults=0, switches=0, mutated=False,
)  # fmt: skip
RELEASED = {"pools": [], "threads": 1, "cores": [0]}


def released(responses: list[RoundResponse], watched: WatchedRound | None = None) -> KernelRun:
    """A kernel with these rounds of 4 calls, after its release. It is a ceiling, so its result is not checked."""
    samples = KernelSamples("ok", iterations=4, counters={"cores_used": 1.0, "busy_threads": 1})
    kernel_run = KernelRun(samples, is_kernel=False, responses=responses, positions=[0] * len(responses))
    kernel_run.watched = watched
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


def test_a_result_that_is_computed_later_in_every_round_is_detected() -> None:
    with pytest.raises(WorkerFailed, match="at-once: .* took 0.01 s"):
        released([replace(ROUND, result_wait_seconds=0.01)] * 3)


def test_a_kernel_is_checked_again_after_the_last_round() -> None:
    made = inputs(TINY)
    steps = verify_and_release(KernelRun(KernelSamples("ok", iterations=4), responses=[ROUND]), made, [])
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
    steps = verify_and_release(KernelRun(KernelSamples("ok", iterations=4), responses=[ROUND]), inputs(TINY), [])
    next(steps)
    with pytest.raises(WorkerFailed) as failed:
        steps.send(received({"result": result}))
    assert (failed.value.outcome, failed.value.reason) == ("crashed", reason)


def test_a_slow_clock_fails_the_check_and_a_watched_round_that_it_explains_passes() -> None:
    checked = released([ROUND], WatchedRound(0.01, 0.0105, 0.0)).samples.check_results
    assert [(one["check"], one["failure"]) for one in checked] == [("at-once", ""), ("clock", "")]
    with pytest.raises(WorkerFailed, match="clock: a round took 20 ms, and it reported 10 ms") as failed:
        released([ROUND], WatchedRound(0.01, 0.022, 0.002))
    assert failed.value.outcome == "wrong"


@pytest.mark.parametrize("skip_probes", [False, True])
def test_probes_are_checked_unless_they_were_passed_before(skip_probes: bool) -> None:
    made, checked = inputs(TINY), list[dict[str, str]]()
    responses: dict[str, Any] = {
        "place": {"placement_seconds": 1.0},
        "compile": {"build_seconds": 0.5, "compiles": False},
        "call": {"seconds": 1.0},
    }
    kernel_run = KernelRun(KernelSamples("ok", kernel={"backend": "numpy"}))
    steps = prepare(kernel_run, made, skip_probes, timed=True)
    request: Request | None = next(steps)
    while request is not None:
        if request.name == "check":
            fields, (w, b) = request.arguments["fields"], request.arguments["fresh"]
            checked.append(fields)
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
    assert checked == [{}, *(case.fields for case in made.probes if not skip_probes)]
    assert (kernel_run.samples.cold["build_seconds"], kernel_run.samples.kernel["compiles"]) == (0.5, False)
