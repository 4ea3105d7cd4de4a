"""The gate: does a kernel compute the right thing? It is timed only if it does, at the workload's own shape.

    data           the workload's own examples, within the reference's a-priori bound
    rows           dz_i = ±½ and sums that nearly cancel: a row dropped or counted twice moves each by 1/(2m)
    one-example    σ is 0 or 1, and every example but the last is right: a sum of one term shows a wrong 1/m
    some-examples  the same with a thousand wrong ones, all over: a block that the cost leaves out shows
    few-examples   sixteen examples have scores of order 1: a short sum shows a formula with too few digits
    coherent       every example adds the same to dw, so that roundings cannot average out
    unseen         the workload's own examples with new parameters, after the last timed round

Why each of them, and why the bound alone would not do: docs/gate.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from bench import workloads
from bench.probes import Check, probes
from bench.workloads import Workload
from kernels import Gradient, Kernel, Problem, reference
from kernels.reference import Reference, unit_roundoff

GATE_DRAW, UNSEEN_DRAW, FIRST_TIMED_DRAW = 0, 1, 2
"""Which of a workload's parameters are for what."""


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
        try:
            array = kernel.backend.asnumpy(part, problem.dtype)
        except (TypeError, ValueError) as error:
            return f"{name} is {error}".partition("\n")[0]
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
