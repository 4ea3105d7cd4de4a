"""Kernels that do not do what they should, each in one way: what the measuring must catch, and by which check.

They are kept here, and not in the tests, so that `python -m bench selftest` shows on any machine that it does.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from kernels import Gradient, Kernel
from kernels.backends import NUMPY
from kernels.numpy_vectorized import gradient as correct_gradient

_FEW_CALLS = 20
_LARGE = 10_000


def sign_error(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """−dw."""
    J, dw, db = correct_gradient(X, y, w, b)
    return Gradient(J, -dw, db)


def dropped_last_row(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """The sums leave out the last example; m is right."""
    share = X.dtype.type((len(y) - 1) / len(y))
    return Gradient(*(share * part for part in correct_gradient(X[:-1], y[:-1], w, b)))


def hidden_float32(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Computes in single precision and returns double."""
    single = correct_gradient(*(np.asarray(part, np.float32) for part in (X, y, w, b)))
    return Gradient(*(np.asarray(part, X.dtype) for part in single))


def wrong_mean(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """1/(m − 1)."""
    factor = X.dtype.type(len(y) / (len(y) - 1))
    return Gradient(*(factor * part for part in correct_gradient(X, y, w, b)))


_remembered: dict[tuple[int, ...], Gradient] = {}


def remembered(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """The answer of the last call on an X of this shape."""
    if X.shape not in _remembered:
        _remembered[X.shape] = correct_gradient(X, y, w, b)
    return _remembered[X.shape]


_examples: list[list[Any]] = []  # [X, y], as they were placed
_weights: list[Any] = [None]


class _Precomputed(float):
    answers: tuple[tuple[Any, Gradient], ...] = ()


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
        whole = [(X, y) for X, y in _examples if y is not None and _weights[0].dtype == X.dtype]
        b.answers = tuple((X, correct_gradient(X, y, _weights[0], array)) for X, y in whole)
        return b
    return array


def _answer(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    return next((answer for known, answer in b.answers if known is X), None) or correct_gradient(
        X, y, w, X.dtype.type(b)
    )


precomputed = Kernel("precomputed", replace(NUMPY, asarray=_precomputing), "when placed", None, _answer)
"""Computes while its parameters are placed, before the timer starts."""


def returned_early(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Arrays that a thread fills in later."""
    later = Gradient(np.zeros((), X.dtype), np.zeros_like(w), np.zeros((), X.dtype))

    def fill() -> None:
        for place, part in zip(later, correct_gradient(X, y, w, b), strict=True):
            place[...] = part

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
"""Its backend's wait does not."""


def mutated_parameters(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Writes into w, though that is read-only."""
    result = correct_gradient(X, y, w, b)
    w.setflags(write=True)
    w[:] = 0
    return result


def mutated_data(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Writes into X, though that is read-only."""
    X.setflags(write=True)
    X[0] = 0
    return correct_gradient(X, y, w, b)


_last: list[Any] = []


def cost_of_another(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """The cost is that of the call before."""
    result = correct_gradient(X, y, w, b)
    _last.append(result.cost)
    return result._replace(cost=_last[-2] if len(_last) > 1 else _last[-1])


def only_c_order(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Reads X as rows, however it lies."""
    return correct_gradient(X.ravel(order="K").reshape(X.shape), y, w, b)


_calls: list[Gradient] = []


def first_calls_only(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Stops computing once it has been checked."""
    if len(_calls) < _FEW_CALLS:
        _calls.append(correct_gradient(X, y, w, b))
    return _calls[-1]


def every_second_row(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Of large inputs, half."""
    return correct_gradient(X[::2], y[::2], w, b) if len(y) > _LARGE else correct_gradient(X, y, w, b)


def _thunk(X: Any, y: Any, w: Any, b: Any) -> Any:
    answer = cache(lambda: correct_gradient(X, y, w, b))
    return tuple((answer, part) for part in range(3))


def _evaluated(array: Any, dtype: Any) -> np.ndarray:
    answer, part = array if isinstance(array, tuple) else (lambda: [array], 0)
    return np.asarray(answer()[part], dtype)


lazy = Kernel("lazy", replace(NUMPY, asnumpy=_evaluated), "when looked at", None, _thunk)
"""Computes when its result is looked at, after the timer has stopped."""

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
"""Each on a workload where its mistake is one, and hard to see; and how the reason begins that it is caught for."""
CHEATED = tuple(dict.fromkeys(workload for workload, _ in CHEATERS.values()))
"""Their workloads, each once."""
