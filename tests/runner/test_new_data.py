"""Kernels are timed on new data after the rounds, with fake workers: no process, no clock."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from bench.results.samples import KernelSamples
from bench.runner import new_data
from bench.runner.kernel_run import KernelRun, TimedRound
from bench.runner.new_data import check_new_data
from bench.worker.messages import MirroredResponse, RoundResponse, WorkerFailed
from kernels import load
from kernels.contract import Mirror
from tests.support.fake_workers import PASSING, FakeWorker, failures, use_their_clock
from tests.support.fits import result_of
from tests.support.problems import inputs
from tests.support.wire import received

ROUND = RoundResponse(0.2, "form", 1e-6, 1e-6, 1e-6, 0.2, 0, 0, False)
"""Of two calls: 0.1 s each."""
WORKLOAD = "fit:60x3@penalty=0.1"


def raced(
    *seconds: float | WorkerFailed, known: float = 0.1, result: Any = None
) -> tuple[KernelRun, FakeWorker, dict[str, Any]]:
    """A kernel whose calls on new data take these seconds, and how it failed.

    known: seconds of those on the workload's data; result: None for the right one
    """
    made, kernel, seeds = inputs(WORKLOAD), load("numpy-newton", "fit"), list[int]()

    def answer(seed: int) -> Any:
        rng = np.random.default_rng(seed)
        assert made.workload.definition.mirror
        mirror: Mirror = made.workload.definition.mirror(made.inputs, rng)
        return list(result_of(kernel, mirror.inputs(), made.workload.definition.fresh(made.inputs, rng)))

    class Answering(FakeWorker):
        def request(self, request: Any) -> Any:
            seeds.append(request.arguments["seed"])
            response = super().request(request)
            claimed = answer(seeds[-1]) if result is None else result
            return received(vars(MirroredResponse(response["seconds"], known, claimed)))

    responses = {n: one if isinstance(one, WorkerFailed) else {"seconds": one} for n, one in enumerate(seconds)}
    log: list[tuple[str, str]] = []
    worker, other = Answering("a", log, responses), FakeWorker("b", log)
    rounds = [TimedRound(ROUND, 2e-5, 0, True, 107, 7, 0)] * 3
    runs = {name: KernelRun(KernelSamples("ok", iterations=2), rounds=rounds) for name in "ab"}
    reported: list[str] = []
    check_new_data({"a": runs["a"]}, {"a": worker, "b": other}, made, 500, Random(1), reported.append)
    assert len(set(seeds)) == len(seeds)
    return runs["a"], worker, failures(runs, reported)


@pytest.fixture(autouse=True)
def their_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    use_their_clock(monkeypatch)
    monkeypatch.setattr(new_data, "perf_counter", lambda: FakeWorker.now)


def test_a_kernel_that_takes_as_long_is_asked_once() -> None:
    kernel_run, worker, failed = raced(0.14)
    assert failed == {}
    assert [request["draw"] for request in worker.requests] == [500]
    assert [result["check"] for result in kernel_run.samples.check_results] == ["new-data", "new-data"]
    assert kernel_run.samples.check_results[-1]["bound_fraction"] == pytest.approx(0.14 / 0.15)
    assert worker.log == [("a", "suspend"), ("a", "resume"), ("a", "mirrored"), ("a", "suspend"), ("a", "resume")]


def test_a_single_call_may_be_slow_on_known_data_as_well_but_not_by_much() -> None:
    assert raced(0.29, known=0.2)[2] == {}
    assert raced(*[0.31] * 6, known=0.4)[2]["a"][1].startswith("new-data: a call takes 0.31 s")


def test_one_of_several_calls_is_enough() -> None:
    _, worker, failed = raced(0.9, 0.2, 0.16, 0.1)
    assert failed == {}
    assert [request["draw"] for request in worker.requests] == [500, 501, 502, 503]


def test_a_kernel_that_is_slower_on_all_new_data_remembers() -> None:
    _, worker, failed = raced(*[0.16] * 6)
    assert len(worker.requests) == 6
    assert failed["a"] == (
        "wrong",
        "new-data: a call takes 0.16 s on data that it has not seen, and 0.1 s on those of the workload: "
        "it remembers results",
    )


def test_its_result_is_judged() -> None:
    _, _, failed = raced(0.1, result="norm is a list; expected one number")
    assert failed["a"] == ("wrong", "new-data: norm is a list; expected one number")
    made = inputs(WORKLOAD)
    start = made.data.fresh
    other = list(result_of(load("numpy-newton", "fit"), made.inputs, start))
    _, _, failed = raced(0.1, result=other)
    assert failed["a"] == ("wrong", "new-data: the first iterate is not the start that was given")


def test_a_worker_that_fails_or_claims_too_much_time_has_no_time() -> None:
    _, _, failed = raced(WorkerFailed("crashed", "it exited"))
    assert failed["a"] == ("crashed", "it exited")
    _, _, failed = raced(2 * PASSING)
    assert failed["a"][1].startswith("clock: it reported 2.1 s, and only 1 s passed")


def test_an_operation_without_a_mirror_is_not_asked() -> None:
    made = inputs("60x3")
    assert made.workload.definition.mirror is None
    check_new_data({"a": KernelRun(replace(KernelSamples("ok")))}, {}, made, 500, Random(1), lambda _name: None)
