"""Probes: problems with a workload's shape, dtype and order, made so that little rounding can hide a mistake.

`drawn_labels` is on the workload's own X. All others share one X. Its rows are signs, x_i = s_i p with random s_i, so
that every example has the same weight. The exceptions are a few rows of full-precision numbers, tiny in the first
column: a large weight on that column makes every score huge but theirs, which are then where the weight and b put
them. docs/gate.md explains each probe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels.contract import Change
from kernels.gradient import cancelling, reference
from kernels.gradient.problem import Gradient, Problem
from kernels.gradient.reference import Reference, unit_roundoff

_SEED = 1847
_FEW, _SOME = 64, 1000
# For a score of ±C, σ is 0 or 1 and the loss is 0 or C: e^-C is below the smallest subnormal, even where the other
# features change the score by 8 in few-examples. (A kernel that computes float32 in double has 1e-52 there.)
# A power of two, so that C / m is rounded once.
_SATURATED_SCORE = {np.dtype(np.float32): 128.0, np.dtype(np.float64): 1024.0}
_OTHER_SCORES = 8.0
_FEW_SCORES = (0.125, 4.0)
LARGEST_SCORES = {np.dtype(np.float32): (128,), np.dtype(np.float64): (128, 1024)}
"""The largest of the few rows' scores in the probes `scores-...`; the smallest is a 32nd of it."""
TAILS = {np.dtype(np.float32): (2, (10, 24, 56)), np.dtype(np.float64): (4, (20, 60, 200, 600))}
"""What the few rows' scores of at most 4 are multiplied by, and how far they are then shifted. e^-shift / m must be a
normal number, because a kernel may divide by m first, and XLA replaces smaller ones by zero."""
_PRECISIONS = (11, 8)
"""Digits of float16 (and of tf32), and of bfloat16."""


@dataclass(frozen=True, eq=False)
class ProbeProblem:
    """A problem and its expected result."""

    name: str
    problem: Problem
    expected: Reference
    active: np.ndarray | None = None
    """The rows that have a gradient, where all others have none; None: all rows have one."""
    change: Change | None = None


def drawn_labels(X: np.ndarray, parameters: tuple[np.ndarray, Any]) -> ProbeProblem:
    """The workload's own X, with labels drawn from the model with these w (n,) and b: P(y_i = 1) = σ(z_i).

    Neither X nor the parameters tell a kernel that it is being checked. dz_i = a_i − y_i has mean zero, so that dw
    and db nearly cancel, as in `rows`, and a missing example shows. The random number behind y_i is made of those
    digits of one x_ij that float16 or bfloat16 would round away: y_i = 1 where they are low, so that the error of
    such a rounding has the sign of dz_i, and the errors of all examples add up.
    """
    w, b = parameters
    m, n = X.shape
    rng = np.random.default_rng()
    chosen = X[np.arange(m), rng.integers(0, n, m)].astype(np.float64)
    scaled = np.ldexp(np.frexp(chosen)[0], rng.choice(_PRECISIONS, m))
    lost = scaled - np.rint(scaled)  # within ±½
    draws = np.where(lost == 0, rng.random(m), lost + 0.5)
    z = X @ w + b
    y = (draws * (1 + np.exp(-np.clip(z, -50, 50))) < 1).astype(X.dtype)
    problem = Problem(X, y, w, b)
    return ProbeProblem("drawn-labels", problem, cancelling.compute(problem))


