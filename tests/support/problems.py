"""Problems for tests, a Hypothesis strategy over the whole domain among them, and kernels to compute them."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from bench.correctness.checks import CheckResult
from bench.runner.inputs import CheckCase, WorkloadInputs
from bench.worker.placed_kernel import to_numpy
from bench.worker.shared_arrays import overwritten
from bench.workloads import catalog
from kernels import BackendUnavailable, Gradient, Kernel, Problem, load, names
from kernels.backends import NUMPY
from kernels.nests import map_arrays

# Few sizes, because JAX compiles for each: 1 and larger, even and odd, below and above SIMD widths.
EXAMPLES, FEATURES = (1, 2, 3, 8, 33), (1, 2, 5, 17)
SCORES = (0.1, 1.0, 30.0, 1e4)
TINY = "50x3"
"""A workload for tests of a worker."""


def available(name: str, operation: str = "gradient") -> Kernel:
    """The kernel; skips the test, with the reason, where this machine cannot run it."""
    try:
        return load(name, operation)
    except BackendUnavailable as unavailable:
        pytest.skip(f"{name}: {unavailable}")


every_kernel = pytest.mark.parametrize("name", names())


def call(kernel: Kernel, problem: Problem) -> Gradient:
    """One call of a gradient kernel, with arguments placed and the result converted as the suite does."""
    backend = kernel.backend
    placed = (backend.asarray(part) for part in (problem.X, problem.y, problem.w, problem.b))
    result = backend.wait(kernel.built(None)(*placed))
    return Gradient(*(backend.asnumpy(part, problem.dtype) for part in result))


def is_beyond(kernel: Kernel, problem: Problem) -> bool:
    """Whether the problem has a larger score than the kernel says that it is right for."""
    scores = problem.X.astype(np.float64) @ problem.w.astype(np.float64) + float(problem.b)
    return kernel.largest_score is not None and float(np.abs(scores).max()) > kernel.largest_score


@cache
def inputs(workload: str) -> WorkloadInputs:
    """The inputs of the workload, made once for all tests of a process."""
    return WorkloadInputs(catalog.named(workload))


def run_checks(kernel: Kernel, workload: str) -> list[CheckResult]:
    """The results of all untimed checks of a kernel, called in this process and not in a worker."""
    made, asarray = inputs(workload), kernel.backend.asarray
    operation, function = made.workload.definition, kernel.built(made.workload.static)
    placed = {name: asarray(array) for name, array in made.arrays.items()}

    def run(case: CheckCase) -> CheckResult:
        fields = [placed[case.fields.get(field, field)] for field in operation.fields]
        change = case.change
        with overwritten(made.arrays[change.field], *change[1:]) if change else nullcontext():
            result = kernel.backend.wait(function(*fields, *map_arrays(asarray, case.fresh)))
        return case.judge(to_numpy(kernel.backend, operation.result(made.inputs), made.inputs.dtype, result))

    asked, _ = made.probes_up_to(kernel.largest_score)
    probes = [case for case in asked if kernel.backend is NUMPY or not case.change]
    return [run(case) for case in (made.data, *probes, made.unseen)]


def normal(
    m: int,
    n: int,
    dtype: type[np.floating[Any]] = np.float64,
    order: str = "C",
    seed: int = 0,
    score: float = 1.0,
) -> Problem:
    """Standard normal features, scores of about this size, and random labels."""
    rng = np.random.default_rng([seed, m, n])
    X = np.asarray(rng.standard_normal((m, n)), dtype, order="C" if order == "C" else "F")
    w = (score * rng.standard_normal(n) / np.sqrt(n)).astype(dtype)
    return Problem(X, rng.integers(0, 2, m).astype(dtype), w, dtype(0.3))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Problems of the whole domain: badly scaled, degenerate and strided ones too, with scores up to ±1e4."""
    m, n = draw(st.sampled_from(EXAMPLES)), draw(st.sampled_from(FEATURES))
    dtype: type[np.floating[Any]] = np.float32 if draw(st.booleans()) else np.float64
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = rng.standard_normal((m, n))
    X *= 10.0 ** rng.integers(-draw(st.integers(0, 3)), draw(st.integers(1, 4)), n)
    if draw(st.booleans()):
        X[rng.integers(m) :] = X[0]  # duplicate rows
    if draw(st.booleans()):
        X[:, rng.integers(n)] = 0  # a zero column
    y = draw(st.sampled_from((rng.integers(0, 2, m), np.zeros(m), np.ones(m)))).astype(dtype)
    w = rng.standard_normal(n)
    largest = np.abs(X @ w).max()
    w *= draw(st.sampled_from((0.0, *SCORES))) / largest if largest else 1.0
    b = draw(st.sampled_from((0.0, 0.3, -2.0)))
    X = X.astype(dtype)
    if draw(st.booleans()):
        X[:, rng.integers(n)] = np.finfo(dtype).smallest_normal / dtype(16) * rng.integers(-9, 9)  # subnormal
    return Problem(_with_layout(X, draw(st.sampled_from(("C", "F", "strided")))), y, w.astype(dtype), dtype(b))


def _with_layout(X: np.ndarray, layout: str) -> np.ndarray:
    if layout == "strided":
        larger = np.zeros((2 * X.shape[0], 2 * X.shape[1]), X.dtype)
        larger[::2, ::2] = X
        return larger[::2, ::2]
    return np.asfortranarray(X) if layout == "F" else X
