"""Kernels that compute on more cores than they may, and one that does not."""

from __future__ import annotations

import os
import time
from typing import Any

from kernels.gradient.numpy_vectorized import gradient as correct

_LONGEST_SECONDS = 60.0
_started: list[int] = []


def helped(X: Any, y: Any, w: Any, b: Any) -> Any:
    """A process of another session and on all cores computes all the time, also while the worker is suspended."""
    if not _started:
        _started.append(child := os.fork())
        if not child:
            os.setsid()
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
            end = time.monotonic() + _LONGEST_SECONDS
            while time.monotonic() < end:
                pass
            os._exit(0)
    return correct(X, y, w, b)


def alone(X: Any, y: Any, w: Any, b: Any) -> Any:
    return correct(X, y, w, b)
