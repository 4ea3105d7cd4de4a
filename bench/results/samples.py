"""Raw measurements of each kernel in each launch, and the kernels that are to be measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bench.host.sanitize import one_line
from kernels import registry

CONTROL = "{} (control)"
"""The name of a kernel's second worker, which measures the kernel against itself."""


@dataclass(frozen=True)
class KernelSamples:
    """What was measured of one kernel in one launch on one workload."""

    outcome: str
    """ok, wrong, raised, crashed, timeout, out-of-memory, unavailable or skipped."""
    reason: str = ""
    kernel: dict[str, Any] = field(default_factory=dict)
    """backend, device, passes and compiles; empty if the kernel was not loaded."""
    check_results: tuple[dict[str, Any], ...] = ()
    """One CheckResult for each check, as a dict."""
    cold: dict[str, Any] = field(default_factory=dict)
    """Seconds of each step before the steady state, and whether compiled code came from a cache."""
    iterations: int = 0
    """Calls in a round."""
    rounds: tuple[float, ...] = ()
    """Seconds of a call, one number for each round."""
    positions: tuple[int, ...] = ()
    """The kernel's position in each round, from 0."""
    counters: dict[str, Any] = field(default_factory=dict)
    """Counters of the worker: threads, cores, memory, page faults, context switches, and the spin loop's time."""
    output_tail: str = ""
    """The end of what the worker wrote to stdout and stderr."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", one_line(self.reason))  # a kernel may raise any text


@dataclass(frozen=True)
class LaunchResult:
    """The results of one launch on one workload."""

    workload: str
    threads: int
    launch: int
    samples: dict[str, KernelSamples]
    """Name in results → samples."""
    control_of: str | None = None
    """The kernel that has a second worker, whose samples are under CONTROL."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall time: start (of missing workers), prepare (placing data, compiling, checks), rounds, and verify (checks
    after the rounds)."""
    noise: dict[str, float | None] = field(default_factory=dict)
    """Usage of the machine while rounds were timed."""
    data: dict[str, float] = field(default_factory=dict)
    """Digest of the data."""
    details: dict[str, float] = field(default_factory=dict)
    """What a reader must know of the workload beside its size."""


@dataclass(frozen=True)
class Candidate:
    """A kernel that was chosen, or that is added as a baseline."""

    spec: str
    """As for `kernels.load`."""
    selected: bool = True
    """False for a kernel that is measured only for comparison."""
    requested: bool = False
    """Whether the user named it: then it is never skipped."""
    label: str = ""
    """Its name in results, if not the kernel's own: a kernel that races against itself has two names."""
    same_iterations_as: str = ""
    """The name of another version of the kernel, which has the same number of calls in a round from the second launch
    on. With separate numbers, a kernel differed from itself."""

    own_operation: str = registry.DEFAULT_OPERATION
    """The operation of a kernel of the user's own."""

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of the operations that it computes."""
        return registry.operations_of(self.spec, self.own_operation)

    @property
    def name(self) -> str:
        """Its name in results."""
        return self.label or registry.identify(self.spec)
