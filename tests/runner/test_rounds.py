"""How rounds are interleaved, with workers that are no processes: no clock, no sleep."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from bench.results.samples import KernelSamples
from bench.runner.kernel_run import KernelRun
from bench.runner.rounds import calibrate_all, interleave, round_count
from bench.worker.messages import Request, Response, WorkerFailed

ANSWER: Response = {
    "seconds": 0.01, "placing_seconds": 1e-6, "copying_seconds": 1e-6, "spin_seconds": 2e-5, "cpu_seconds": 0.01,
    "page_faults": 0, "switches": 0, "mutated": False, "result_wait_seconds": None, "result": "form",
}  # fmt: skip


class FakeWorker:
    """Answers at once, and notes what happens to whom."""

    def __init__(self, name: str, log: list[tuple[str, str]], answers: dict[int, Any] | None = None) -> None:
        self.name, self.log, self.answers = name, log, answers or {}
        self.orders: list[dict[str, Any]] = []

    def suspend(self) -> None:
        self.log.append((self.name, "suspend"))

    def resume(self) -> None:
        self.log.append((self.name, "resume"))

    def kill(self) -> None:
        self.log.append((self.name, "kill"))

    def request(self, order: Request) -> Response:
        self.log.append((self.name, order.name))
        self.orders.append(order.arguments)
        answer = self.answers.get(len(self.orders) - 1, ANSWER)
        if isinstance(answer, WorkerFailed):
            raise answer
        return dict(answer)


def raced(
    names: str, rounds: int, single_threaded: str = "", threads: int = 2, **answers: dict[int, Any]
) -> tuple[dict[str, KernelRun], dict[str, FakeWorker], list[tuple[str, str]], dict[str, WorkerFailed]]:
    log: list[tuple[str, str]] = []
    workers = {name: FakeWorker(name, log, answers.get(name)) for name in names}
    kernel_runs = {
        name: KernelRun(KernelSamples("ok", iterations=4), single_threaded=name in single_threaded) for name in names
    }
    for worker in workers.values():
        worker.suspend()
    ended = dict(interleave(kernel_runs, workers, rounds, threads, [0, 1], Random(1)))
    return kernel_runs, workers, log, ended


def test_only_the_one_that_is_timed_is_awake() -> None:
    _, _, log, _ = raced("abc", 20)
    awake = set("abc")
    for name, event in log[:-3]:
        awake = awake - {name} if event == "suspend" else awake | {name} if event == "resume" else awake
        assert event != "round" or awake == {name}
    assert [event for _, event in log[-3:]] == ["resume"] * 3  # all go on in the end


def test_every_round_has_all_in_a_random_order() -> None:
    kernel_runs, _, log, _ = raced("abc", 60)
    names = [name for name, event in log if event == "round"]
    orders = Counter("".join(names[start : start + 3]) for start in range(0, len(names), 3))
    assert all(sorted(order) == list("abc") for order in orders)
    assert len(orders) == 6
    assert max(orders.values()) < 25
    places = zip(*(kernel_run.places for kernel_run in kernel_runs.values()), strict=True)
    assert all(sorted(place) == [0, 1, 2] for place in places)


def test_rivals_share_their_parameters_and_cores() -> None:
    _, workers, _, _ = raced("ab", 10, single_threaded="ab")
    one, other = (workers[name].orders for name in "ab")
    assert [order["draw"] for order in one] == [order["draw"] for order in other]
    assert len({order["draw"] for order in one}) == 10
    assert [order["cores"] for order in one] == [order["cores"] for order in other] == [[0], [1]] * 5


def test_who_computes_in_several_threads_has_all_cores_unless_one_is_given() -> None:
    _, workers, _, _ = raced("ab", 4, single_threaded="b")
    assert {str(order["cores"]) for order in workers["a"].orders} == {"None"}
    _, workers, _, _ = raced("ab", 4, single_threaded="", threads=1)
    assert [order["cores"] for order in workers["a"].orders] == [[0], [1], [0], [1]]


def test_half_of_the_samples_are_last_calls_and_the_others_any() -> None:
    _, workers, _, _ = raced("a", 200)
    sampled = [order["sampled"] for order in workers["a"].orders]
    assert set(sampled[1::2]) == {3}
    assert set(sampled[::2]) == {0, 1, 2, 3}


def test_ones_end_is_not_the_others() -> None:
    kernel_runs, _, log, ended = raced("abc", 10, b={3: WorkerFailed("crashed", "SIGSEGV")})
    assert {name: (end.outcome, end.reason) for name, end in ended.items()} == {"b": ("crashed", "SIGSEGV")}
    assert kernel_runs["b"].entry.outcome == "crashed"
    assert (kernel_runs["b"].responses, len(kernel_runs["a"].responses), len(kernel_runs["c"].responses)) == (
        [],
        10,
        10,
    )
    assert log.count(("b", "round")) == 4
    assert log.index(("b", "kill")) > log.index(("b", "round"))


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        ({**ANSWER, "seconds": "fast"}, "crashed", "it sent no number for seconds"),
        ({**ANSWER, "seconds": float("nan")}, "crashed", "it sent no number for seconds"),
        ({**ANSWER, "seconds": 0.0}, "crashed", "it reported a round of no time"),
        ({**ANSWER, "result": [{"dtype": "object"}]}, "crashed", "it sent an array of 'object'"),
        ({**ANSWER, "mutated": True}, "wrong", "timed: it wrote into w, which is read-only"),
        ({}, "crashed", "it sent no number for seconds"),
    ],
)
def test_an_answer_that_is_none(answer: Response, outcome: str, reason: str) -> None:
    _, _, _, ended = raced("ab", 3, a={0: answer})
    assert (ended["a"].outcome, ended["a"].reason) == (outcome, reason)
    assert "b" not in ended


CALIBRATED = {"iterations": 7, "call_seconds": 1e-3, "placing_seconds": 1e-6, "cores_used": 1.0, "busy_threads": 1}


def test_calibration_is_one_by_one_and_later_launches_keep_what_the_first_chose() -> None:
    log: list[tuple[str, str]] = []
    answers = {"a": CALIBRATED, "b": {**CALIBRATED, "busy_threads": None}, "c": {**CALIBRATED, "iterations": "many"}}
    workers = {name: FakeWorker(name, log, {0: answer}) for name, answer in answers.items()}
    answers["twin"] = {**CALIBRATED, "busy_threads": None}
    workers["twin"] = FakeWorker("twin", log, {0: answers["twin"]})
    kernel_runs = {name: KernelRun(KernelSamples("ok")) for name in workers}
    specs = {"a": "x", "b": "y", "c": "z", "twin": "x"}
    ended = dict(calibrate_all(kernel_runs, workers, {"b": {"iterations": 7, "busy_threads": 0}}, specs))
    assert log[:4] == [(name, "suspend") for name in workers]
    assert log[4:7] == [("a", "resume"), ("a", "calibrate"), ("a", "suspend")]
    assert [worker.orders[0]["iterations"] for worker in workers.values()] == [None, 7, None, 7]
    assert (
        kernel_runs["a"].entry.iterations,
        kernel_runs["a"].single_threaded,
        kernel_runs["b"].single_threaded,
    ) == (7, True, False)
    assert kernel_runs["a"].round_seconds == pytest.approx(7 * 1.001e-3 + 2e-3)
    assert {name: end.reason for name, end in ended.items()} == {"c": "it sent no number for iterations"}
    assert kernel_runs["c"].entry.outcome == "crashed"


def test_how_many_rounds() -> None:
    kernel_runs = {
        name: KernelRun(KernelSamples("ok"), round_seconds=seconds) for name, seconds in (("a", 0.01), ("b", 0.03))
    }
    assert round_count(kernel_runs, 1.0) == 50  # 2 s for both, 0.04 a round
    assert round_count(kernel_runs, 0.001) == 5
    assert round_count({}, 1.0) == 0
