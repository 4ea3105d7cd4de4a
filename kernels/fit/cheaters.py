"""Solvers that cheat, each in one way, and the check that must catch each of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import Kernel
from kernels.fit.lbfgs import driven
from kernels.fit.problem import Fit, Settings
from kernels.gradient.numpy_vectorized import NUMPY_VECTORIZED, gradient as correct_gradient

_CALLS_BEFORE_TIMING = 4
"""Compiling, the first call, `data` and one probe."""


def _cheater(fit: Callable[..., Any]) -> Kernel:
    """The kernel of a fit whose first argument is the settings."""
    summary = (fit.__doc__ or "").strip()

    def build(static: Settings) -> Callable[..., Any]:
        return partial(fit, Settings(*static))

    return Kernel(fit.__name__, NUMPY, summary, None, build=build, operation="fit")


def _correct(settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    return driven(NUMPY_VECTORIZED).built(settings)(X, y, w, b)  # type: ignore[no-any-return]


def _answer(w: Any, b: Any, answer: tuple[Any, Any], norm: float) -> Fit:
    """A result that goes from the start to the answer at once."""
    last_w, last_b = answer
    number = w.dtype.type
    return Fit(np.stack([w, last_w]), np.array([b, last_b], w.dtype), np.array([0, 1], w.dtype), number(norm))


def _end(fit: Fit) -> tuple[Any, Any]:
    return fit.ws[-1], fit.bs[-1]


@_cheater
def stops_early(settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    """Stops at a gradient that is a hundred times too large, and says that it got there."""
    tolerance = settings.tolerance_for(X.dtype)
    fit = _correct(settings._replace(tolerance=100 * tolerance), X, y, w, b)
    return fit._replace(norm=X.dtype.type(tolerance / 2))


@_cheater
def no_penalty(settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    """Leaves the penalty out."""
    return _correct(settings._replace(penalty=0.0), X, y, w, b)


@_cheater
def penalised_intercept(settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    """Makes b a bit smaller, as a penalty on it would."""
    fit = _correct(settings, X, y, w, b)
    return fit._replace(bs=np.append(fit.bs[:-1], fit.bs[-1] * X.dtype.type(1 - settings.penalty)))


@_cheater
def dropped_last_row(settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    """Fits all examples but the last."""
    return _correct(settings, X[:-1], y[:-1], w, b)


@_cheater
def every_second_row(settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    """Fits every second example."""
    return _correct(settings, np.ascontiguousarray(X[::2]), np.ascontiguousarray(y[::2]), w, b)


@_cheater
def another_start(settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    """Starts from zero."""
    return _correct(settings, X, y, w * 0, b * 0)


_last: list[Fit] = []


@_cheater
def last_answer(settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    """Stops computing once it has been checked, and returns its last answer, from the start that was given."""
    if len(_last) < _CALLS_BEFORE_TIMING:
        _last.append(_correct(settings, X, y, w, b))
    return _answer(w, b, _end(_last[-1]), float(_last[-1].norm))


_stored: dict[bytes, tuple[Any, Any]] = {}


@_cheater
def stored_optimum(settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    """Returns the optimum of data that it has seen, and computes that of others."""
    key = np.concatenate([X.ravel()[:64], y[:64], X.ravel()[-64:]]).tobytes()
    if key not in _stored:
        _stored[key] = _end(_correct(settings, X, y, w, b))
    return _answer(w, b, _stored[key], settings.tolerance_for(X.dtype) / 2)


@_cheater
def stored_start(settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    """Starts from the optimum of data that it has seen, and says that it started from where it was told."""
    key = np.concatenate([X.ravel()[:64], y[:64], X.ravel()[-64:]]).tobytes()
    fit = _correct(settings, X, y, *_stored.get(key, (w, b)))
    _stored[key] = _end(fit)
    return _answer(w, b, _end(fit), float(fit.norm))


@_cheater
def norm_of_the_start(_settings: Settings, X: Any, y: Any, w: Any, b: Any) -> Fit:
    """Returns the start, with a norm that is none."""
    correct_gradient(X, y, w, b)
    return _answer(w, b, (w, b), 0.0)


class _Late(tuple[Any, ...]):
    """Four zeros, until it is iterated."""

    compute: Any

    def __iter__(self) -> Any:
        return iter(self.compute())


@_cheater
def lazy_fit(settings: Settings, *arguments: Any) -> Any:
    """Computes when the tuple of its results is iterated, after the timer has stopped."""
    late = _Late((0, 0, 0, 0))
    late.compute = cache(lambda: _correct(settings, *arguments))
    return late


CHEATERS = {
    "stops_early": ("fit:10000x8", "data: it says that max|∇F| is "),
    "no_penalty": ("fit:10000x8", "data: it says that max|∇F| is "),
    "penalised_intercept": ("fit:10000x8", "data: it says that max|∇F| is "),
    "dropped_last_row": ("fit:10000x8", "data: it says that max|∇F| is "),
    "every_second_row": ("fit:10000x8", "data: it says that max|∇F| is "),
    "another_start": ("fit:10000x8", "data: the first iterate is not the start that was given"),
    "last_answer": ("fit:10000x8", "new-data: "),
    "stored_optimum": ("fit:10000x8", "new-data: a call takes "),
    "stored_start": ("fit:10000x8", "new-data: a call takes "),
    "norm_of_the_start": ("fit:10000x8", "data: it says that max|∇F| is "),
    "lazy_fit": ("fit:10000x8", "at-once: "),
}
"""Name → a workload on which it is wrong but hard to catch, and how the reason begins with which it is rejected."""
