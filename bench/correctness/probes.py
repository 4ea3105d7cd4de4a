"""Problems at a workload's shape, dtype and order, made so that mistakes have little rounding to hide in.

They share one X: rows of signs, x_i = s_i p with random s_i, so that every example weighs the same; but for a
few rows of full-precision numbers, tiny in the first column, so that a weight on that column can make every
score huge but theirs. Why each probe: docs/gate.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.workloads.catalog import Workload
from kernels import Gradient, Problem, reference
from kernels.reference import Reference, unit_roundoff

_SEED = 1847
_FEW, _SOME = 16, 1000
# To σ a score of ±C is 0 or 1, and its loss 0 or C: e^-C is below the smallest subnormal, with room for the 8
# that the other features may add in few-examples. (A kernel that computes float32 in double has 1e-52 there.)
# A power of two, so that C / m is rounded once.
_SATURATED_SCORE = {np.dtype(np.float32): 128.0, np.dtype(np.float64): 1024.0}
_OTHER_SCORES = 8.0
_FEW_SCORES = (0.125, 4.0)


@dataclass(frozen=True, eq=False)
class Check:
    """A question to a kernel, and its answer."""

    name: str
    problem: Problem
    expected: Reference


def probes(workload: Workload) -> tuple[Check, ...]:
    """rows, one-example, some-examples, few-examples and coherent, all with the same X."""
    m, n, dtype = workload.m, workload.n, workload.dtype
    rng = np.random.default_rng([_SEED, m, n])
    signs, p = rng.choice([-1.0, 1.0], m), rng.choice([-1.0, 1.0], n)
    X = np.empty((m, n), dtype, order=workload.order)
    np.multiply.outer(signs.astype(dtype), p.astype(dtype), out=X)
    few = np.sort(rng.choice(m, min(m, _FEW), replace=False))
    X[few] = rng.uniform(-1, 1, (few.size, n))
    few_scores = rng.choice([-1.0, 1.0], few.size) * rng.uniform(*_FEW_SCORES, few.size)
    X[few, 0] = few_scores / _SATURATED_SCORE[dtype]
    return (
        _rows(X, rng.integers(0, 2, m)),
        _mistaken("one-example", X, np.array([m - 1])),
        _mistaken("some-examples", X, rng.choice(m, min(m, _SOME), replace=False)),
        _few_examples(X, few, rng),
        _coherent(X, signs, rng),
    )


def _rows(X: np.ndarray, y: np.ndarray) -> Check:
    """w = 0 and b = 0: dz_i = ±½, and the sums nearly cancel, so that each example is seen in them.

    Each partial sum is a small multiple of ½, exact but for the few rows, unless 1/m went in before. Where it
    did, the roundings are those of a random walk of m steps of 1/(2m): their sum has a standard deviation of
    0.4 u m steps, and a missing example is one step. The tolerance, ¼ + 1.5 u m steps, lies between the two
    while u m < ½, which for float32 is m < 2^23.
    """
    (m, n), u = X.shape, unit_roundoff(X.dtype)
    dz = 0.5 - y
    dw = np.array([dz @ X[:, j].astype(np.float64) for j in range(n)]) / m
    value = Gradient(np.log(2.0), dw, dz.sum() / m)
    tolerance = (0.25 + 1.5 * u * m) * 0.5 / m
    bound = Gradient((m + 8) * u * np.log(2.0), tolerance + 4 * u * abs(dw), tolerance + 4 * u * abs(value.db))
    scale = Gradient(np.log(2.0), np.full(n, 0.5), 0.5)
    problem = Problem(X, y.astype(X.dtype), np.zeros(n, X.dtype), 0.0)
    return Check("rows", problem, _answer(value, bound, scale))


def _mistaken(name: str, X: np.ndarray, wrong: np.ndarray) -> Check:
    """Every score saturates, and every example but the k wrong ones is labelled right and adds exactly 0.

    k terms: k − 1 sums, a rounded 1/m and a product with it, and two more for a fast division.
    """
    (m, n), u = X.shape, unit_roundoff(X.dtype)
    w = np.zeros(n, X.dtype)
    w[0] = _SATURATED_SCORE[X.dtype] ** 2 / _FEW_SCORES[0]  # enough for the few rows too
    y = (X[:, 0] > 0).astype(X.dtype)
    y[wrong] = 1 - y[wrong]
    x, dz = X[wrong].astype(np.float64), 1.0 - 2.0 * y[wrong].astype(np.float64)
    losses = np.abs(float(w[0]) * x[:, 0])
    value = Gradient(losses.sum() / m, dz @ x / m, dz.sum() / m)
    size = Gradient(value.cost, np.abs(x).sum(axis=0) / m, wrong.size / m)
    bound = Gradient(*((wrong.size + 3) * u * part for part in size))
    return Check(name, Problem(X, y, w, 0.0), _answer(value, bound, size))


def _few_examples(X: np.ndarray, few: np.ndarray, rng: np.random.Generator) -> Check:
    """A few examples have scores of order 1; all others saturate and are right, so they add exactly 0.

    The answer, and its bound, are those of the few examples alone, times their share of m.
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
    wider = Gradient(*(most + 4 * u * np.abs(part) for most, part in zip(bound, value, strict=True)))
    return Check("few-examples", problem, _answer(value, wider, scale))


def _coherent(X: np.ndarray, signs: np.ndarray, rng: np.random.Generator) -> Check:
    """Labels by s_i: all but the few examples add the same to dw, so that no roundings average out."""
    w = (rng.standard_normal(X.shape[1]) / np.sqrt(X.shape[1])).astype(X.dtype)
    problem = Problem(X, (signs < 0).astype(X.dtype), w, 0.0)
    return Check("coherent", problem, reference.compute(problem))


def _answer(value: Gradient, bound: Gradient, scale: Gradient) -> Reference:
    return Reference(value, Gradient(0.0, np.zeros_like(value.dw), 0.0), bound, scale)
