"""What a run is to measure, and how: settings, and who is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.host import resources
from bench.results.samples import Candidate
from bench.workloads.catalog import Workload

FEWEST_LAUNCHES = 5
"""A 95% interval from 5 is ±1.24 standard deviations of a launch, from 3 ±2.5, from 7 (two trimmed) ±1.1."""
LAUNCH_SECONDS = 0.2
"""For each kernel in a launch on a workload: more launches narrow an interval, longer ones hardly do."""
SECONDS = 1.0
"""For each kernel and workload, all launches together: five, which take four minutes for the default set."""
TIMEOUT_SECONDS = 120.0
"""For one order, such as a single call; the default workloads' longest takes a second."""


@dataclass(frozen=True)
class Settings:
    """How a run measures."""

    seconds: float = SECONDS
    """About how long each kernel is timed on each workload, all launches together; 0 checks only."""
    launches: int | None = None
    """How many; None: at least 5, until every ratio is known to ±2% or the seconds are spent."""
    threads: tuple[int, ...] = ()
    """Threads for every kernel, one race each; empty: all that may be used."""
    timeout: float = TIMEOUT_SECONDS
    """Seconds that a worker may take for one order."""
    ceilings: bool = False
    """Whether the machine's limits are measured beside the kernels."""
    launch_seconds: float = LAUNCH_SECONDS
    """About how long each kernel is timed in one launch, where the seconds are enough for the fewest."""
    threads_on: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Workload → threads, where they are not those of all."""
    profile: str = "default"
    """What the values come from, where the command line says nothing else."""

    @property
    def most_launches(self) -> int:
        """The number that is asked for, or that the seconds are enough for; one where nothing is timed."""
        if not self.seconds:
            return 1
        return self.launches or max(FEWEST_LAUNCHES, round(self.seconds / self.launch_seconds))

    @property
    def block_seconds(self) -> float:
        """For each kernel in one launch on a workload."""
        return self.seconds / self.most_launches

    def threads_of(self, workload: str) -> tuple[int, ...]:
        """Threads, one race each."""
        return self.threads_on.get(workload, self.threads) or (resources.usable_cores(),)


@dataclass(frozen=True)
class Together:
    """What one launch takes its workers through."""

    workloads: tuple[str, ...]
    threads: int
    launch: int


def thread_counts(workloads: Iterable[str], settings: Settings) -> tuple[int, ...]:
    """Numbers of threads that any of the workloads races on."""
    return tuple(dict.fromkeys(count for name in workloads for count in settings.threads_of(name)))


def launches(batch: Sequence[str], settings: Settings) -> list[Together]:
    """All launches of workloads whose data is kept from one to the next, in order."""
    return [
        Together(tuple(name for name in batch if threads in settings.threads_of(name)), threads, number)
        for threads in thread_counts(batch, settings)
        for number in range(settings.most_launches)
    ]


def skip_reason(candidate: Candidate, workload: Workload) -> str:
    """Why the workload leaves the kernel out; empty where it does not, or the kernel was asked for."""
    return "" if candidate.requested else workload.left_out.get(candidate.spec, "")


FEWEST_ROUNDS = 5
"""In a launch: the median of fewer is at the mercy of two of them."""
