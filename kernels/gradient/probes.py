"""Probes: problems with a workload's shape, dtype and order, made so that little rounding can hide a mistake.

They share one X. Its rows are signs, x_i = s_i p with random s_i, so that every example has the same weight. The
exceptions are a few rows of full-precision numbers, tiny in the first column, so that a large weight on that column
makes every score huge except theirs. docs/gate.md explains each probe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.gradient import reference
from kernels.gradient.problem import Gradient, Problem
from kernels.gradient.reference import Reference, unit_roundoff

_SEED = 1847
_FEW, _SOME = 16, 1000
# For a score of ±C, σ is 0 or 1 and the loss is 0 or C: e^-C is below the smallest subnormal, even where the other
# features change the score by 8 in few-examples. (A kernel that computes float32 in double has 1e-52 there.)
# A power of two, so that C / m is rounded once.
_SATURATED_SCORE = {np.dtype(np.float32): 128.0, np.dtype(np.float64): 1024.0}
_OTHER_SCORES = 8.0
_FEW_SCORES = (0.125, 4.0)


@dataclass(frozen=True, eq=False)
class ProbeProblem:
    """A problem and its expected result."""

    name: str
    problem: Problem
    expected: Reference


def probe_problems(like: np.ndarray) -> tuple[ProbeProblem, ...]:
    """rows, one-example, some-examples, few-examples and coherent, all with one X of this shape, dtype and order."""
    (m, n), dtype = like.shape, like.dtype
    rng = np.random.default_rng([_SEED, m, n])
    signs, p = rng.choice([-1.0, 1.0], m), rng.choice([-1.0, 1.0], n)
    X = np.empty((m, n), dtype, order="C" if like.flags.c_contiguous else "F")
    np.multiply.outer(signs.astype(dtype), p.astype(dtype), out=X)
    few = np.sort(rng.choice(m, min(m, _FEW), replace=False))
    X[few] = rng.uniform(-1, 1, (few.size, n))
    few_scores = rng.choice([-1.0, 1.0], few.size) * rng.uniform(*_FEW_SCORES, few.size)
    X[few, 0] = few_scores / _SATURATED_SCORE[dtype]
    return (
        _rows(X, np.asarray(rng.integers(0, 2, m))),
        _wrong_labels("one-example", X, np.array([m - 1])),
        _wrong_labels("some-examples", X, rng.choice(m, min(m, _SOME), replace=False)),
        _few_examples(X, few, rng),
        _coherent(X, signs, rng),
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


def _wrong_labels(name: str, X: np.ndarray, wrong: np.ndarray) -> ProbeProblem:
    """Every score saturates. The examples `wrong` have the wrong label; all others add exactly 0.

    The bound for k wrong labels: k − 1 sums, a rounded 1/m, a product with it, and two more for a fast division.
    """
    (m, n), u = X.shape, unit_roundoff(X.dtype)
    w = np.zeros(n, X.dtype)
    w[0] = _SATURATED_SCORE[X.dtype] ** 2 / _FEW_SCORES[0]  # saturates the few rows too
    y = (X[:, 0] > 0).astype(X.dtype)
    y[wrong] = 1 - y[wrong]
    x, dz = X[wrong].astype(np.float64), 1.0 - 2.0 * y[wrong].astype(np.float64)
    losses = np.abs(float(w[0]) * x[:, 0])
    value = Gradient(losses.sum() / m, dz @ x / m, dz.sum() / m)
    size = Gradient(value.cost, np.abs(x).sum(axis=0) / m, wrong.size / m)
    bound = Gradient(*((wrong.size + 3) * u * part for part in size))
    return ProbeProblem(name, Problem(X, y, w, 0.0), _reference(value, bound, size))


def _few_examples(X: np.ndarray, few: np.ndarray, rng: np.random.Generator) -> ProbeProblem:
    """A few examples have scores of order 1. All others saturate and have the right label, so they add exactly 0.

    The expected result and its bound are those of the few examples alone, times their share of m.
    """
    (m, n), u = X.shape, unit_roundoff(X.dtype)
    w = rng.standard_normal(n)
    w *= _OTHER_SCORES / np.abs(w).sum()
    w[0] = _SATURATED_SCORE[X.dtype]
    y = (X[:, 0] > 0).astype(X.dtype)
    y[few] = rng.integers(0, 2, few.size)
    problem = Problem(X, y, w.astype(X.dtype), 0.0)
    alone = reference.compute(Problem(X[few], y[few], problem.w, 0.0))
    value, bound, scale = (
        Gradient(*(part * (few.size / m) for part in parts)) for parts in (alone.value, alone.bound, alone.scale)
    )
    bound = Gradient(*(limit + 4 * u * np.abs(part) for limit, part in zip(bound, value, strict=True)))
    return ProbeProblem("few-examples", problem, _reference(value, bound, scale))


def _coherent(X: np.ndarray, signs: np.ndarray, rng: np.random.Generator) -> ProbeProblem:
    """Labels follow s_i: all but the few examples add the same to dw, so that rounding errors do not average out."""
    w = (rng.standard_normal(X.shape[1]) / np.sqrt(X.shape[1])).astype(X.dtype)
    problem = Problem(X, (signs < 0).astype(X.dtype), w, 0.0)
    return ProbeProblem("coherent", problem, reference.compute(problem))


def _reference(value: Gradient, bound: Gradient, scale: Gradient) -> Reference:
    return Reference(value, Gradient(0.0, np.zeros_like(value.dw), 0.0), bound, scale)
