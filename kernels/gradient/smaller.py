"""Probes for a kernel that is right up to some score only: the same data and labels, with smaller parameters.

    one-example, changed, some-examples    w is scaled, so that the largest score is the kernel's
    few-examples        the weight that settles the other examples is smaller
    scores-S            the few rows' scores are spread evenly up to S. In place of the smallest S above the kernel's
                        largest score: up to that
    tail-S, tail+S      the other examples are settled by a smaller weight. In place of the smallest S for which that
                        is impossible: the largest for which it is not

`rows`, `coherent` and `drawn-labels` have no larger scores than the workload, so they stay as they are.

**The bound.** An example is *settled* if its label is right and e^-|z| < u/4: then a is 0 or 1, and its loss and |dz|
are between 0 and e^-|z|, whichever formula is used. All other examples have the bound of their own, as in the
probes, and the settled ones add four times that. Below a score of log(4/u), 38 in float64, 18 in float32, no
example is settled, and the bound is that of any problem, which grows with m. The few rows are never settled.

In tail-S and tail+S each of the few rows may be rounded by 2u, as in a sum that has got a = 1 of a settled example
and not yet lost its y = 1. So S is no larger than where |dz| is 8 times that: 33 in float64, 13 in float32.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import log
from typing import Any, TypeAlias

import numpy as np

from kernels.contract import Change, Fresh, Inputs, Judge, SmallerProbe
from kernels.gradient.judge import judge
from kernels.gradient.probes import LARGEST_SCORES, TAILS, ProbeProblem, of_alone
from kernels.gradient.problem import Gradient, Problem
from kernels.gradient.reference import BLOCK_BYTES, Reference, blocks, unit_roundoff

EIGHT_SIGMA = 8.0
"""Standard deviations of weights, or of a score: larger than any that are drawn."""
_OF_ORDER_1 = 16.0
"""Scores that few-examples leaves for its other examples, at least; the other features add eight."""
_SMALLEST_NUMBER = 4
"""In the name of a probe. No kernel with a smaller score is raced, since b alone may be 4."""
_SETTLED = 4
"""A right kernel uses a quarter of this part of the bound, at most."""
_ROUNDINGS, _VISIBLE = 2, 8
_NUMBERED = re.compile(r"(scores-|tail[-+])(\d+)")


def largest_score(inputs: Inputs) -> float:
    """The largest |z| that the parameters of any call give: w_j of variance 1/n and b of ¼, eight deviations of z."""
    X = inputs.placed["X"]
    with np.errstate(over="ignore"):
        squares = (np.einsum("ij,ij->i", rows, rows).max() for rows, _ in _blocks(X, X[:, 0]))
        return float(EIGHT_SIGMA * np.sqrt(max(squares) / X.shape[1] + 0.25))


def makes_smaller(probe: ProbeProblem, expected: Judge) -> partial[SmallerProbe | None]:
    """What `Probe.smaller` is for this probe. It keeps no array of m numbers."""
    fresh = (probe.problem.w, probe.problem.b)
    return partial(_smaller, probe.name, fresh, probe.change, expected)


def _smaller(
    name: str, fresh: Fresh, change: Change | None, unchanged: Judge, inputs: Inputs, largest: float
) -> SmallerProbe | None:
    X, y = inputs.placed["X"], inputs.placed["y"]
    if _largest(X, *fresh) <= largest:
        return SmallerProbe(name, fresh, unchanged)
    # less than the kernel's largest, since a kernel rounds its score
    within = largest * (1 - 4 * (X.shape[1] + 2) * unit_roundoff(X.dtype))
    kind, number, roundings = name, 0, 0
    if numbered := _NUMBERED.fullmatch(name):
        kind, asked = numbered[1], int(numbered[2])
        possible, of_kind = largest, LARGEST_SCORES[X.dtype]
        if kind != "scores-":
            possible, of_kind, roundings = _largest_shift(X.dtype, largest), TAILS[X.dtype][1], _ROUNDINGS
        number = _possible(asked, int(possible), of_kind)
        if number < _SMALLEST_NUMBER:
            return None
        name = f"{kind}{number}"
    make = _MAKERS.get(kind, _scaled)
    w, b = make(X, fresh[0], fresh[1], number, within)
    w, b = w.astype(X.dtype), X.dtype.type(b)
    return SmallerProbe(name, (w, b), partial(judge, _expected(X, y, w, b, change, roundings), X.dtype))


def _possible(asked: int, possible: int, of_kind: Sequence[int]) -> int:
    """What is asked, if that is possible; the most that is, in place of the next larger number; 0 for all others."""
    if asked <= possible:
        return asked
    return possible if asked == min(number for number in of_kind if number > possible) else 0


def _settled_from(dtype: np.dtype[Any]) -> float:
    return log(4 / unit_roundoff(dtype))


def _largest_shift(dtype: np.dtype[Any], largest: float) -> float:
    """The others' smallest scores are the kernel's largest less 2 S."""
    return min((largest - _settled_from(dtype)) / 2, -log(_VISIBLE * _ROUNDINGS * unit_roundoff(dtype)))


_Parameters: TypeAlias = tuple[np.ndarray, Any]


def _scaled(X: np.ndarray, w: np.ndarray, b: Any, _number: int, within: float) -> _Parameters:
    factor = within / _largest(X, w, b)
    return w * factor, b * factor


def _settling(X: np.ndarray, w: np.ndarray, b: Any, number: int, within: float) -> _Parameters:
    """With a smaller weight of the first column, or of all where too little is left for it."""
    others = float(np.abs(w[1:]).sum())
    if within < others + _OF_ORDER_1:
        return _scaled(X, w, b, number, within)
    return np.append(within - others, w[1:]), b


def _spread(X: np.ndarray, w: np.ndarray, b: Any, number: int, within: float) -> _Parameters:
    """The second column is uniform in the few rows, and ±1 in the others, which keep the signs of their labels."""
    if X.shape[1] == 1:
        return _scaled(X, w, b, number, within)
    row, w, spread = X[int(np.abs(X[:, 0]).argmax())], np.zeros(X.shape[1]), min(number, within)
    w[0], w[1] = within - spread, np.copysign(spread, row[0] * row[1])
    return w, 0.0


def _shifted(X: np.ndarray, _w: np.ndarray, b: Any, number: int, within: float) -> _Parameters:
    w = np.zeros(X.shape[1])
    w[0] = within - number
    return w, np.copysign(number, b)


_MAKERS: dict[str, Callable[[np.ndarray, np.ndarray, Any, int, float], _Parameters]] = {
    "few-examples": _settling,
    "scores-": _spread,
    "tail-": _shifted,
    "tail+": _shifted,
}
"""Kind of probe → (X, its w and b, the number in its name, the largest score) → w and b."""


def _expected(
    X: np.ndarray, y: np.ndarray, w: np.ndarray, b: Any, change: Change | None, roundings: int
) -> Reference:
    """The reference of the examples that are not settled, with a bound for what the settled ones add.

    roundings: of 1, that each example in it may have
    """
    settled, start = np.zeros(len(X), bool), 0
    added = Gradient(0.0, np.zeros(X.shape[1]), 0.0)
    for rows, labels in _blocks(X, y):
        s = (1 - 2 * labels) * (rows @ w.astype(np.float64) + float(b))
        of_block = (s < -_settled_from(X.dtype)) & (np.abs(rows[:, 0]) == 1)
        if change and start <= change.row < start + len(rows):
            of_block[change.row - start] = False
        e = np.exp(s[of_block])
        sums = zip(added, (e.sum(), e @ np.abs(rows[of_block]), e.sum()), strict=True)
        added = Gradient(*(part + more for part, more in sums))
        settled[start : start + len(rows)] = of_block
        start += len(rows)
    active = np.flatnonzero(~settled)
    few = X if active.size == len(X) and not change else X[active]
    if change:
        few[np.searchsorted(active, change.row)] = change.values
    alone = of_alone(Problem(few, y[active], w, b), len(X))
    rounded = Gradient(0.0, np.abs(few).sum(axis=0, dtype=np.float64), len(few))
    parts, u = zip(alone.bound, added, rounded, strict=True), roundings * unit_roundoff(X.dtype)
    return alone._replace(bound=Gradient(*(limit + (_SETTLED * e + u * x) / len(X) for limit, e, x in parts)))


def _largest(X: np.ndarray, w: np.ndarray, b: Any) -> float:
    wide = w.astype(np.float64)
    return max(float(np.abs(rows @ wide + float(b)).max()) for rows, _ in _blocks(X, X[:, 0]))


def _blocks(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return blocks(X, y, max(1, BLOCK_BYTES // (8 * X.shape[1])))
