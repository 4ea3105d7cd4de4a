"""Raw measurements: what one worker did in one launch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kernels import registry

CONTROL = "{} (control)"
"""The name of a kernel's second worker."""


@dataclass(frozen=True)
class KernelSamples:
    """What one worker did in a block."""

    outcome: str
    """ok, wrong, raised, crashed, timeout, out-of-memory, unavailable or skipped."""
    reason: str = ""
    kernel: dict[str, Any] = field(default_factory=dict)
    """backend, device, passes, compiles; empty where it was not loaded."""
    findings: tuple[dict[str, Any], ...] = ()
    cold: dict[str, Any] = field(default_factory=dict)
    """Seconds before the steady state, and whether what was compiled came from a cache."""
    iterations: int = 0
    """Calls in a round."""
    rounds: tuple[float, ...] = ()
    """Seconds of a call, a number for each round."""
    places: tuple[int, ...] = ()
    """Its place in each round, from 0."""
    seen: dict[str, Any] = field(default_factory=dict)
    """Threads, cores, memory, page faults, switches, the spin."""
    printed: str = ""
    """The end of what it wrote to stdout and stderr."""


@dataclass(frozen=True)
class LaunchResult:
    """One launch on one workload."""

    workload: str
    threads: int
    launch: int
    entries: dict[str, KernelSamples]
    control_of: str | None = None
    """The kernel that a second worker ran as well, under the name `(control)`."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Of the wall: start (of workers that were missing), admission (placing, compiling, the gate), rounds and
    dismissal (the checks after them)."""
    noise: dict[str, float | None] = field(default_factory=dict)
    """Of the machine, while rounds were timed."""
    data: dict[str, float] = field(default_factory=dict)
    """Digest of X and y."""


@dataclass(frozen=True)
class Candidate:
    """A kernel that was chosen, or that stands in as a baseline."""

    spec: str
    """As for `kernels.load`."""
    selected: bool = True
    """False where it is raced only to be compared with."""
    requested: bool = False
    """Asked for by name: then nothing leaves it out."""
    label: str = ""
    """Its name in results, where that is not the kernel's: a kernel that races against itself has two."""
    same_iterations_as: str = ""
    """The name of another that has as many calls in a round, from the second launch on: two versions of one kernel.
    Where each counted its own, a kernel differed from itself."""

    @property
    def name(self) -> str:
        """Its name in results."""
        return self.label or registry.identify(self.spec)
