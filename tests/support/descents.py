"""Descents for tests, and their paths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

from bench.worker.placed_kernel import to_numpy
from kernels import Inputs, Kernel, Problem, load_operation, names
from kernels.contract import Fresh
from kernels.descend.learning_rate import lipschitz_constant
from kernels.descend.path import Path
from tests.support.problems import problems

every_descent = pytest.mark.parametrize("name", names("descend"))
_QUICK = ("numpy", "numba")
every_descent_quickly = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in _QUICK else [pytest.mark.slow]) for name in names("descend")]
)
"""For long tests: without --slow, one kernel of NumPy and one of Numba. JAX compiles for each new shape."""


def descent(problem: Problem, steps: int, rate: float = 1.0) -> tuple[Inputs, Fresh]:
    """What is placed, and the start: the problem's w and b, with α = rate / L."""
    L = lipschitz_constant(problem.X)
    alpha = np.asarray(problem.dtype.type(rate / L))
    details = {"steps": steps, "learning_rate": rate / L, "L": L}
    return Inputs({"X": problem.X, "y": problem.y, "alpha": alpha}, steps, details), (problem.w, problem.b)


def path_of(kernel: Kernel, inputs: Inputs, fresh: Fresh) -> Path:
    """The result of one call, with arguments placed and the result converted as the suite does."""
    backend = kernel.backend
    arguments = [backend.asarray(part) for part in (*inputs.placed.values(), *fresh)]
    result = backend.wait(kernel.built(inputs.static)(*arguments))
    converted = to_numpy(backend, load_operation("descend").result(inputs), inputs.dtype, result)
    assert not isinstance(converted, str), converted
    return Path(*converted)


def copied(path: Path) -> Path:
    """A path that may be changed."""
    return Path(*(part.copy() for part in path))


@st.composite
def descents(draw: st.DrawFn) -> tuple[Inputs, Fresh]:
    """Of the problems of the whole domain, ill-scaled and degenerate ones too, with learning rates up to 1.9 / L."""
    return descent(draw(problems()), draw(st.sampled_from((1, 7))), draw(st.sampled_from((1.0, 0.01, 1.9))))
