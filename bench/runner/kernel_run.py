"""One kernel in one launch on one workload: its state while it is prepared, timed and verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from bench.correctness.checks import CheckResult, WatchedRound
from bench.results.samples import KernelSamples
from bench.worker.fields import KernelResult
from bench.worker.messages import Request, Response, RoundResponse, WorkerFailed
from kernels.contract import Part


class WorkerHandle(Protocol):
    """The part of a worker that the rounds use. Tests implement it without a process."""

    pid: int
    """The process id."""

    def suspend(self) -> None:
        """Stop the worker's process."""

    def resume(self) -> None:
        """Let the worker's process continue."""

    def request(self, request: Request) -> Response:
        """Send a request and wait for the response. Raises WorkerFailed."""

    def kill(self) -> None:
        """End the worker's process."""


@dataclass(frozen=True)
class ResultForm:
    """What the arrays of every result are: a worker checks them, and sends a text where they are not."""

    parts: Mapping[str, Part]
    dtype: np.dtype[Any]

    def require(self, result: KernelResult) -> KernelResult:
        """The result. Raises WorkerFailed for arrays that no worker sends by itself."""
        if isinstance(result, str):
            return result
        if len(result) != len(self.parts):
            raise WorkerFailed("crashed", f"it sent {len(result)} arrays for result; expected {len(self.parts)}")
        for (name, part), array in zip(self.parts.items(), result, strict=True):
            if array.dtype != self.dtype or not part.fits(array.shape):
                expected = f"{self.dtype} {part.shape}".replace("None", "any")
                raise WorkerFailed("crashed", f"it sent {array.dtype} {array.shape} for {name}; expected {expected}")
        return result


@dataclass(frozen=True)
class TimedRound:
    """One round of a kernel."""

    response: RoundResponse
    spin_seconds: float
    """What an empty loop took before it."""
    sampled_call: int
    """The number of the call whose result the response has."""
    of_last_call: bool
    """Whether that was chosen as the last call, and not at random."""
    draw: int
    """The number of the draw of its arguments."""
    seed: int
    """Of that draw."""
    sweep: int
    """The number of the sweep."""
    position: int = 0
    """In the sweep, from 0."""
    disturbed: bool = False
    """Whether the sweep was disturbed."""


@dataclass
class KernelRun:
    """One kernel in one launch on one workload."""

    samples: KernelSamples
    """The results so far."""
    round_seconds: float = 0.0
    """Duration of a round with all that is untimed in it, as calibrated."""
    untimed_calls: bool = True
    """Whether untimed calls come before each round."""
    single_threaded: bool = False
    """Whether it computes in one thread."""
    is_kernel: bool = True
    """False for a program that measures a ceiling: it returns no result to check."""
    form: ResultForm | None = None
    """None for results that are not used."""
    rounds: list[TimedRound] = field(default_factory=list)
    """In order of time."""
    counts_all: bool = False
    """Whether its rounds count though others were busy, since too few were undisturbed."""
    watched: WatchedRound | None = None
    """A round that the race timed as well."""
    threads: int | None = None
    """How many cores it may use; None where the system cannot pin a process to cores."""
    awake_seconds: float = 0.0
    """How long its worker was not suspended during the sweeps."""
    cpu_seconds: float = 0.0
    """The processor time of all its worker's processes during the sweeps."""

    @property
    def largest_score(self) -> float | None:
        """Up to which the kernel says that it is right; None: for all."""
        largest: float | None = self.samples.kernel.get("largest_score")
        return largest

    def fail(self, failure: WorkerFailed) -> None:
        """Record the failure and discard the times."""
        self.samples = replace(self.samples, outcome=failure.outcome, reason=failure.reason, iterations=0)
        self.rounds = []

    def add_check(self, result: CheckResult) -> None:
        """Keep the result of a check. Raises WorkerFailed if the check failed."""
        kept = {key: value for key, value in asdict(result).items() if value is not None and value != {}}
        self.samples = replace(self.samples, check_results=(*self.samples.check_results, kept))
        if result.failure:
            raise WorkerFailed("wrong", result.failure)
