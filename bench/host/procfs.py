"""Threads, cores, memory and processor time of a process, mostly from Linux's /proc.

A worker asks about itself, and the race asks about its workers. What the system does not provide is empty, 0 or None.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

TICK_SECONDS = 0.01
"""The longest tick of the system, which counts the time of a thread that runs on another core by ticks. So what a
pool of threads spun before a round may be counted in it: 2.5 cores of two, in rounds of 6 ms."""
_MOST = 0.9
"""The share of an array that must lie on huge pages: its ends may not."""


def thread_seconds() -> dict[str, float]:
    """The processor time of each thread of this process; empty where the system does not provide it."""
    seconds = {}
    for task in Path("/proc/self/task").glob("*"):
        with suppress(OSError, ValueError, IndexError):
            seconds[task.name] = int((task / "schedstat").read_text().split()[0]) / 1e9
    return seconds


def waited(thread: int | str) -> float | None:
    """The seconds that a thread could run and had no core; None where the system does not provide it.

    thread: the id of a process, for its main thread; or `thread-self`
    """
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{thread}/schedstat").read_text().split()[1]) / 1e9
    return None


def cores_of_threads() -> set[int]:
    """All cores that any thread of this process may run on."""
    cores: set[int] = set()
    for task in Path("/proc/self/task").glob("*"):
        with suppress(OSError):
            cores |= os.sched_getaffinity(int(task.name))
    return cores


@cache
def core_numbers() -> int:
    """One more than the largest number that a core of this machine can have."""
    with suppress(OSError, ValueError):
        return 1 + int(re.split("[-,]", Path("/sys/devices/system/cpu/possible").read_text())[-1])
    return os.cpu_count() or 1


def thread_pools() -> list[dict[str, Any]]:
    """The thread pools of the loaded libraries."""
    pools: list[dict[str, Any]] = []
    with suppress(ImportError):
        import threadpoolctl

        pools += [
            {"library": pool["internal_api"], "threads": pool["num_threads"]}
            for pool in threadpoolctl.threadpool_info()
        ]
    numba: Any = sys.modules.get("numba")
    if numba is not None:
        with suppress(Exception):  # Numba has no layer until its threads are asked for
            pools.append({"library": f"numba {numba.threading_layer()}", "threads": numba.get_num_threads()})
    return pools


def return_free_memory() -> None:
    """Give the pages that glibc keeps for later back to the system, so that using them again is seen."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)


def reset_peak() -> bool:
    """Let `peak_bytes` begin again at the resident memory of now; False where the system cannot (proc(5))."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
        return True
    return False


def peak_bytes() -> int | None:
    """The peak of this process's resident memory, since it began or since `reset_peak`."""
    # not ru_maxrss, which a child inherits from its parent
    with suppress(OSError):
        for entry in Path("/proc/self/status").read_text().splitlines():
            if entry.startswith("VmHWM:"):
                return int(entry.split()[1]) * 1024
    return None


def huge_pages(X: np.ndarray) -> bool | None:
    """Whether most of X lies on huge pages, private or shared; None where the system does not provide it."""
    X.ravel(order="K")[:: mmap.PAGESIZE // X.itemsize].max()  # the system counts a page once it has been read
    start, inside, size = X.ctypes.data, False, 0
    with suppress(OSError):
        for entry in Path("/proc/self/smaps").read_text().splitlines():
            head, *fields = entry.split()
            if "-" in head and not head.endswith(":"):
                low, high = (int(bound, 16) for bound in head.split("-"))
                inside, size = low <= start < high, high - low
            elif inside and head == "AnonHugePages:" and int(fields[0]) * 1024 >= X.nbytes * _MOST:
                return True
            elif inside and head == "ShmemPmdMapped:":
                return int(fields[0]) * 1024 >= size * _MOST
    return None


def state(pid: int) -> str:
    """The state of a process's main thread as ps shows it, such as T for stopped; empty where there is none."""
    return _stat(pid)[0]


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    if not _tells_children():
        return [pid, *(descendant.pid for descendant in descendants(pid))]
    members, waiting = list[int](), [pid]
    while waiting:
        members.append(parent := waiting.pop())
        with suppress(OSError):  # a process may end meanwhile
            for task in Path(f"/proc/{parent}/task").iterdir():
                with suppress(OSError):
                    waiting += map(int, (task / "children").read_text().split())
    return members


@cache
def _tells_children() -> bool:
    """Whether the system lists the children of a thread. To look for them among all processes takes milliseconds."""
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def cpu_seconds(pids: Iterable[int]) -> float:
    """The processor time of processes and of their children that have ended; 0 where the system does not tell."""
    return sum(int(ticks) for pid in pids for ticks in _stat(pid)[11:15]) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on, as proc(5) describes them."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["", *"0" * 49]


def resident_bytes(pids: Sequence[int], limit: int) -> int:
    """The resident memory of processes; 0 where the system does not provide it.

    Exact only above the limit: below it, what processes share may count for each of them.
    """
    resident = sum(map(_resident_bytes, pids))
    return resident if resident <= limit or len(pids) == 1 else sum(map(_proportional_bytes, pids))


def _resident_bytes(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _proportional_bytes(pid: int) -> int:
    """The same, where of a page that k processes share each has a k-th. The system takes milliseconds for it."""
    with suppress(OSError, ValueError, IndexError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(re.findall(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)[0]) * 1024
    return _resident_bytes(pid)


def marked(variable: str) -> list[int]:
    """The processes other than this one that began with this `NAME=value` in their environment."""
    processes = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if variable.encode() in (entry / "environ").read_bytes().split(b"\0"):
                processes.append(int(entry.name))
    return [pid for pid in processes if pid != os.getpid()]


def descendants(pid: int) -> list[Any]:
    """The children of a process, and their children."""
    import psutil

    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []
