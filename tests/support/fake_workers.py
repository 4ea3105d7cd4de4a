"""Workers without processes, whose clock moves only with their requests."""

from __future__ import annotations

from typing import Any

import pytest

from bench.host import procfs
from bench.runner import calibration, clock, sweeps
from bench.runner.kernel_run import KernelRun
from bench.worker.messages import Request, Response, WorkerFailed

PASSING = 1.0
"""What every request takes on the race's clock."""
WAITING = 0.25
"""How long the worker has no core meanwhile."""

RESPONSE: Response = {
    "seconds": 0.01, "placing_seconds": 1e-6, "copying_seconds": 1e-6, "cpu_seconds": 0.01, "page_faults": 0,
    "switches": 0, "mutated": False, "result_wait_seconds": 1e-6, "result": "form",
}  # fmt: skip
WARM_UP: Response = {"spin_seconds": 2e-5}


class FakeWorker:
    """Responds after a second of a clock that nothing else moves, and logs what is done to it.

    responses: number of a request, without those for untimed calls → the response, if not the usual one
    """

    now = waited = 0.0
    pid = 7

    def __init__(self, name: str, log: list[tuple[str, str]], responses: dict[int, Any] | None = None) -> None:
        self.name, self.log, self.responses = name, log, responses or {}
        self.requests: list[dict[str, Any]] = []
        """The arguments of all but those for untimed calls."""
        self.warm_ups: list[dict[str, Any]] = []
        self.warm_up = WARM_UP

    @staticmethod
    def sleep(seconds: float) -> None:
        FakeWorker.now += seconds

    def suspend(self) -> None:
        self.log.append((self.name, "suspend"))

    def resume(self) -> None:
        self.log.append((self.name, "resume"))

    def kill(self) -> None:
        self.log.append((self.name, "kill"))

    def request(self, request: Request) -> Response:
        self.log.append((self.name, request.name))
        FakeWorker.now += PASSING
        FakeWorker.waited += WAITING
        if request.name == "warm_up":
            self.warm_ups.append(request.arguments)
            return self.warm_up
        self.requests.append(request.arguments)
        response = self.responses.get(len(self.requests) - 1, RESPONSE)
        if isinstance(response, WorkerFailed):
            raise response
        return dict(response)


def use_their_clock(patch: pytest.MonkeyPatch) -> None:
    """The race reads the workers' clock, and the system's counters say how long they waited."""
    FakeWorker.now = FakeWorker.waited = 0.0
    for module in (calibration, sweeps, clock):
        patch.setattr(module, "perf_counter", lambda: FakeWorker.now)
    patch.setattr(clock, "sleep", FakeWorker.sleep)
    patch.setattr(procfs, "waited", lambda thread: FakeWorker.waited if thread == FakeWorker.pid else 0.0)


def failures(kernel_runs: dict[str, KernelRun], reported: list[str]) -> dict[str, tuple[str, str]]:
    """Kernel whose failure was reported → its outcome and reason."""
    assert len(set(reported)) == len(reported)
    return {name: (kernel_runs[name].samples.outcome, kernel_runs[name].samples.reason) for name in reported}
