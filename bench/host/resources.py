"""The cores and the memory that this process may use."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path


def usable_cores() -> int:
    """The number of cores: those of the affinity, at most the cgroup's quota, at least 1."""
    quota = cpu_quota()
    return max(1, affinity() if quota is None else min(affinity(), math.floor(quota)))


def affinity() -> int:
    """The number of cores that this process may be scheduled on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_quota() -> float | None:
    """The smallest quota, in cores, of this process's cgroup and its parents; None where there is none."""
    quotas = []
    for line in (read_file("/proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            group = Path("/sys/fs/cgroup") / path.lstrip("/")
            for folder in (group, *group.parents):
                if (limit := read_file(folder / "cpu.max")) and not limit.startswith("max"):
                    quota, period = limit.split()
                    quotas.append(int(quota) / int(period))
        elif "cpu" in controllers.split(","):
            for folder in (Path("/sys/fs/cgroup/cpu") / path.lstrip("/"), Path("/sys/fs/cgroup/cpu")):
                quota_us = read_file(folder / "cpu.cfs_quota_us")
                period_us = read_file(folder / "cpu.cfs_period_us")
                if quota_us and period_us and int(quota_us) > 0:
                    quotas.append(int(quota_us) / int(period_us))
    return min(quotas) if quotas else None


@cache
def last_level_cache_bytes() -> int:
    """The size of the largest cache of the first core; 0 where the system does not tell."""
    sizes = (read_file(index / "size") or "" for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
    return max((int(size.rstrip("K")) * 1024 for size in sizes if size.rstrip("K").isdigit()), default=0)


def read_file(path: str | Path) -> str | None:
    """The file's text, stripped; None where it cannot be read."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


def available_bytes() -> int:
    """The memory that is available: the system's, at most what the cgroup still allows."""
    import psutil

    free = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = (group / "memory.max").read_text(), (group / "memory.current").read_text()
        return min(free, int(limit) - int(used))
    except (OSError, ValueError):  # no cgroup, or no limit
        return free
