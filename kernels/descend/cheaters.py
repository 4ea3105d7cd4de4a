"""Descents that cheat, each in one way, and the check that must catch each of them.

What is caught of a gradient is caught of its descent in the same way; most of these take a right gradient and spoil
the descent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from kernels.backends import NUMPY
from kernels.contract import Kernel
from kernels.descend.path import Path
from kernels.gradient.numpy_vectorized import gradient as correct_gradient

_CALLS_BEFORE_TIMING = 8
"""Compiling, the first call, `data` and five probes."""


def _cheater(descend: Callable[..., Path]) -> Kernel:
    """The kernel of a descent whose first argument is the number of steps."""
    summary = (descend.__doc__ or "").strip()
    return Kernel(
        descend.__name__, NUMPY, summary, None, build=lambda steps: partial(descend, steps), operation="descend"
    )


def _correct(steps: int, X: Any, y: Any, alpha: Any, w: Any, b: Any, slope: Any = None) -> Path:
    """The right path; or with dw and db from slope(t, w, b)."""
    costs, ws, bs = [], [w], [b]
    for t in range(steps):
        J, dw, db = correct_gradient(X, y, w, b)
        if slope is not None:
            dw, db = slope(t, w, b)
        w, b = w - alpha * dw, b - alpha * db
        costs.append(J)
        ws.append(w)
        bs.append(b)
    costs.append(correct_gradient(X, y, w, b).cost)
    return Path(np.array(costs), np.array(ws), np.array(bs))


def _repeated(path: Path, entries: Any) -> Path:
    return Path(*(part[entries] for part in path))


@_cheater
def one_step_fewer(steps: int, *arguments: Any) -> Path:
    """Makes one step fewer, and repeats the last entry."""
    return _repeated(_correct(steps - 1, *arguments), [*range(steps), steps - 1])


@_cheater
def shorter_path(steps: int, *arguments: Any) -> Path:
    """Makes one step fewer."""
    return _correct(steps - 1, *arguments)


@_cheater
def stops_early(steps: int, *arguments: Any) -> Path:
    """Makes seven of ten steps, and repeats the last entry."""
    made = 7 * steps // 10
    return _repeated(_correct(made, *arguments), np.minimum(np.arange(steps + 1), made))


@_cheater
def skipped_step(steps: int, *arguments: Any) -> Path:
    """Repeats one entry in the middle."""
    return _repeated(_correct(steps - 1, *arguments), [*range(steps // 2), *range(steps // 2 - 1, steps)])


@_cheater
def another_rate(steps: int, X: Any, y: Any, alpha: Any, w: Any, b: Any) -> Path:
    """Multiplies α by 1 + 10⁻⁶."""
    return _correct(steps, X, y, alpha * X.dtype.type(1 + 1e-6), w, b)


another_rate_in_float32 = another_rate
"""On the data it is hidden by the roundings of the sums."""


@_cheater
def hidden_float32(steps: int, X: Any, *others: Any) -> Path:
    """Computes in single precision and returns double precision, from the start as it was given."""
    path = Path(*(part.astype(X.dtype) for part in _correct(steps, *(np.float32(part) for part in (X, *others)))))
    path.ws[0], path.bs[0] = others[-2:]
    return path


@_cheater
def cost_of_the_step_before(steps: int, *arguments: Any) -> Path:
    """Returns each cost one step late."""
    path = _correct(steps, *arguments)
    return path._replace(costs=path.costs[[0, *range(steps)]])


@_cheater
def another_start(steps: int, X: Any, y: Any, alpha: Any, w: Any, b: Any) -> Path:
    """Starts from zero."""
    return _correct(steps, X, y, alpha, w * 0, b * 0)


@_cheater
def another_start_hidden(steps: int, X: Any, y: Any, alpha: Any, w: Any, b: Any) -> Path:
    """Starts from zero, and returns the start that was given."""
    path = _correct(steps, X, y, alpha, w * 0, b * 0)
    path.costs[0], path.ws[0], path.bs[0] = correct_gradient(X, y, w, b).cost, w, b
    return path


@_cheater
def stale_gradient(steps: int, X: Any, y: Any, alpha: Any, w: Any, b: Any) -> Path:
    """Makes each step with the gradient of the step before."""
    gradients = [correct_gradient(X, y, w, b)]

    def slope(_t: int, w: Any, b: Any) -> Any:
        gradients.append(correct_gradient(X, y, w, b))
        return gradients.pop(0)[1:]

    return _correct(steps, X, y, alpha, w, b, slope)


@_cheater
def half_of_the_rows_later(steps: int, X: Any, y: Any, alpha: Any, w: Any, b: Any) -> Path:
    """Makes the first step on all rows, and the others on every second."""
    return _correct(
        steps, X, y, alpha, w, b, lambda t, w, b: correct_gradient(X[:: 1 + (t > 0)], y[:: 1 + (t > 0)], w, b)[1:]
    )


_remembered: dict[tuple[int, ...], Path] = {}


@_cheater
def remembered_end(steps: int, X: Any, *others: Any) -> Path:
    """Makes half of the steps; the others, near the minimum, are those of the first call on an X of this shape."""
    first, half = _remembered.setdefault(X.shape, _correct(steps, X, *others)), steps // 2
    path = _correct(half, X, *others)
    return Path(*(np.concatenate([part, rest[half + 1 :]]) for part, rest in zip(path, first, strict=True)))


_paths: list[Path] = []


@_cheater
def first_calls_only(steps: int, X: Any, y: Any, alpha: Any, w: Any, b: Any) -> Path:
    """Stops computing once it has been checked, and returns its last path, from the start that was given."""
    if len(_paths) < _CALLS_BEFORE_TIMING:
        _paths.append(_correct(steps, X, y, alpha, w, b))
    path = Path(*(part.copy() for part in _paths[-1]))
    path.ws[0], path.bs[0] = w, b
    return path


@_cheater
def dropped_last_row(steps: int, X: Any, y: Any, alpha: Any, w: Any, b: Any) -> Path:
    """Leaves the last example out of the steps, but divides by the right m."""
    share = X.dtype.type((len(y) - 1) / len(y))
    return _correct(
        steps,
        X,
        y,
        alpha,
        w,
        b,
        lambda _t, w, b: [share * part for part in correct_gradient(X[:-1], y[:-1], w, b)[1:]],
    )


@_cheater
def wrong_mean(steps: int, X: Any, y: Any, alpha: Any, w: Any, b: Any) -> Path:
    """Divides by m − 1 in the steps."""
    return _correct(steps, X, y, alpha * X.dtype.type(len(y) / (len(y) - 1)), w, b)


class _Late(tuple[Any, ...]):
    """Three zeros, until it is iterated."""

    compute: Any

    def __iter__(self) -> Any:
        return iter(self.compute())


@_cheater
def lazy_path(steps: int, *arguments: Any) -> Any:
    """Computes when the tuple of its results is iterated, after the timer has stopped."""
    late = _Late((0, 0, 0))
    late.compute = cache(lambda: _correct(steps, *arguments))
    return late


CHEATERS = {
    "lazy_path": ("descend:lecture@steps=20", "at-once: "),
    "one_step_fewer": ("descend:lecture@steps=20", "data: "),
    "shorter_path": ("descend:lecture@steps=20", "data: costs has shape (20,); expected (21,)"),
    "stops_early": ("descend:lecture@steps=20", "data: "),
    "skipped_step": ("descend:lecture@steps=20", "data: "),
    "another_rate": ("descend:lecture@steps=20", "data: "),
    "another_rate_in_float32": ("descend:lecture-f32@steps=20", "one-example: "),
    "hidden_float32": ("descend:lecture@steps=20", "data: "),
    "cost_of_the_step_before": ("descend:lecture@steps=20", "data: costs["),
    "another_start": ("descend:lecture@steps=20", "data: the path does not begin at the start that was given"),
    "another_start_hidden": ("descend:lecture@steps=20", "data: "),
    "stale_gradient": ("descend:lecture@steps=20", "data: "),
    "half_of_the_rows_later": ("descend:lecture@steps=20", "data: "),
    "remembered_end": ("descend:lecture@steps=20", "data: "),
    "first_calls_only": ("descend:lecture@steps=20", "timed: "),
    "dropped_last_row": ("descend:200000x8-f32@steps=2", "rows: "),
    "wrong_mean": ("descend:200000x8-f32@steps=2", "one-example: "),
}
"""Name → a workload on which it is wrong but hard to catch, and how the reason begins with which it is rejected."""
