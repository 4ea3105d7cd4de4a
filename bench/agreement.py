"""The gate: does a kernel compute the right thing? It is timed only if it does, at the workload's own shape.

    data         the workload's own examples, within the reference's a-priori bound
    rows         dz_i = ±½ and sums that nearly cancel: a row dropped or counted twice moves each by 1/(2m)
    one-example  σ is 0 or 1, and every example but the last is right: a sum of one term shows a wrong 1/m
    coherent     every example adds the same to dw, so that roundings cannot average out
    unseen       the workload's own examples with new parameters, after the last timed round

Why each of them, and why the bound alone would not do: docs/gate.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from bench import workloads
from bench.workloads import Workload
from kernels import Gradient, Kernel, Problem, reference
from kernels.reference import Reference, unit_roundoff

GATE_DRAW, UNSEEN_DRAW, FIRST_TIMED_DRAW = 0, 1, 2
"""Which of a workload's parameters are for what."""

_SEED = 1847
# to σ a score of ±C is 0 or 1: e^-C is below the smallest subnormal. A power of two: C/m is rounded once
_SATURATED_SCORE = {np.dtype(np.float32): 128.0, np.dtype(np.float64): 1024.0}


@dataclass(frozen=True, eq=False)
class Check:
    """A question to a kernel, and its answer."""

    name: str
    problem: Problem
    expected: Reference


@dataclass(frozen=True)
class Finding:
    """What one check found of one kernel."""

    check: str
    max_ulps: float
    """The largest error / (u · mean of the sum's own terms)."""
    bound_fraction: float
    """The largest error / the largest error of an honest kernel."""
    failure: str = ""
    """What is wrong, in one line; empty where the kernel agrees."""


def prepare(workload: Workload) -> None:
    """Make the data, the probes and the references, which all kernels share. Raises DatasetUnavailable."""
    for draw in (GATE_DRAW, UNSEEN_DRAW):
        _reference(workload, draw)
    probes(workload)


def before(kernel: Kernel, workload: Workload, X: Any, y: Any) -> Iterator[Finding]:
    """The checks before any timing, one by one. X and y: the workload's, placed by the kernel's backend."""
    yield judge(kernel, _own_data(workload, "data", GATE_DRAW), X, y)
    probe_X = kernel.backend.asarray(probes(workload)[0].problem.X)
    for check in probes(workload):
        yield judge(kernel, check, probe_X, kernel.backend.asarray(check.problem.y))


def after(kernel: Kernel, workload: Workload, X: Any, y: Any) -> Finding:
    """The check after the last timed round, on parameters that the kernel has not seen."""
    return judge(kernel, _own_data(workload, "unseen", UNSEEN_DRAW), X, y)


def judge(kernel: Kernel, check: Check, X: Any, y: Any) -> Finding:
    """One call, compared with what it should return. X and y: the check's, placed by the kernel's backend.

    Whatever the kernel raises goes to the caller.
    """
    asarray, problem = kernel.backend.asarray, check.problem
    result = kernel.backend.wait(kernel.gradient(X, y, asarray(problem.w), asarray(problem.b)))
    got = _brought_back(kernel, result, problem)
    if isinstance(got, str):
        return Finding(check.name, np.inf, np.inf, f"{check.name}: {got}")
    return _compare(check, got)


def _brought_back(kernel: Kernel, result: Any, problem: Problem) -> Gradient | str:
    """The result as NumPy, or what is wrong with its form."""
    if not isinstance(result, (tuple, list)) or len(result) != len(Gradient._fields):
        size = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
        return f"it returned a {type(result).__name__}{size}; expected (cost, dw, db)"
    arrays = []
    for name, part, shape in zip(Gradient._fields, result, ((), (problem.n,), ()), strict=True):
        array = kernel.backend.asnumpy(part, problem.dtype)
        if array.dtype != problem.dtype:
            return f"{name} is {array.dtype}; expected {problem.dtype}"
        if array.shape != shape:
            return f"{name} has shape {array.shape}; expected {shape}"
        if not np.isfinite(array).all():
            place = int(np.argmin(np.isfinite(array)))
            return f"{_component(name, place, array)} is {array.flat[place]}"
        arrays.append(array)
    return Gradient(*arrays)


