"""What every worker may use: threads, cores, memory, time, and a folder for compiled code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.host import resources
from bench.worker.process import Limits

_WORKER_MEMORY_SHARE = 0.5
"""The largest part of the free memory that one worker may hold."""


@dataclass(frozen=True)
class WorkerResources:
    """What every worker may use."""

    threads: int
    cores: Sequence[int] | None
    """All cores that workers may use; None where the system cannot pin a process to cores."""
    limits: Limits
    cache: Path
    """This run's folder for compiled code, empty at its start."""


def cores_of(position: int, threads: int, available: Sequence[int]) -> list[int]:
    """The cores that a worker starts with: one for each thread, rotated by its position and the launch."""
    return [available[(position + step) % len(available)] for step in range(min(threads, len(available)))]


def resources_for(threads: int, cache: Path, timeout: float) -> WorkerResources:
    """What workers of so many threads may use on this machine. timeout: seconds for one request."""
    cores = None
    if hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))[: resources.usable_cores()]
    limits = Limits(timeout, int(_WORKER_MEMORY_SHARE * resources.available_bytes()))
    return WorkerResources(threads, cores, limits, cache)
