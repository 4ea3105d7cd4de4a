"""The settings of a run, its planned launches, and which kernels are skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.host import resources
from bench.results.samples import Candidate
from bench.workloads.catalog import Workload

FEWEST_LAUNCHES = 5
"""A 95% interval from 5 launches is ±1.24 standard deviations of a launch, from 3 ±2.5, from 7 (two trimmed) ±1.1."""
LAUNCH_SECONDS = 0.17
"""For each kernel in one launch on one workload. More launches narrow an interval, longer ones hardly do."""
SECONDS = 1.0
"""For each kernel and workload, all launches together: six launches, and five minutes for the default set."""
TIMEOUT_SECONDS = 120.0
"""For one request to a worker, such as a single call: the longest call of the default workloads takes a second."""


@dataclass(frozen=True)
class Settings:
    """How a run measures."""

    seconds: float = SECONDS
    """About how long each kernel is timed on each workload, all launches together; 0: check only, time nothing."""
    launches: int | None = None
    """Number of launches; None: at least 5, until every ratio is known to ±2% or the seconds are used up."""
    threads: tuple[int, ...] = ()
    """Numbers of threads, one race each; empty: one race on all usable cores."""
    timeout: float = TIMEOUT_SECONDS
    """Seconds that a worker may take for one request."""
    ceilings: bool = False
    """Whether the machine's ceilings are measured beside the kernels."""
    launch_seconds: float = LAUNCH_SECONDS
    """About how long each kernel is timed in one launch; shorter where `seconds` would give too few launches."""
    threads_on: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Workload → its numbers of threads, where they differ from `threads`."""
    cold_start: bool = True
    """Whether compiling with an empty cache is measured as well."""
    profile: str = "default"
    """Name of the profile that gave the defaults."""

    @property
    def most_launches(self) -> int:
        """The requested number, or the number that the seconds allow; 1 where nothing is timed."""
        if not self.seconds:
            return 1
        return self.launches or max(FEWEST_LAUNCHES, round(self.seconds / self.launch_seconds))

    @property
    def seconds_per_launch(self) -> float:
        """How long each kernel is timed in one launch on one workload."""
        return self.seconds / self.most_launches

    def threads_of(self, workload: str) -> tuple[int, ...]:
        """The workload's numbers of threads, one race each."""
        return self.threads_on.get(workload, self.threads) or (resources.usable_cores(),)


@dataclass(frozen=True)
class PlannedLaunch:
    """One launch: its workers are started once and race on all these workloads."""

    workloads: tuple[str, ...]
    """All of one operation."""
    threads: int
    number: int
    """From 0, for each batch, operation and number of threads."""


def thread_counts(workloads: Iterable[str], settings: Settings) -> tuple[int, ...]:
    """All numbers of threads that any of the workloads races on."""
    return tuple(dict.fromkeys(count for name in workloads for count in settings.threads_of(name)))


def planned_launches(batch: Sequence[Workload], settings: Settings) -> list[PlannedLaunch]:
    """All launches, in order, of workloads whose inputs stay in memory together."""
    return [
        PlannedLaunch(names, threads, number)
        for threads in thread_counts((workload.name for workload in batch), settings)
        for operation in dict.fromkeys(workload.operation for workload in batch)
        if (names := _names(batch, operation, threads, settings))
        for number in range(settings.most_launches)
    ]


def _names(batch: Sequence[Workload], operation: str, threads: int, settings: Settings) -> tuple[str, ...]:
    chosen = (workload.name for workload in batch if workload.operation == operation)
    return tuple(name for name in chosen if threads in settings.threads_of(name))


def skip_reason(candidate: Candidate, workload: Workload) -> str:
    """Why the kernel is skipped. Empty if the kernel runs; a kernel that the user named always runs."""
    return "" if candidate.requested else workload.skip_reasons.get(candidate.spec, "")
