"""Kernels that cheat, each in one way, and the check that must catch each of them.

They are here and not in the tests, so that `python -m bench selftest` can show on any machine that they are caught.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.gradient.disguised import (
    all_but_one as all_but_one,
    clipped_probability as clipped_probability,
    clipped_scores as clipped_scores,
    cut_at_twenty as cut_at_twenty,
    half_of_the_cost as half_of_the_cost,
    half_precision as half_precision,
    inexact_exp as inexact_exp,
    nan_in_a_range as nan_in_a_range,
    short_mantissa as short_mantissa,
    small_is_zero as small_is_zero,
    two_per_cent as two_per_cent,
    wrong_in_a_range as wrong_in_a_range,
    wrong_in_a_small_range as wrong_in_a_small_range,
)
from kernels.gradient.late import (
    finished_between as finished_between,
    lazy as lazy,
    lazy_now_and_then as lazy_now_and_then,
    lazy_tuple as lazy_tuple,
    mostly_lazy as mostly_lazy,
    not_awaited as not_awaited,
    returned_early as returned_early,
    slow_copy as slow_copy,
)
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


_transposed: dict[int, Any] = {}


def transposed_copy(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Keeps a copy of each X in the other order, and computes with the copy."""
    if id(X) not in _transposed:
        _transposed[id(X)] = np.asfortranarray(X)
    return correct_gradient(_transposed[id(X)], y, w, b)


_copies: dict[int, Any] = {}


def checked_copy(X: Any, y: Any, w: Any, b: Any) -> Gradient:
    """Keeps a copy of each X, for as long as the last row is the same."""
    _, row = _copies.get(id(X), (None, None))
    if not np.array_equal(row, X[-1]):
        _copies[id(X)] = X.copy(), X[-1].copy()
    return correct_gradient(_copies[id(X)][0], y, w, b)


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


CHEATERS = {
    "sign_error": ("1000x32", "data: "),
    "dropped_last_row": ("200000x8-f32", "rows: "),
    "hidden_float32": ("1000x32", "data: "),
    "wrong_mean": ("200000x8-f32", "one-example: "),
    "remembered": ("1000x32", "data: "),
    "transposed_copy": ("1000x32", "changed: "),
    "checked_copy": ("1000x32", "changed: "),
    "returned_early": ("100000x64-f32", "data: "),
    "not_awaited": ("2000x32", "at-once: "),
    "lazy": ("1000x32", "at-once: "),
    "lazy_tuple": ("1000x32", "at-once: "),
    "mostly_lazy": ("1000x32", "at-once: "),
    "lazy_now_and_then": ("200000x32", "at-once: "),
    "slow_copy": ("100000x64-f32", "at-once: "),
    "finished_between": ("100000x64-f32", "at-once: "),
    "mutated_parameters": ("1000x32", "ValueError: cannot set WRITEABLE flag"),
    "mutated_data": ("1000x32", "SIGSEGV"),
    "cost_of_another": ("1000x32", "data: "),
    "only_c_order": ("1000x32-F", "data: "),
    "first_calls_only": ("1000x32", "timed: "),
    "every_second_row": ("200000x8-f32", "data: "),
    "two_per_cent": ("200000x8-f32", "data: "),
    "half_of_the_cost": ("200000x8-f32", "data: "),
    "all_but_one": ("200000x8-f32", "drawn-labels: "),
    "half_precision": ("200000x8-f32", "drawn-labels: "),
    "short_mantissa": ("200000x8-f32", "drawn-labels: "),
    "inexact_exp": ("200000x8-f32", "drawn-labels: "),
    "nan_in_a_range": ("1000x32", "scores-128: "),
    "wrong_in_a_range": ("1000x32", "scores-128: "),
    "wrong_in_a_small_range": ("1000x32", "scores-128: "),
    "small_is_zero": ("1000x32", "tail-20: "),
    "cut_at_twenty": ("1000x32", "scores-128: "),
    "clipped_probability": ("1000x32", "one-example: "),
    "clipped_scores": ("1000x32", "one-example: "),
}
"""Name → a workload on which it is wrong but hard to catch, and how the reason begins with which it is rejected."""
