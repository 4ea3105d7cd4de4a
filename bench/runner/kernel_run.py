"""One kernel in one launch: what is known of it so far."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import Any, Protocol

from bench.correctness.checks import Finding
from bench.results.samples import Entry
from bench.worker import messages
from bench.worker.messages import Ended, Order, Reply


class Racer(Protocol):
    """What the rounds need of a worker; the tests have one without a process."""

    def suspend(self) -> None:
        """Stop it."""

    def resume(self) -> None:
        """Let it go on."""

    def ask(self, order: Order) -> Reply:
        """Give an order and wait for the answer. Raises Ended."""

    def kill(self) -> None:
        """End it."""


@dataclass
class Lane:
    """One worker's way through a block."""

    entry: Entry
    """What is known of it so far."""
    calls_seconds: float = 0.0
    """Of a round and the untimed calls before it, when it was calibrated."""
    single: bool = False
    """It computes in one thread."""
    checked: bool = True
    """It is a kernel; what measures a ceiling returns nobody's gradient."""
    replies: list[Reply] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def ended(self, ended: Ended) -> None:
        """It came to an end: what it was timed at is withdrawn."""
        self.entry = replace(self.entry, outcome=ended.outcome, reason=ended.reason, iterations=0)
        self.replies, self.places = [], []

    def found(self, finding: Finding) -> None:
        """Keep what a check found."""
        plain = {key: value for key, value in asdict(finding).items() if value != float("inf")}
        self.entry = replace(self.entry, findings=(*self.entry.findings, plain))
        if finding.failure:
            raise Ended("wrong", finding.failure)


def number(reply: Reply, key: str) -> float:
    """A number of the reply. Raises Ended if it is none."""
    value = reply.get(key)
    if not isinstance(value, (int, float)) or not isfinite(value):
        raise Ended("crashed", f"it sent no number for {key}")
    return float(value)


def number_or_none(reply: Reply, key: str) -> float | None:
    """A number of the reply; None where it has none. Raises Ended if it is something else."""
    return None if reply.get(key) is None else number(reply, key)


def checked_result(reply: Reply) -> Any:
    """cost, dw and db, or what was wrong with their form."""
    result = reply.get("result")
    if isinstance(result, str):
        return result
    try:
        return [messages.array(part) for part in result or ()]
    except (messages.Garbled, TypeError) as error:
        raise Ended("crashed", f"it sent {error}") from None