def probe_problems(like: np.ndarray, all_scores: bool = False) -> tuple[ProbeProblem, ...]:
    """rows, one-example, some-examples, few-examples and coherent, all with one X of this shape, dtype and order.

    all_scores: the probes of scores of every size as well, scores-... and tail-...
    """
    (m, n), dtype = like.shape, like.dtype
    rng = np.random.default_rng([_SEED, m, n])
    signs, p = rng.choice([-1.0, 1.0], m), rng.choice([-1.0, 1.0], n)
    X = np.empty((m, n), dtype, order="C" if like.flags.c_contiguous else "F")
    np.multiply.outer(signs.astype(dtype), p.astype(dtype), out=X)
    few = np.sort(rng.choice(m, min(m, _FEW), replace=False))
    X[few] = rng.uniform(-1, 1, (few.size, n))
    # evenly in log |z|, with alternating signs
    few_scores = np.geomspace(*_FEW_SCORES, few.size) * np.resize([-1.0, 1.0], few.size)
    X[few, 0] = rng.permutation(few_scores) / _SATURATED_SCORE[dtype]
    return (
        _rows(X, np.asarray(rng.integers(0, 2, m))),
        _wrong_labels("one-example", X, np.array([m - 1])),
        *([_changed(X)] if m > 1 else []),
        _wrong_labels("some-examples", X, rng.choice(m, min(m, _SOME), replace=False)),
        _few_examples(X, few, rng),
        _coherent(X, signs, rng),
        *(_scores(X, few) if all_scores else ()),
    )


def _rows(X: np.ndarray, y: np.ndarray) -> ProbeProblem:
    """w = 0 and b = 0: dz_i = ±½, and the sums nearly cancel, so that each single example changes them visibly.

    Each partial sum is a small multiple of ½ and exact, except for the few rows, unless the kernel applies 1/m before
    it sums. In that case the rounding errors are those of a random walk of m steps of 1/(2m): their sum has a
    standard deviation of 0.4 u m steps, and a missing example is one step. The tolerance, ¼ + 1.5 u m steps, lies
    between the two while u m < ½, which for float32 is m < 2^23.
    """
    (m, n), u = X.shape, unit_roundoff(X.dtype)
    dz = 0.5 - y
    dw = np.array([dz @ X[:, j].astype(np.float64) for j in range(n)]) / m
    value = Gradient(np.log(2.0), dw, dz.sum() / m)
    tolerance = (0.25 + 1.5 * u * m) * 0.5 / m
    bound = Gradient((m + 8) * u * np.log(2.0), tolerance + 4 * u * abs(dw), tolerance + 4 * u * abs(value.db))
    scale = Gradient(np.log(2.0), np.full(n, 0.5), 0.5)
    problem = Problem(X, y.astype(X.dtype), np.zeros(n, X.dtype), 0.0)
    return ProbeProblem("rows", problem, _reference(value, bound, scale))


def _changed(X: np.ndarray) -> ProbeProblem:
    """one-example, in the same array, after its first row was negated: a second example now has the wrong label."""
    last, change = len(X) - 1, Change("X", 0, -X[0])
    return _wrong_labels("changed", X, np.array([last, 0]), change)


def _wrong_labels(name: str, X: np.ndarray, wrong: np.ndarray, change: Change | None = None) -> ProbeProblem:
    """Every score saturates. The examples `wrong` have the wrong label; all others add exactly 0.

    The bound for k wrong labels: k − 1 sums, a rounded 1/m, a product with it, and two more for a fast division.
    """
    (m, n), u = X.shape, unit_roundoff(X.dtype)
    w = np.zeros(n, X.dtype)
    w[0] = _SATURATED_SCORE[X.dtype] ** 2 / _FEW_SCORES[0]  # saturates the few rows too
    y = (X[:, 0] > 0).astype(X.dtype)
    x = X[wrong].astype(np.float64)
    flipped = wrong
    if change:
        flipped = wrong[wrong != change.row]
        x[wrong == change.row] = change.values
    y[flipped] = 1 - y[flipped]
    dz = 1.0 - 2.0 * y[wrong].astype(np.float64)
    losses = np.abs(float(w[0]) * x[:, 0])
    value = Gradient(losses.sum() / m, dz @ x / m, dz.sum() / m)
    size = Gradient(value.cost, np.abs(x).sum(axis=0) / m, wrong.size / m)
    bound = Gradient(*((wrong.size + 3) * u * part for part in size))
    return ProbeProblem(name, Problem(X, y, w, 0.0), _reference(value, bound, size), wrong, change)


