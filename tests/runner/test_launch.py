"""In which order the workers of a launch start, and on which cores: no process is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.runner import launch
from bench.runner.launch import Launch, WorkerResources, cores_of
from bench.worker.messages import LoadResponse
from bench.worker.process import Limits


@pytest.mark.parametrize(
    ("position", "threads", "cores"),
    [(0, 1, [3]), (1, 1, [5]), (2, 1, [7]), (3, 1, [3]), (0, 2, [3, 5]), (2, 2, [7, 3]), (1, 9, [5, 7, 3])],
)
def test_each_worker_starts_on_other_cores(position: int, threads: int, cores: list[int]) -> None:
    assert cores_of(position, threads, [3, 5, 7]) == cores


def test_workers_start_in_random_order(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = LoadResponse(0.1, "numpy", "cpu", 2, False)
    monkeypatch.setattr(launch, "WorkerProcess", lambda *_: object())
    monkeypatch.setattr(launch, "run_concurrently", lambda generators, _at_once: dict.fromkeys(generators, loaded))
    orders = set()
    for _ in range(50):
        one = Launch(0, WorkerResources(1, [0, 1], Limits(1.0, 1), Path()))
        one._start(dict.fromkeys("abc", "numpy"))
        orders.add("".join(one._workers))
    assert len(orders) > 1
