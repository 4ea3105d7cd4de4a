"""The process between the race and a worker: all that the worker starts ends with it, on Linux.

A process whose parent ends becomes a child of its nearest ancestor that is a subreaper: here of the supervisor. So no
process that a kernel starts gets away, whatever group or session it moves to. The supervisor kills them all when the
worker ends, when the race asks for it by SIGTERM, and when the race is gone, even by SIGKILL. Until then it waits.

The worker is forked from it before any library is imported: that is faster than a second start of Python.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36
"""Of linux/prctl.h."""
PID_BYTES = 8
"""The length of the first thing that a worker sends: its process id."""
ENDING_SECONDS = 20.0
"""The longest that it tries to kill: a process of another user, or one in a system call that hangs, stays."""
_PAUSE_SECONDS = 1e-3


def fork_worker(race: int, descriptor: int) -> None:
    """Become the supervisor, and return in the worker only: a child, in a session of its own.

    race: the parent of this process
    descriptor: of the worker's connection, which the supervisor closes
    """
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)  # which arrives even if the kernel has stopped this process
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        supervisor = os.getpid()
        if worker := os.fork():
            os.close(descriptor)
            _supervise(worker, race)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # a stopped process cannot notice by itself that its parent is gone
        os.setsid()
        race = supervisor
    if os.getppid() != race:  # the parent exited before the call
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _supervise(worker: int, race: int) -> None:
    """Wait for the worker's end or the race's, kill what is left, and exit as the worker did."""

    def end(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCONT or os.getppid() != race:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

    numbers = signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCONT
    for number in numbers:
        signal.signal(number, end)
    end(signal.SIGCONT, None)  # the race may have ended before
    pid = status = 0
    while pid != worker:
        pid, status = os.wait()  # also for processes whose parents have ended
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    _kill_descendants()
    _exit_as(os.waitstatus_to_exitcode(status))


def _kill_descendants() -> None:
    """Kill and reap all descendants of this process, until none is left: some may fork until they are found."""
    this, deadline = os.getpid(), time.monotonic() + ENDING_SECONDS
    with suppress(ChildProcessError):  # none is left
        while time.monotonic() < deadline:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            processes = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
            family = {this}
            # Parents come before children. Processes that started after this one come first: they may fork meanwhile.
            for pid in sorted(processes, key=lambda pid: (pid < this, pid)):
                if _parent(pid) in family:
                    family.add(pid)
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(_PAUSE_SECONDS)


def _parent(pid: int) -> int:
    """The parent of a process; 0 if there is no such process."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _exit_as(code: int) -> None:
    """End with this exit code, or by this signal if it is negative, without a dump of memory."""
    if code < 0:
        _prctl(_PR_SET_DUMPABLE, 0)
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
