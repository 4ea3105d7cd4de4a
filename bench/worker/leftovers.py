"""Ends what a worker has started, where its supervisor cannot: it was killed, or the system has none.

A kernel may kill the supervisor of its worker, as any process of the same user. What it had started in other sessions
then has no parent that is known. But each process inherits the environment of the one that starts it, and a worker's
has a variable that no other process has.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from uuid import uuid4

from bench.host import procfs

_NAME = "LOGITBENCH_WORKER"
_ENDING_SECONDS = 5.0
"""The longest that it tries: a process of another user, or one in a system call that hangs, stays."""
_PAUSE_SECONDS = 1e-3


def new_mark() -> dict[str, str]:
    """The variable of one worker: its name and value."""
    return {_NAME: uuid4().hex}


def kill_marked(mark: Mapping[str, str]) -> None:
    """Kill the processes that inherited this variable, until none is left: some may fork until they are found."""
    deadline = time.monotonic() + _ENDING_SECONDS
    while (pids := procfs.marked(f"{_NAME}={mark[_NAME]}")) and time.monotonic() < deadline:
        for pid in pids:
            _kill(pid)
        time.sleep(_PAUSE_SECONDS)


def kill_family(pid: int) -> None:
    """Kill a process and its descendants."""
    for member in reversed(procfs.family(pid)):
        _kill(member)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended, or belongs to another user
        os.kill(pid, signal.SIGKILL)
