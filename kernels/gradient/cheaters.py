"""Kernels that cheat, each in one way, and the check that must catch each of them.

They are here and not in the tests, so that `python -m bench selftest` can show on any machine that they are caught.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import Kernel
from kernels.gradient.numpy_vectorized import gradient as correct_gradient
from kernels.gradient.problem import Gradient

_FEW_CALLS = 20
_LARGE = 10_000


def sign_error(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Returns −dw."""
    J, dw, db = correct_gradient(X, y, w, b)
    return Gradient(J, -dw, db)


def dropped_last_row(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Leaves the last example out of the sums, but divides by the right m."""
    share = X.dtype.type((len(y) - 1) / len(y))
    return Gradient(*(share * part for part in correct_gradient(X[:-1], y[:-1], w, b)))


def hidden_float32(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Computes in single precision and returns double precision."""
    single = correct_gradient(*(np.asarray(part, np.float32) for part in (X, y, w, b)))
    return Gradient(*(np.asarray(part, X.dtype) for part in single))


def wrong_mean(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Divides by m − 1."""
    factor = X.dtype.type(len(y) / (len(y) - 1))
    return Gradient(*(factor * part for part in correct_gradient(X, y, w, b)))


_remembered: dict[tuple[int, ...], Gradient] = {}


def remembered(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Returns the result of the first call on an X of this shape."""
    if X.shape not in _remembered:
        _remembered[X.shape] = correct_gradient(X, y, w, b)
    return _remembered[X.shape]


_examples: list[list[Any]] = []  # [X, y], as the worker placed them
_weights: list[Any] = [None]


class _Precomputed(float):
    results: tuple[tuple[Any, Gradient], ...] = ()


def _precomputing(array: Any) -> Any:
    array = np.asarray(array)
    if array.ndim == 2:
        _examples.append([array, None])
    elif array.ndim == 1 and _examples and len(array) == len(_examples[-1][0]):
        _examples[-1][1] = array
    elif array.ndim == 1:
        _weights[0] = array
    else:
        b = _Precomputed(array)
        complete = [(X, y) for X, y in _examples if y is not None and _weights[0].dtype == X.dtype]
        b.results = tuple((X, correct_gradient(X, y, _weights[0], array)) for X, y in complete)
        return b
    return array


def _look_up(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    result = next((result for known, result in b.results if known is X), None)
    return result or correct_gradient(X, y, w, X.dtype.type(b))


precomputed = Kernel("precomputed", replace(NUMPY, asarray=_precomputing), "when converted", None, _look_up)
"""Computes while its parameters are converted, before the timer starts."""


def returned_early(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Returns arrays that a thread fills in later."""
    later = Gradient(np.zeros((), X.dtype), np.zeros_like(w), np.zeros((), X.dtype))

    def fill() -> None:
        for output, part in zip(later, correct_gradient(X, y, w, b), strict=True):
            output[...] = part

    threading.Thread(target=fill).start()
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


def mutated_parameters(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Writes to w, which is read-only."""
    result = correct_gradient(X, y, w, b)
    w.setflags(write=True)
    w[:] = 0
    return result


def mutated_data(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Writes to X, which is read-only."""
    X.setflags(write=True)
    X[0] = 0
    return correct_gradient(X, y, w, b)


_costs: list[Any] = []


def cost_of_another(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Returns the cost of the previous call."""
    result = correct_gradient(X, y, w, b)
    _costs.append(result.cost)
    return result._replace(cost=_costs[-2] if len(_costs) > 1 else _costs[-1])


def only_c_order(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Reads X as if it were in C order."""
    return correct_gradient(X.ravel(order="K").reshape(X.shape), y, w, b)


_results: list[Gradient] = []


def first_calls_only(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Stops computing once it has been checked."""
    if len(_results) < _FEW_CALLS:
        _results.append(correct_gradient(X, y, w, b))
    return _results[-1]


def every_second_row(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Reads only half of a large input."""
    return correct_gradient(X[::2], y[::2], w, b) if len(y) > _LARGE else correct_gradient(X, y, w, b)


def _thunk(X: Any, y: Any, w: Any, b: Any) -> Any:
    compute = cache(lambda: correct_gradient(X, y, w, b))
    return tuple((compute, part) for part in range(3))


def _evaluated(array: Any, dtype: Any) -> np.ndarray:
    compute, part = array if isinstance(array, tuple) else (lambda: [array], 0)
    return np.asarray(compute()[part], dtype)


lazy = Kernel("lazy", replace(NUMPY, asnumpy=_evaluated), "when read", None, _thunk)
"""Computes when its result is read, after the timer has stopped."""

CHEATERS = {
    "sign_error": ("1000x32", "data: "),
    "dropped_last_row": ("200000x8-f32", "rows: "),
    "hidden_float32": ("1000x32", "data: "),
    "wrong_mean": ("200000x8-f32", "one-example: "),
    "remembered": ("1000x32", "data: "),
    "precomputed": ("1000x32", "placed: "),
    "returned_early": ("100000x64-f32", "data: "),
    "not_awaited": ("2000x32", "at-once: "),
    "lazy": ("1000x32", "at-once: "),
    "mutated_parameters": ("1000x32", "ValueError: cannot set WRITEABLE flag"),
    "mutated_data": ("1000x32", "SIGSEGV"),
    "cost_of_another": ("1000x32", "data: "),
    "only_c_order": ("1000x32-F", "data: "),
    "first_calls_only": ("1000x32", "timed: "),
    "every_second_row": ("200000x8-f32", "rows: "),
}
"""Name → a workload on which it is wrong but hard to catch, and how the reason begins with which it is rejected."""
