"""Single calls are timed one by one, in real workers that take turns, and by a simulated clock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.commands.variance import calls
from bench.host.checkout import temporary_folder
from bench.runner.inputs import WorkloadInputs
from bench.runner.worker_resources import resources_for
from bench.worker import timing
from bench.worker.messages import CallsResponse, WorkerFailed
from bench.worker.placed_kernel import PlacedKernel
from bench.worker.process import WorkerProcess
from bench.workloads import catalog

SLOW_THEN_FAST = [8.0, 1.0, 1.0, 1.0, 4.0]


def placed(clock: list[float], drawn: list[tuple[int, int]]) -> PlacedKernel:
    """A kernel whose calls take SLOW_THEN_FAST seconds, from its first call on."""
    durations = iter(SLOW_THEN_FAST * 9)

    def call() -> None:
        clock[0] += next(durations)

    def draw_arguments(draw: int, count: int, seed: int | None = None) -> tuple[list[tuple[Any, ...]], float]:
        drawn.append((draw, count))
        return [()] * count, 0.0

    kernel = SimpleNamespace(backend=SimpleNamespace(wait=lambda result: result))
    made = SimpleNamespace(kernel=kernel, timed_call=call, draw_arguments=draw_arguments)
    return cast(PlacedKernel, made)


@pytest.mark.parametrize("warm", [False, True])
def test_each_call_is_timed_by_itself(warm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, drawn = [0.0], list[tuple[int, int]]()
    monkeypatch.setattr(timing, "perf_counter", lambda: clock[0])
    response = timing.time_each_call(placed(clock, drawn), 7, 5, warm, None)
    # one untimed call is longer than the warm-up, so that the slow call comes last
    expected = SLOW_THEN_FAST[1:] + SLOW_THEN_FAST[:1] if warm else SLOW_THEN_FAST
    assert drawn[-1] == (7, 5)
    assert len(drawn) == 1 + warm
    assert (response.seconds, response.median, response.deviation) == (15.0, 1.0, 0.0)
    assert (response.first, response.slowest) == (expected[0], 8.0)
    assert response.standard_deviation == pytest.approx(2.7568098)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """A correct kernel, a wrong one and one that breaks when it is timed."""
    file = Path(tmp_path_factory.mktemp("kernels")) / "mine.py"
    file.write_text(
        "from kernels.gradient.numpy_vectorized import gradient as correct\n"
        "def wrong(X, y, w, b):\n    return correct(X, y, -w, b)\n"
        "calls = 0\n"
        "def breaks(X, y, w, b):\n"
        "    global calls\n    calls += 1\n"
        "    if calls > 400: raise RuntimeError('enough')\n"
        "    return correct(X, y, w, b)\n"
    )
    inputs = WorkloadInputs(catalog.named("2000x30"))
    specs = {"numpy": "numpy", "wrong": f"{file}:wrong", "breaks": f"{file}:breaks"}
    with temporary_folder("tests") as cache:
        rows = calls.measure(specs, inputs, resources_for(1, cache, 60.0), 0.05, 0, True, lambda _: None)
    inputs.close()
    return {row["kernel"]: row for row in rows}


def test_real_workers_time_their_calls(measured: dict[str, dict[str, Any]]) -> None:
    row = measured["numpy"]
    assert row["outcome"] == "ok"
    assert len(row["seconds"]) >= calls.FEWEST_ROUNDS
    for field in ("median", "deviation", "standard_deviation", "first", "slowest"):
        assert len(row[field]) == len(row["seconds"])
    for seconds, middle, slowest in zip(row["seconds"], row["median"], row["slowest"], strict=True):
        assert 1e-6 < middle <= slowest
        assert 0.3 * middle < seconds <= slowest


def test_a_kernel_that_fails_has_a_reason_and_no_figures(measured: dict[str, dict[str, Any]]) -> None:
    assert set(measured) == {"numpy", "wrong", "breaks"}
    assert measured["wrong"]["outcome"] == "wrong"
    assert measured["wrong"]["reason"].startswith("data: ")
    assert measured["breaks"]["outcome"] == "raised"
    assert "enough" in measured["breaks"]["reason"]
    assert "seconds" not in measured["wrong"]
    assert "seconds" not in measured["breaks"]


class Liar:
    """A worker that answers with these figures, at once."""

    def __init__(self, **changed: float) -> None:
        figures = CallsResponse(2e-9, 1e-9, 0.0, 0.0, 1e-9, 1e-9)
        self._response = {**vars(figures), **changed}

    def resume(self) -> None: ...

    def suspend(self) -> None: ...

    def request(self, _request: Any) -> dict[str, Any]:
        return self._response


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        ({}, None),
        ({"seconds": 3600.0}, "clock: it reported 3600 s"),
        ({"median": 0.0}, "it sent 0 for median"),
        ({"slowest": 1e-10}, "it sent 1e-09 for median, of calls of 1e-10 s"),
        ({"first": -1.0}, "for first"),
    ],
)
def test_impossible_figures_are_a_failure(changed: dict[str, float], failure: str | None) -> None:
    worker = cast(WorkerProcess, Liar(**changed))
    expected: Callable[[], Any] = (
        nullcontext if failure is None else lambda: pytest.raises(WorkerFailed, match=failure)
    )
    with expected():
        assert calls._request(worker, {}).median == 1e-9