def _compare(check: Check, got: Gradient) -> Finding:
    expected = check.expected
    u, t = unit_roundoff(check.problem.dtype), float(np.finfo(check.problem.dtype).smallest_normal)
    fractions, ulps = [], []
    for error, bound, scale in zip(expected.error(got), expected.bound, expected.scale, strict=True):
        fractions.append(error / bound)
        ulps.append(error / np.maximum(u * scale, t))  # below t there are no ulps of a normal number to count
    worst = max(range(len(got)), key=lambda part: float(np.max(fractions[part])))
    fraction, most = float(np.max(fractions[worst])), max(float(np.max(part)) for part in ulps)
    if fraction <= 1:
        return Finding(check.name, most, fraction)
    place = int(np.argmax(fractions[worst]))
    component = _component(Gradient._fields[worst], place, got[worst])
    value, right = np.ravel(got[worst])[place], np.ravel(expected.value[worst])[place]
    return Finding(
        check.name,
        most,
        fraction,
        f"{check.name}: {component} is {value:.9g}, not {right:.9g} ({fraction:.2g}× the bound)",
    )


def _component(name: str, place: int, array: np.ndarray) -> str:
    return f"{name}[{place}]" if np.ndim(array) else name


def _own_data(workload: Workload, name: str, draw: int) -> Check:
    return Check(name, workloads.problem(workload, draw), _reference(workload, draw))


@lru_cache(maxsize=2)
def _reference(workload: Workload, draw: int) -> Reference:
    return reference.compute(workloads.problem(workload, draw))


@lru_cache(maxsize=1)
def probes(workload: Workload) -> tuple[Check, Check, Check]:
    """rows, one-example and coherent, at the workload's shape, dtype and order. They share one X."""
    m, n, dtype = workload.m, workload.n, workload.dtype
    rng = np.random.default_rng([_SEED, m, n])
    signs, p, y = rng.choice([-1.0, 1.0], m), rng.choice([-1.0, 1.0], n), rng.integers(0, 2, m).astype(float)
    signs[-1] = 1.0  # one-example's example scores +C
    X = np.empty((m, n), dtype, order=workload.order)
    np.multiply.outer(signs.astype(dtype), p.astype(dtype), out=X)
    w = (rng.standard_normal(n) / np.sqrt(n)).astype(dtype)
    coherent = Problem(X, (signs < 0).astype(dtype), w, 0.0)
    return (
        _rows(X, signs, p, y),
        _one_example(X, signs, p),
        Check("coherent", coherent, reference.compute(coherent)),
    )


def _rows(X: np.ndarray, signs: np.ndarray, p: np.ndarray, y: np.ndarray) -> Check:
    """With dz_i = ±½ each partial sum is a small multiple of ½, exact unless 1/m went in before.

    Where it did, the roundings are those of a random walk of m steps of 1/(2m): their sum has a standard
    deviation of 0.4 u m steps, and a missing row is one step. The tolerance, ¼ + 1.5 u m steps, lies
    between the two while u m < ½, which for float32 is m < 2^23.
    """
    (m, n), u = X.shape, unit_roundoff(X.dtype)
    dz = 0.5 - y
    value = Gradient(np.log(2.0), p * (signs @ dz) / m, dz.sum() / m)
    tolerance = (0.25 + 1.5 * u * m) * 0.5 / m
    bound = Gradient(
        (m + 8) * u * value.cost, tolerance + 4 * u * np.abs(value.dw), tolerance + 4 * u * abs(value.db)
    )
    problem = Problem(X, y.astype(X.dtype), np.zeros(n, X.dtype), 0.0)
    return Check(
        "rows", problem, Reference(value, _no_remainder(n), bound, Gradient(value.cost, np.full(n, 0.5), 0.5))
    )


def _one_example(X: np.ndarray, signs: np.ndarray, p: np.ndarray) -> Check:
    """Scores of ±C, all labelled right but the last example's.

    1/m may be rounded, and its product with the one term once more; 4u leaves room for a fast division.
    """
    (m, n), u = X.shape, unit_roundoff(X.dtype)
    C = _SATURATED_SCORE[X.dtype]
    w = np.zeros(n, X.dtype)
    w[0] = C * p[0]
    y = (signs > 0).astype(X.dtype)
    y[-1] = 0
    value = Gradient(C / m, p / m, 1 / m)
    size = Gradient(*(np.abs(part) for part in value))
    bound = Gradient(*(4 * u * part for part in size))
    return Check("one-example", Problem(X, y, w, 0.0), Reference(value, _no_remainder(n), bound, size))


def _no_remainder(n: int) -> Gradient:
    return Gradient(0.0, np.zeros(n), 0.0)
