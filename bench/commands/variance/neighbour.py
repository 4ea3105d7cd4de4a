"""A planted neighbour: a process that uses a core, the memory, or both in bursts, until its pipe closes.

python -m bench.commands.variance.neighbour KIND DESCRIPTOR

It is no descendant of the command that plants it: what descendants compute never counts as somebody else's work. So
the process that is started forks, says the child's number, and exits; the child belongs to init. The child ends when
the other end of the pipe DESCRIPTOR closes, which the system does even if the command is killed.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

_BYTES = 2**27
"""Of each array that is copied: more than the caches of one processor hold."""
_SECONDS = (0.05, 0.5)
"""The range of a burst's length, and of a pause's: longer than a round, shorter than a launch."""
_SPINS = 100_000
"""Iterations between two looks at the clock: a few milliseconds."""


def _forever() -> bool:
    return True


def _compute(proceed: Callable[[], bool]) -> None:
    """Numbers in registers: a core's time, and next to no memory."""
    while proceed():
        for _ in range(_SPINS):
            pass


def _copy(proceed: Callable[[], bool]) -> None:
    """Copy memory from one array to another."""
    import numpy as np

    target, source = np.zeros(_BYTES // 8), np.ones(_BYTES // 8)
    while proceed():
        np.copyto(target, source)


def cpu() -> None:
    """Compute all the time."""
    _compute(_forever)


def memory() -> None:
    """Copy memory all the time, on a core that nobody else wants: it takes bandwidth and no kernel's core."""
    with suppress(AttributeError, OSError):  # another system than Linux
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    _copy(_forever)


def bursts() -> None:
    """Copy memory and pause, in turn, at the same priority as the kernels."""
    end = 0.0

    def proceed() -> bool:
        nonlocal end
        now = time.monotonic()
        if now >= end:
            time.sleep(random.uniform(*_SECONDS) if end else 0.0)
            end = time.monotonic() + random.uniform(*_SECONDS)
        return True

    _copy(proceed)


KINDS = {"bursts": bursts, "cpu": cpu, "memory": memory}


def _end_with(descriptor: int) -> None:
    """End this process when the pipe is closed at its other end."""
    while os.read(descriptor, 1):
        pass
    os._exit(0)


def main(kind: str, descriptor: int) -> None:
    """Leave a child that works. Its number is on standard output, which stays open as long as it lives."""
    if child := os.fork():
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        return
    os.setsid()  # Ctrl-C in the command's terminal is not for this process
    Thread(target=_end_with, args=[descriptor], daemon=True).start()
    KINDS[kind]()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
