"""What the system tells of a process: threads, cores, memory, time. Most of it is /proc; elsewhere there is less.

A worker asks about itself, and the race about its workers. What cannot be seen is empty, zero or None, never a guess.
"""

from __future__ import annotations

import mmap
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

_NEARLY = 0.9
"""All but the ends."""


def thread_seconds() -> dict[str, float]:
    """Thread → the seconds that it has run for; empty where the system does not tell."""
    seconds = {}
    for task in Path("/proc/self/task").glob("*"):
        with suppress(OSError, ValueError, IndexError):
            seconds[task.name] = int((task / "schedstat").read_text().split()[0]) / 1e9
    return seconds


def cores_of_threads() -> set[int]:
    """All cores that a thread of this process may run on."""
    cores: set[int] = set()
    for task in Path("/proc/self/task").glob("*"):
        with suppress(OSError):
            cores |= os.sched_getaffinity(int(task.name))
    return cores


def pools() -> list[dict[str, Any]]:
    """The thread pools that are loaded, as their libraries say."""
    pools: list[dict[str, Any]] = []
    with suppress(ImportError):
        import threadpoolctl

        pools += [
            {"library": pool["internal_api"], "threads": pool["num_threads"]}
            for pool in threadpoolctl.threadpool_info()
        ]
    numba: Any = sys.modules.get("numba")
    if numba is not None:
        with suppress(Exception):  # it has no layer until a parallel function has run
            pools.append({"library": f"numba {numba.threading_layer()}", "threads": numba.get_num_threads()})
    return pools


def peak_bytes() -> int | None:
    """The most memory that this process has held."""
    # not ru_maxrss: a child's begins with its parent's
    with suppress(OSError):
        for entry in Path("/proc/self/status").read_text().splitlines():
            if entry.startswith("VmHWM:"):
                return int(entry.split()[1]) * 1024
    return None


def huge_pages(X: np.ndarray) -> bool | None:
    """Whether X lies on huge pages, all but its ends: on pages of its own, or with all that is shared."""
    X.ravel(order="K")[:: mmap.PAGESIZE // X.itemsize].max()  # pages are counted once they have been read
    start, inside, size = X.ctypes.data, False, 0
    with suppress(OSError):
        for entry in Path("/proc/self/smaps").read_text().splitlines():
            head, *fields = entry.split()
            if "-" in head and not head.endswith(":"):
                low, high = (int(bound, 16) for bound in head.split("-"))
                inside, size = low <= start < high, high - low
            elif inside and head == "AnonHugePages:" and int(fields[0]) * 1024 >= X.nbytes * _NEARLY:
                return True
            elif inside and head == "ShmemPmdMapped:":
                return int(fields[0]) * 1024 >= size * _NEARLY
    return None


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """What a process holds in memory; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def descendants(pid: int) -> list[Any]:
    """The processes that one has started, and theirs."""
    import psutil

    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []
