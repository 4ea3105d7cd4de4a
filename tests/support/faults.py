"""Kernels that fail, each in its own way. The tests of worker processes race them against numpy."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from itertools import repeat
from typing import Any

import numpy as np

from kernels.gradient.numpy_vectorized import gradient as correct

_called: set[str] = set()


def _once(name: str) -> bool:
    first = name not in _called
    _called.add(name)
    return first


def segfault(*_: Any) -> Any:
    return ctypes.string_at(0)


def abort(*_: Any) -> Any:
    os.abort()


def exits(*_: Any) -> Any:
    os._exit(0)


def loops_in_c(*_: Any) -> Any:
    return sum(repeat(0))  # for ever, in C code that handles no signal


def sleeps(*_: Any) -> Any:
    time.sleep(1e9)


def allocates(*_: Any) -> Any:
    return np.ones(10**11 // 8)


def raises(*_: Any) -> Any:
    raise RuntimeError("no luck\nat all")


def nan(X: Any, y: Any, w: Any, b: Any) -> Any:
    return correct(X, y, w, b)._replace(cost=X.dtype.type(np.nan))


def shouts(X: Any, y: Any, w: Any, b: Any) -> Any:
    for _ in range(100 if _once("shouts") else 0):
        sys.stdout.write("x" * 10**6)
    return correct(X, y, w, b)


def closes(X: Any, y: Any, w: Any, b: Any) -> Any:
    os.closerange(0, 1000)
    return correct(X, y, w, b)


def stops(X: Any, y: Any, w: Any, b: Any) -> Any:
    os.kill(os.getpid(), signal.SIGSTOP)
    return correct(X, y, w, b)


def hangs_up(X: Any, y: Any, w: Any, b: Any) -> Any:
    for descriptor in range(3, 100):
        with suppress(OSError):
            socket.socket(fileno=os.dup(descriptor)).shutdown(socket.SHUT_RDWR)
    time.sleep(1e9)


def garbles(X: Any, y: Any, w: Any, b: Any) -> Any:
    """Writes to every open descriptor: the connection to the race, and the shared memory, which is sealed."""
    for descriptor in range(3, 100):
        with suppress(OSError):
            os.write(descriptor, b"\x00\x00\x00\x05hello")
    return correct(X, y, w, b)


def forks(X: Any, y: Any, w: Any, b: Any) -> Any:
    if _once("forks") and os.fork() == 0:
        while True:
            pass
    return correct(X, y, w, b)


_calls = 0


def fails_later(X: Any, y: Any, w: Any, b: Any) -> Any:
    global _calls
    _calls += 1
    return ctypes.string_at(0) if _calls > 500 else correct(X, y, w, b)


def aborts_on_lecture(X: Any, y: Any, w: Any, b: Any) -> Any:
    if len(y) == 1000:
        os.abort()
    return correct(X, y, w, b)
