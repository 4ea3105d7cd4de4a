"""How much processor time foreign processes use: all but this one, its descendants, and the kernel's own threads.

A process's clock is exact, and every process may read it (clock_getcpuclockid(3)). What a kernel starts stays a
descendant (bench/worker/supervisor.py), so no kernel is foreign. Kernel threads are not, since much of what they do
is for the kernels that are measured. What the host of a virtual machine gives to others counts as well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.host.resources import read_file

_HERTZ = os.sysconf("SC_CLK_TCK")
_KTHREADD = 2
"""The process id of the parent of all kernel threads. Where it cannot be seen, other processes cannot either, as in
a container."""
_CPU_CLOCK = 2
"""The kind of clock, of linux/posix-timers.h, that has the processor time of all threads of a process."""
_MOST_READ = 500
"""Of so many processes /proc/PID/stat is read in each scan, in 20 µs each; of more, children that exit are missed."""


@dataclass(frozen=True)
class Scan:
    """The counters at one moment, in seconds."""

    clocks: dict[int, float]
    """Foreign process → the processor time of all its threads."""
    children: dict[int, float]
    """Foreign process → that of its children that have exited, in whole ticks."""
    stolen: float
    """What the host has given to others, in whole ticks."""

    def seconds_until(self, later: Scan) -> float:
        """What foreign processes used in between, at least."""
        used = used_between(self.clocks, later.clocks)
        # A process that exited is now counted with its parent's children: what it used until now, not only since
        gone = self.clocks.keys() - later.clocks.keys()
        counted = sum(self.clocks[pid] + self.children.get(pid, 0.0) for pid in gone)
        exited = sum(later.children.values()) - sum(self.children.get(pid, 0.0) for pid in later.children) - counted
        stolen = later.stolen - self.stolen
        # a tick may have been nearly full before
        return used + sum(max(0.0, ticked - 1 / _HERTZ) for ticked in (exited, stolen))


def used_between(before: dict[int, float], after: dict[int, float]) -> float:
    """Seconds by which the clocks of these processes went on; a new process began in between."""
    return sum(max(0.0, seconds - before.get(pid, 0.0)) for pid, seconds in after.items())


class ForeignProcesses:
    """Knows which processes are foreign, and reads their counters."""

    def __init__(self, this: int | None = None) -> None:
        """For the process whose descendants are not foreign. this: its id; None: the process that asks"""
        self._this = this or os.getpid()
        self._known: dict[int, bool] = {}
        """Process → whether it is foreign."""

    @property
    def can_tell(self) -> bool:
        """Whether the system shows other processes. In a container an ordinary process may have that id."""
        return read_file(f"/proc/{_KTHREADD}/comm") == "kthreadd"

    def scan(self) -> Scan:
        """The counters now. Processes are looked for anew."""
        present = [int(name) for entry in os.scandir("/proc") if (name := entry.name).isdigit()]
        self._known = {pid: self._is_foreign(pid) for pid in present}
        foreign = self._foreign()
        read = {pid: _parent_and_ticks(pid) for pid in foreign} if len(foreign) <= _MOST_READ else {}
        children = {pid: parent_and_ticks[1] / _HERTZ for pid, parent_and_ticks in read.items() if parent_and_ticks}
        return Scan(_clocks(foreign), children, _stolen_ticks() / _HERTZ)

    def clocks(self) -> dict[int, float]:
        """The clocks of the processes of the last scan: much faster than another."""
        return _clocks(self._foreign())

    def busiest(self, before: Scan, after: Scan) -> str:
        """The name of the process that used most in between; empty if none did. For the screen: it is personal."""
        used = {pid: seconds - before.clocks.get(pid, 0.0) for pid, seconds in after.clocks.items()}
        busiest = max(used, key=lambda pid: used[pid], default=None)
        with suppress(OSError):
            if busiest is not None and used[busiest] > 0:
                return Path(f"/proc/{busiest}/comm").read_text(errors="replace").strip()
        return ""

    def _foreign(self) -> list[int]:
        return [pid for pid, foreign in self._known.items() if foreign]

    def _is_foreign(self, pid: int) -> bool:
        if pid in self._known:
            return self._known[pid]
        ancestor = pid
        while ancestor > 0:
            if ancestor in (self._this, _KTHREADD):
                return False
            read = _parent_and_ticks(ancestor)
            if read is None:
                return False  # it has exited
            ancestor = read[0]
        return True


def _clocks(pids: Iterable[int]) -> dict[int, float]:
    clocks = {}
    for pid in pids:
        with suppress(OSError):  # it has exited
            clocks[pid] = time.clock_gettime((~pid << 3) | _CPU_CLOCK)
    return clocks


def _parent_and_ticks(pid: int) -> tuple[int, int] | None:
    """The process's parent, and the ticks that those of its children used that it has waited for."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return int(fields[1]), int(fields[13]) + int(fields[14])
    return None


def _stolen_ticks() -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8])
    return 0