def _few_examples(X: np.ndarray, few: np.ndarray, rng: np.random.Generator) -> ProbeProblem:
    """A few examples have scores of order 1. All others saturate and have the right label, so they add exactly 0.

    The expected result and its bound are those of the few examples alone, times their share of m.
    """
    w = rng.standard_normal(X.shape[1])
    w *= _OTHER_SCORES / np.abs(w).sum()
    w[0] = _SATURATED_SCORE[X.dtype]
    return _only_few("few-examples", X, few, rng.integers(0, 2, few.size), w, 0.0)


def _only_few(name: str, X: np.ndarray, few: np.ndarray, labels: np.ndarray, w: np.ndarray, b: float) -> ProbeProblem:
    """A problem to which all but the few examples add exactly 0. labels: of the few"""
    y = (X[:, 0] > 0).astype(X.dtype)
    y[few] = labels
    problem = Problem(X, y, w.astype(X.dtype), b)
    return ProbeProblem(name, problem, of_active(problem, few), few)


def of_active(problem: Problem, active: np.ndarray, roundings: int = 0) -> Reference:
    """The expected result where all but the active examples add exactly 0. roundings: as in `reference.compute`"""
    few = Problem(problem.X[active], problem.y[active], problem.w, problem.b)
    return of_alone(few, problem.m, roundings)


def of_alone(few: Problem, m: int, roundings: int = 0) -> Reference:
    """The expected result of m examples, of which only these few do not add exactly 0."""
    u, t = unit_roundoff(few.dtype), float(np.finfo(few.dtype).smallest_normal)
    alone = reference.compute(few, roundings=roundings)
    value, bound, scale = (
        Gradient(*(part * (few.m / m) for part in parts)) for parts in (alone.value, alone.bound, alone.scale)
    )
    # t: of a kernel that divides by m first, each term may be flushed to zero
    bound = Gradient(*(limit + 4 * u * np.abs(part) + few.m * t for limit, part in zip(bound, value, strict=True)))
    return _reference(value, bound, scale)


def _scores(X: np.ndarray, few: np.ndarray) -> Iterator[ProbeProblem]:
    """The few examples have scores of every size, and all others the right label and a score that saturates.

    scores-S: |z| from S/32 to S, evenly in log |z|, of both signs and with the wrong labels: each loss is |z| and
    each |dz| about 1, so that a gap in the range of scores shows.
    tail-Z: z is about −Z, and y = 0: nothing but e^z is summed, so that dz must be right relative to itself. (The
    loss need not be: log(1 + e^z) − y z may round z.) tail+Z: z about Z, y = 1, where 1 − a may be rounded.
    """
    C = _SATURATED_SCORE[X.dtype]
    w, signs = np.zeros(X.shape[1]), X[few, 0] > 0
    for largest in LARGEST_SCORES[X.dtype]:
        w[0] = C * largest / _FEW_SCORES[1]
        yield _only_few(f"scores-{largest}", X, few, ~signs, w, 0.0)
    factor, shifts = TAILS[X.dtype]
    w[0] = C * factor
    for shift in shifts:
        yield _only_few(f"tail-{shift}", X, few, np.zeros(few.size), w, -float(shift))
    yield _only_few(f"tail+{shifts[0]}", X, few, np.ones(few.size), w, float(shifts[0]))


def _coherent(X: np.ndarray, signs: np.ndarray, rng: np.random.Generator) -> ProbeProblem:
    """Labels follow s_i: all but the few examples add the same to dw, so that rounding errors do not average out."""
    w = (rng.standard_normal(X.shape[1]) / np.sqrt(X.shape[1])).astype(X.dtype)
    problem = Problem(X, (signs < 0).astype(X.dtype), w, 0.0)
    # quick: the bound is so wide here that the reference need not be exact
    return ProbeProblem("coherent", problem, reference.compute(problem, quick=True))


def _reference(value: Gradient, bound: Gradient, scale: Gradient) -> Reference:
    return Reference(value, Gradient(0.0, np.zeros_like(value.dw), 0.0), bound, scale)
