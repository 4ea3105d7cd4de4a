"""What the race asks of a worker, and what the worker answers: one dataclass for each response.

The race does not trust a worker, since a kernel may do anything to its process: `parse` checks every field of a
response before the race uses it. How a field of each type is checked is in fields.py; how messages become bytes is in
frames.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeAlias, TypeVar, get_type_hints

from bench.worker.exit_status import OUTCOMES
from bench.worker.fields import READERS, Core, KernelResult, Name, Pool
from bench.worker.frames import ProtocolError

WARMUP_SECONDS = 0.002
"""Duration of the untimed calls before each round: other processes have used the caches since. Resumed after 10 ms,
NumPy at 10000x32 took 772, 385, 255, 221 and 206 µs for its first calls, and 188 for the later ones."""


@dataclass(frozen=True)
class Request:
    """What a worker is to do: the name of one of its methods, its arguments, and a descriptor to send with them."""

    name: str
    arguments: dict[str, Any]
    descriptor: int | None = None


class WorkerFailed(Exception):  # noqa: N818 - an outcome of a kernel, not an error of the suite
    """The worker ended, or its kernel failed."""

    def __init__(self, outcome: str, reason: str, bad_spec: bool = False) -> None:
        """bad_spec: whether the kernel could not be loaded because of its spec, or of the file that it names"""
        super().__init__(outcome, reason)
        self.outcome, self.reason, self.bad_spec = outcome, reason, bad_spec


Response: TypeAlias = dict[str, Any]
"""A response as received; `parse` makes one of the types below of it."""


@dataclass(frozen=True)
class FailureResponse:
    """The kernel failed, and its worker says how."""

    outcome: Name
    """One of OUTCOMES."""
    reason: str
    bad_spec: bool | None = None
    """As in WorkerFailed."""


@dataclass(frozen=True)
class InspectResponse:
    """What a kernel is, before it is loaded for an operation."""

    operation: Name


@dataclass(frozen=True)
class LoadResponse:
    """The kernel is imported and its backend started."""

    import_seconds: float
    backend: Name
    device: Name
    passes: int | float | None
    of: Name
    """The kernel that it is made of, if any."""
    largest_score: float | None = None
    """Up to which it says that it is right; None: for all."""


@dataclass(frozen=True)
class PlaceResponse:
    """The workload's fields are where the kernel computes."""

    placement_seconds: float
    huge_pages: bool | None
    """Of the first field."""


@dataclass(frozen=True)
class CompileResponse:
    """The kernel is compiled, where that is a step of its own; None for a step that this kernel does not have."""

    lower_seconds: float | None = None
    """Tracing, and lowering to the compiler's input (JAX)."""
    compile_seconds: float | None = None
    """Compiling, or loading compiled code from disk."""
    from_cache: bool | None = None
    """Whether the compiled code was loaded from disk."""
    build_seconds: float | None = None
    """Making the call for the workload's static description, where the kernel has one to make."""
    compiles: bool = False
    """Whether a compiler is known for the kernel."""


@dataclass(frozen=True)
class CallResponse:
    """The first call."""

    seconds: float


@dataclass(frozen=True)
class CheckResponse:
    """One untimed call of a check."""

    result: KernelResult


@dataclass(frozen=True)
class CalibrateResponse:
    """How many calls make a round, and how many threads compute in them."""

    iterations: int
    call_seconds: float
    placing_seconds: float
    cores_used: float
    busy_threads: int


@dataclass(frozen=True)
class WarmUpResponse:
    """The untimed calls before a round are made."""

    spin_seconds: float
    """What an empty loop took before them."""


@dataclass(frozen=True)
class RoundResponse:
    """One timed round."""

    seconds: float
    """Of all its calls."""
    result: KernelResult
    """Of the sampled call."""
    result_wait_seconds: float
    """What converting a result to NumPy took, without waiting for a core: that of the last call or the sampled one,
    whichever took longer."""
    copying_seconds: float
    """What converting a result that is known to be complete took."""
    placing_seconds: float
    """What placing the arguments of one call took."""
    cpu_seconds: float
    page_faults: int
    switches: int
    """Involuntary context switches."""
    mutated: bool
    """Whether the kernel wrote into its arguments."""


@dataclass(frozen=True)
class CallsResponse:
    """One round in which each call was timed by itself; all in seconds."""

    seconds: float
    """Of all its calls, with the readings of the clock between them."""
    median: float
    deviation: float
    """The median distance of a call from the median."""
    standard_deviation: float
    first: float
    slowest: float


@dataclass(frozen=True)
class DrawResponse:
    """The arguments of a round that the race times itself are placed."""

    placing_seconds: float
    """What placing the arguments of one call took."""


@dataclass(frozen=True)
class WatchedResponse:
    """That round, as the worker timed it."""

    seconds: float
    waited_seconds: float | None
    """How long its thread waited for a core meanwhile; None where the system does not count it."""


@dataclass(frozen=True)
class MirroredResponse:
    """One call on data that the kernel had not seen."""

    seconds: float
    known_seconds: float
    """Of one call on the workload's own data before it, also from a new start."""
    result: KernelResult


@dataclass(frozen=True)
class ReleaseResponse:
    """The workload is released; what the worker observed while it was placed."""

    compiled_again: int | None
    """Versions compiled since calibration."""
    pools: list[Pool]
    threads: int | None
    cores: list[Core]
    peak_bytes: int | None
    """As in MemoryUse."""
    placed_bytes: int | None = None
    call_bytes: int | None = None


T = TypeVar("T")


def parse(response_type: type[T], response: Response) -> T:
    """The response with every field checked. Raises WorkerFailed, which names the field, where one is not valid.

    Texts are printable, and numbers are finite and not negative.
    """
    values = {}
    for name, hint in _hints(response_type).items():
        try:
            values[name] = READERS[hint](response.get(name))
        except ProtocolError as error:
            raise WorkerFailed("crashed", f"it sent {error} for {name}") from None
    return response_type(**values)


def reported_failure(response: Response) -> WorkerFailed:
    """How a worker says that its kernel failed."""
    try:
        failure = parse(FailureResponse, response)
    except WorkerFailed as invalid:
        return invalid
    if failure.outcome not in OUTCOMES:
        return WorkerFailed("crashed", f"it sent {failure.outcome!r} for outcome; expected {', '.join(OUTCOMES)}")
    return WorkerFailed(failure.outcome, failure.reason, failure.bad_spec is True)


_hints: Callable[[Any], dict[str, Any]] = cache(partial(get_type_hints, include_extras=True))
