"""A noisy neighbour: a process of nobody's that keeps one core and the memory busy for 2 s of every 5 s.

It is no descendant of the self-test: the race takes the processor time of its descendants for its own, and that of
all others for a disturbance. So it forks once more and its parent ends: then init adopts it. What ties it to the
self-test is a socket. It ends as soon as the other end closes, as it does when the self-test is killed.

    python -m bench.commands.selftest.noisy_neighbour DESCRIPTOR
"""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bench.host.checkout import CHECKOUT

BUSY_SECONDS, PERIOD_SECONDS = 2.0, 5.0
"""Longer than a launch on a small workload: some launches are disturbed from beginning to end, others not at all."""
_BYTES = 2**26
"""Of each of two arrays, larger together than most caches."""
_PID_BYTES = 8
_START_SECONDS, _END_SECONDS = 60.0, 10.0
_THREADS_SECONDS = 0.2
"""How long the threads of a stopped process, which hold its socket open, may take to end."""


@contextmanager
def running() -> Iterator[int]:
    """A neighbour that is at work; gives the id of its process, which has ended afterwards.

    Raises ValueError, in one line, if it does not start, or ends by itself.
    """
    own_end, its_end = socket.socketpair()
    with own_end:
        with its_end:
            _start(its_end)
        pid = _read_pid(own_end)
        try:
            yield pid
            if _has_ended(own_end, _THREADS_SECONDS):
                raise ValueError("the noisy neighbour ended by itself: perhaps the system stopped it for its memory")
        finally:
            with suppress(OSError):  # it has ended already
                own_end.shutdown(socket.SHUT_WR)
            if not _has_ended(own_end, _END_SECONDS):
                os.kill(pid, signal.SIGKILL)


def _start(its_end: socket.socket) -> None:
    """Start it, and wait until its first process has ended, which leaves it to init."""
    descriptor = its_end.fileno()
    with suppress(subprocess.TimeoutExpired):  # then it sends no id either
        subprocess.run(
            [sys.executable, "-P", "-m", "bench.commands.selftest.noisy_neighbour", str(descriptor)],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe that it held open would outlive the self-test
            stderr=subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,  # Ctrl-C is for the self-test
            timeout=_START_SECONDS,
            check=False,
        )


def _read_pid(own_end: socket.socket) -> int:
    """The id that the neighbour sends once it is at work. Raises ValueError."""
    own_end.settimeout(_START_SECONDS)
    sent = b""
    with suppress(OSError):
        sent = own_end.recv(_PID_BYTES, socket.MSG_WAITALL)
    if len(sent) != _PID_BYTES:
        raise ValueError("the noisy neighbour did not start: it needs 128 MB of memory")
    return int.from_bytes(sent)


def _has_ended(own_end: socket.socket, seconds: float) -> bool:
    """Whether the neighbour, which sends nothing more, has ended within so many seconds."""
    readable, _, _ = select.select([own_end], [], [], seconds)
    return bool(readable)


def seconds_to_rest(elapsed: float) -> float:
    """How long the neighbour rests now; 0 while it is busy. elapsed: seconds since a busy time began"""
    position = elapsed % PERIOD_SECONDS
    return 0.0 if position < BUSY_SECONDS else PERIOD_SECONDS - position


def main(descriptor: int) -> None:
    """Be the neighbour until the other end of the socket closes."""
    if os.fork():
        os._exit(0)
    its_end = socket.socket(fileno=descriptor)
    threading.Thread(target=_end_with, args=(its_end,), daemon=True).start()
    import numpy as np  # after the fork: the threads of its libraries would not survive one

    target, source = np.zeros(_BYTES // 8), np.ones(_BYTES // 8)
    its_end.sendall(os.getpid().to_bytes(_PID_BYTES))
    began = time.monotonic() - random.uniform(0, PERIOD_SECONDS)  # so that no launch always meets the same
    while True:
        if rest := seconds_to_rest(time.monotonic() - began):
            time.sleep(rest)
        else:
            np.copyto(target, source)


def _end_with(its_end: socket.socket) -> None:
    """End this process when the other end closes, also in the middle of a copy."""
    try:
        its_end.recv(1)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
