"""In which order the workers of a launch start, and on which cores: no process is started."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.runner import launch
from bench.runner.launch import Launch, WorkerResources, cores_of
from bench.worker.messages import LoadResponse, Request
from bench.worker.process import Limits
from kernels import load_operation
from kernels.ceilings import specs


@pytest.mark.parametrize(
    ("position", "threads", "cores"),
    [(0, 1, [3]), (1, 1, [5]), (2, 1, [7]), (3, 1, [3]), (0, 2, [3, 5]), (2, 2, [7, 3]), (1, 9, [5, 7, 3])],
)
def test_each_worker_starts_on_other_cores(position: int, threads: int, cores: list[int]) -> None:
    assert cores_of(position, threads, [3, 5, 7]) == cores


def test_workers_start_in_random_order(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = LoadResponse(0.1, "numpy", "cpu", 2, "")
    monkeypatch.setattr(launch, "WorkerProcess", lambda *_: object())
    monkeypatch.setattr(launch, "run_concurrently", lambda generators, _at_once: dict.fromkeys(generators, loaded))
    orders = set()
    for _ in range(50):
        one = Launch(0, WorkerResources(1, [0, 1], Limits(1.0, 1), Path()))
        one._start(dict.fromkeys("abc", "numpy"), "gradient")
        orders.add("".join(one._workers))
    assert len(orders) > 1


def test_workers_that_have_started_are_ended_where_a_later_one_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    class Worker:
        def __init__(self, *_: object) -> None:
            if len(started) == 2:
                raise OSError("too many processes")
            started.append("started")

        def kill(self) -> None:
            started.remove("started")

    monkeypatch.setattr(launch, "WorkerProcess", Worker)
    one = Launch(0, WorkerResources(1, [0, 1], Limits(1.0, 1), Path()))
    with pytest.raises(OSError, match="too many processes"):
        one._start(dict.fromkeys("abc", "numpy"), "gradient")
    assert len(started) == 2
    one.close()
    assert started == []


def test_a_ceiling_is_loaded_as_a_kernel_of_its_own_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: dict[str, Any] = {}

    def run(generators: Mapping[object, Generator[Request, Any, Any]], _at_once: int) -> dict[object, LoadResponse]:
        for generator in generators.values():
            arguments = next(generator).arguments
            requests[arguments["spec"]] = arguments["operation"]
        return dict.fromkeys(generators, LoadResponse(0.1, "numpy", "cpu", 2, ""))

    monkeypatch.setattr(launch, "WorkerProcess", lambda *_: object())
    monkeypatch.setattr(launch, "run_concurrently", run)
    one = Launch(0, WorkerResources(1, [0, 1], Limits(1.0, 1), Path()))
    one._start({"numpy": "numpy", **specs.SPECS}, "descend")
    assert requests == {"numpy": "descend", **dict.fromkeys(specs.SPECS.values(), specs.OPERATION)}
    assert load_operation(specs.OPERATION).name == "ceilings"
