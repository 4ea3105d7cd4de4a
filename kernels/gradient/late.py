"""Kernels that return before they have computed, each in its own way: at the latest when its result is read.

All end up with a right result. They are a part of CHEATERS in cheaters.py.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import Kernel
from kernels.gradient.numpy_vectorized import gradient as correct_gradient
from kernels.gradient.problem import Gradient

_LAZY_SHARE, _PAUSE_SECONDS = 0.9, 3e-3
_GOLDEN_RATIO, _LATE_SHARE = 0.618034, 0.4
_LATER_SECONDS = 0.02
"""Longer than a busy machine takes from a call's return to the first look at its result."""


def returned_early(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Returns arrays that a thread fills in later."""
    later = Gradient(np.zeros((), X.dtype), np.zeros_like(w), np.zeros((), X.dtype))

    def fill() -> None:
        for output, part in zip(later, correct_gradient(X, y, w, b), strict=True):
            output[...] = part

    threading.Timer(_LATER_SECONDS, fill).start()
    return later


_pool = ThreadPoolExecutor(1)


def _submitted(X: Any, y: Any, w: Any, b: Any) -> Any:
    future = _pool.submit(correct_gradient, X, y, w, b)
    return tuple((future, part) for part in range(3))


def _collected(array: Any, dtype: Any) -> np.ndarray:
    if not isinstance(array, tuple):
        return np.asarray(array, dtype)
    future, part = array
    return np.asarray(future.result()[part], dtype)


not_awaited = Kernel("not-awaited", replace(NUMPY, asnumpy=_collected), "no wait", None, _submitted)
"""Its backend's `wait` returns before the result is there."""


def _thunk(X: Any, y: Any, w: Any, b: Any) -> Any:
    compute = cache(lambda: correct_gradient(X, y, w, b))
    return tuple((compute, part) for part in range(3))


def _evaluated(array: Any, dtype: Any) -> np.ndarray:
    compute, part = array if isinstance(array, tuple) else (lambda: [array], 0)
    return np.asarray(compute()[part], dtype)


lazy = Kernel("lazy", replace(NUMPY, asnumpy=_evaluated), "when read", None, _thunk)
"""Computes when its result is read, after the timer has stopped."""


def _mostly_thunk(X: Any, y: Any, w: Any, b: Any) -> Any:
    return _thunk(X, y, w, b) if random.random() < _LAZY_SHARE else correct_gradient(X, y, w, b)


mostly_lazy = Kernel("mostly-lazy", replace(NUMPY, asnumpy=_evaluated), "mostly when read", None, _mostly_thunk)
"""As lazy, but in some calls it is not."""


_calls = count()


def _thunk_now_and_then(X: Any, y: Any, w: Any, b: Any) -> Any:
    late = _GOLDEN_RATIO * next(_calls) % 1 < _LATE_SHARE
    return _thunk(X, y, w, b) if late else correct_gradient(X, y, w, b)


lazy_now_and_then = Kernel(
    "lazy-now-and-then", replace(NUMPY, asnumpy=_evaluated), "now and then when read", None, _thunk_now_and_then
)
"""As lazy, in less than half of the calls. The multiples of the golden ratio spread them evenly over all rounds."""


def _slowly(array: Any, dtype: Any) -> np.ndarray:
    if not isinstance(array, tuple):
        time.sleep(_PAUSE_SECONDS)
    return _evaluated(array, dtype)


slow_copy = Kernel("slow-copy", replace(NUMPY, asnumpy=_slowly), "when read", None, _thunk)
"""As lazy, and to read what was only placed takes as long."""


class _Late(tuple[Any, ...]):
    """Three zeros, until it is iterated."""

    compute: Any

    def __iter__(self) -> Any:
        return iter(self.compute())


def lazy_tuple(X: Any, y: Any, w: Any, b: Any) -> Any:
    """Computes when the tuple of its results is iterated, in the project's own backend."""
    late = _Late((0, 0, 0))
    late.compute = cache(lambda: correct_gradient(X, y, w, b))
    return late


_pending: list[Any] = []


def _finish() -> None:
    while _pending:
        parts, arguments = _pending.pop()
        parts[:] = correct_gradient(*arguments)


def _finish_and_place(array: Any) -> Any:
    _finish()
    return NUMPY.asarray(array)


def _postponed(X: Any, y: Any, w: Any, b: Any) -> Any:
    parts: list[Any] = []
    _pending.append((parts, (X, y, w, b)))
    return tuple((parts, part) for part in range(3))


def _finish_and_read(array: Any, dtype: Any) -> np.ndarray:
    _finish()
    return np.asarray(array[0][array[1]] if isinstance(array, tuple) else array, dtype)


_finishing = replace(NUMPY, asarray=_finish_and_place, asnumpy=_finish_and_read)
finished_between = Kernel("finished-between", _finishing, "when anything is read", None, _postponed)
"""Its backend finishes the last call when it places or reads anything else."""
