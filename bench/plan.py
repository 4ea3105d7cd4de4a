"""What a run is to measure, and how: settings, who is left out, and how long it will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench import machine
from bench.selection import Entrant
from bench.statistics import FEWEST_ROUNDS
from bench.workloads import Workload, nominal_seconds, preparation_seconds

FEWEST_LAUNCHES = 5
"""A 95% interval from 5 is ±1.24 standard deviations of a launch, from 3 ±2.5, from 7 (two trimmed) ±1.1."""
LAUNCH_SECONDS = 0.2
"""For each kernel in a launch on a workload: more launches narrow an interval, longer ones hardly do."""
SECONDS = 1.0
"""For each kernel and workload, all launches together: five, which take four minutes for the default set."""
TIMEOUT_SECONDS = 120.0
"""For one order, such as a single call; the default workloads' longest takes a second."""

# for the estimate of how long it will take
_START_SECONDS = 0.7  # of a worker in each launch: its imports, on two cores of 2024
_ELEMENT_SECONDS = 2e-9  # of a call, for each element of X: a compiled kernel at 2 GB/s (float32) or 4 GB/s
_FIRST_CALLS, _LATER_CALLS = 9, 4  # in the first launch and in each later one, beside the rounds
_AROUND = 1.15  # placing parameters between rounds


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

    @property
    def threads_of_races(self) -> tuple[int, ...]:
        """Threads, one race each."""
        return self.threads or (machine.usable_cores(),)


def left_out(entrant: Entrant, workload: Workload) -> str:
    """Why the workload leaves the kernel out; empty where it does not, or the kernel was asked for."""
    return "" if entrant.by_name else workload.left_out.get(entrant.spec, "")


def estimated_seconds(entrants: Sequence[Entrant], workload: Workload, settings: Settings) -> float:
    """How long they will race on the workload, data and all launches; to about a factor of two."""
    racing = [entrant for entrant in entrants if not left_out(entrant, workload)]
    launches = settings.most_launches
    total = preparation_seconds(workload)
    for entrant in racing:
        call = max(nominal_seconds(entrant.spec, workload), workload.m * workload.n * _ELEMENT_SECONDS)
        total += (_FIRST_CALLS + _LATER_CALLS * (launches - 1)) * call
        if settings.seconds:
            total += max(_AROUND * settings.seconds, 2 * FEWEST_ROUNDS * launches * call)
    return total


def start_seconds(plan: dict[str, list[Entrant]], settings: Settings) -> float:
    """How long starting the workers takes, in all launches."""
    kernels = {entrant.name for entrants in plan.values() for entrant in entrants}
    return (1 + len(kernels)) * _START_SECONDS * settings.most_launches
