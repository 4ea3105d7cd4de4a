"""Raw measurements of each kernel in each launch, and the kernels that are to be measured."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
    """backend, device, passes and compiles; largest_score and left_out of a kernel that is not right for all scores;
    empty if the kernel was not loaded."""
    check_results: tuple[dict[str, Any], ...] = ()
    """One CheckResult for each check, as a dict."""
    cold: dict[str, Any] = field(default_factory=dict)
    """Seconds of each step before the steady state, and whether compiled code came from a cache."""
    iterations: int = 0
    """Calls in a round."""
    period: int = 1
    """It takes part in every so manieth sweep: a power of two."""
    rounds: tuple[float, ...] = ()
    """Seconds of a call, one number for each round that counts."""
    sweeps: tuple[int, ...] = ()
    """The number of the sweep of each of these rounds, ascending, from 0."""
    positions: tuple[int, ...] = ()
    """The kernel's position in the sweep, for each of these rounds, from 0."""
    disturbed_rounds: tuple[float, ...] = ()
    """Seconds of a call in the rounds that do not count: of disturbed sweeps, or repeated ones where these count."""
    disturbed_sweeps: tuple[int, ...] = ()
    """The number of the sweep that each of them was meant to be."""
    counters: dict[str, Any] = field(default_factory=dict)
    """Counters of the worker: threads, cores, memory, page faults, context switches, and the spin loop's time."""
    output_tail: str = ""
    """The end of what the worker wrote to stdout and stderr."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", one_line(self.reason))  # a kernel may raise any text

    def with_disturbed(self) -> KernelSamples:
        """The same as if no sweep had been repeated: of each, the first round counts, disturbed or not.

        If the repeated ones counted as well, a kernel that disturbs its own slow rounds would have fewer of them.
        """
        first = dict(reversed([*zip(self.disturbed_sweeps, self.disturbed_rounds, strict=True)]))
        by_sweep = dict(reversed([*zip(self.sweeps, self.rounds, strict=True)])) | first
        sweeps = sorted(by_sweep)
        return replace(
            self,
            rounds=tuple(by_sweep[sweep] for sweep in sweeps),
            sweeps=tuple(sweeps),
            positions=(),
            disturbed_rounds=(),
            disturbed_sweeps=(),
        )


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
    foreign: tuple[float, ...] = ()
    """Share of a core's time that foreign processes and the host used in each sweep, in order of time; empty where
    the system does not tell."""
    disturbed: int = 0
    """How many sweeps were disturbed."""
    hits: dict[str, list[float]] = field(default_factory=dict)
    """Kernel → how disturbances met it: the fields of `bench.analysis.guard.Hits`."""
    counts_all: str = ""
    """Why disturbed sweeps count all the same; empty if they do not count."""
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
