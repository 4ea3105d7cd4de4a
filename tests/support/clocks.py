"""Kernels that slow the clock of their worker, and honest ones that wait or call back."""

from __future__ import annotations

import time
from threading import Thread
from typing import Any

from kernels.gradient.numpy_vectorized import gradient as correct

_clock = time.perf_counter


def _slow(*modules: Any) -> None:
    """From now on, the clock that these modules read runs at half speed."""
    start = _clock()
    for module in modules:
        if module.perf_counter is _clock:
            module.perf_counter = lambda: start + (_clock() - start) / 2


def half_speed(X: Any, y: Any, w: Any, b: Any) -> Any:
    """Slows every clock of the worker."""
    from bench.worker import placed_kernel, timing

    _slow(time, timing, placed_kernel)
    return correct(X, y, w, b)


def half_speed_long(X: Any, y: Any, w: Any, b: Any) -> Any:
    """Slows the clock of the timed loop alone. Its calls take milliseconds."""
    from bench.worker import timing

    _slow(time, timing)
    time.sleep(3e-3)
    return correct(X, y, w, b)


def sleeping(X: Any, y: Any, w: Any, b: Any) -> Any:
    time.sleep(2e-3)
    return correct(X, y, w, b)


def calling(X: Any, y: Any, w: Any, b: Any) -> Any:
    """In a thread of its own, which ends."""
    results: list[Any] = []
    thread = Thread(target=lambda: results.append(correct(X, y, w, b)))
    thread.start()
    thread.join()
    return results[0]
