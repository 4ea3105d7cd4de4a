"""Fits for tests, and their results."""

from __future__ import annotations

import numpy as np
import pytest

from bench.worker.placed_kernel import to_numpy
from kernels import Inputs, Kernel, Problem, load_operation, names
from kernels.contract import Fresh
from kernels.fit import operation
from kernels.fit.problem import Fit

every_fit = pytest.mark.parametrize("name", names("fit"))
OWN = ("numpy", "numba", "numpy-newton", "numba-newton", "numba-descent")
every_fit_quickly = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in OWN else [pytest.mark.slow]) for name in names("fit")]
)
"""For long tests: without --slow, the solvers of NumPy and Numba. JAX compiles for each new shape."""
DEFAULTS = {"penalty": operation.PENALTY, "tolerance": None, "budget": operation.BUDGET}


def fit(problem: Problem, **options: float | None) -> tuple[Inputs, Fresh]:
    """What is placed, and the start: the problem's w and b."""
    return operation.inputs(problem.X, problem.y, DEFAULTS | options), (problem.w, problem.b)


def result_of(kernel: Kernel, inputs: Inputs, fresh: Fresh) -> Fit:
    """The result of one call, with arguments placed and the result converted as the suite does."""
    backend = kernel.backend
    arguments = [backend.asarray(part) for part in (*inputs.placed.values(), *fresh)]
    result = backend.wait(kernel.built(inputs.static)(*arguments))
    converted = to_numpy(backend, load_operation("fit").result(inputs), inputs.dtype, result)
    assert not isinstance(converted, str), converted
    return Fit(*converted)


def separable(m: int = 40, n: int = 3) -> Problem:
    """Examples of two classes with a gap between them."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((m, n))
    y = (X[:, 0] > 0).astype(np.float64)
    X[:, 0] += np.where(y == 1, 1.0, -1.0)
    return Problem(X, y, np.zeros(n), 0.0)
