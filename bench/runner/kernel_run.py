"""One kernel in one launch: what is known of it so far."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import Any, Protocol

from bench.correctness.checks import CheckResult
from bench.results.samples import KernelSamples
from bench.worker import messages
from bench.worker.messages import Request, Response, WorkerFailed


class WorkerHandle(Protocol):
    """What the rounds need of a worker; the tests have one without a process."""

    def suspend(self) -> None:
        """Stop it."""

    def resume(self) -> None:
        """Let it go on."""

    def request(self, order: Request) -> Response:
        """Give an order and wait for the answer. Raises Ended."""

    def kill(self) -> None:
        """End it."""


@dataclass
class KernelRun:
    """One worker's way through a block."""

    entry: KernelSamples
    """What is known of it so far."""
    round_seconds: float = 0.0
    """Of a round and the untimed calls before it, when it was calibrated."""
    single_threaded: bool = False
    """It computes in one thread."""
    is_kernel: bool = True
    """It is a kernel; what measures a ceiling returns nobody's gradient."""
    responses: list[Response] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def ended(self, ended: WorkerFailed) -> None:
        """It came to an end: what it was timed at is withdrawn."""
        self.entry = replace(self.entry, outcome=ended.outcome, reason=ended.reason, iterations=0)
        self.responses, self.places = [], []

    def found(self, finding: CheckResult) -> None:
        """Keep what a check found."""
        plain = {key: value for key, value in asdict(finding).items() if value != float("inf")}
        self.entry = replace(self.entry, findings=(*self.entry.findings, plain))
        if finding.failure:
            raise WorkerFailed("wrong", finding.failure)


def number(reply: Response, key: str) -> float:
    """A number of the reply. Raises Ended if it is none."""
    value = reply.get(key)
    if not isinstance(value, (int, float)) or not isfinite(value):
        raise WorkerFailed("crashed", f"it sent no number for {key}")
    return float(value)


def number_or_none(reply: Response, key: str) -> float | None:
    """A number of the reply; None where it has none. Raises Ended if it is something else."""
    return None if reply.get(key) is None else number(reply, key)


def checked_result(reply: Response) -> Any:
    """cost, dw and db, or what was wrong with their form."""
    result = reply.get("result")
    if isinstance(result, str):
        return result
    try:
        return [messages.array(part) for part in result or ()]
    except (messages.ProtocolError, TypeError) as error:
        raise WorkerFailed("crashed", f"it sent {error}") from None
