"""L-BFGS on one set of examples; a second set chooses which of its steps counts.

SciPy's L-BFGS-B without bounds (Zhu, Byrd, Lu and Nocedal, ACM TOMS 23 (1997)) around any network kernel. Of the
parameters on its way those count whose cost on a second set of examples is lowest (early stopping: Prechelt, Neural
Networks 11 (1998) 761-767). A third set, which decides nothing, says how good they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from kernels._scipy_blas import on_one_thread
from kernels.contract import Call

_EVERY = 5
"""Steps between two looks at the second set."""


class Examples(NamedTuple):
    """X (m, n), y (m,)."""

    X: np.ndarray
    y: np.ndarray


class Fitted(NamedTuple):
    """One fit."""

    steps: int
    """To the parameters that count."""
    trained: float
    """Their cost on the examples that they were fitted to."""
    held_out: float
    """Their cost on those that decided nothing."""
    seconds: float
    """Of all steps, also those after the one that counts, without the looks at the second set and compiling."""


def fit(
    call: Call,
    trained: Examples,
    deciding: Examples,
    held_out: Examples,
    parameters: Sequence[np.ndarray],
    most_steps: int,
    now: Callable[[], float],
) -> Fitted:
    """Fit parameters. call: of a kernel on NumPy arrays, in the arrays' dtype; now: a clock, in seconds."""
    shapes, dtype = [parameter.shape for parameter in parameters], trained.X.dtype
    ends = np.cumsum([parameter.size for parameter in parameters])[:-1]
    best, best_cost, best_step, step, looking = _flat(parameters), inf, 0, 0, 0.0

    def cost(examples: Examples, v: np.ndarray) -> tuple[float, np.ndarray]:
        parts = np.split(np.asarray(v, dtype), ends)
        J, *slopes = call(*examples, *(part.reshape(shape)[()] for part, shape in zip(parts, shapes, strict=True)))
        return float(J), _flat(slopes)

    def look(intermediate_result: OptimizeResult) -> None:
        nonlocal step, looking
        step += 1
        if step % _EVERY == 0:
            began = now()
            keep_better(intermediate_result.x)
            looking += now() - began

    def keep_better(v: np.ndarray) -> None:
        nonlocal best, best_cost, best_step
        found, _ = cost(deciding, v)
        if found < best_cost:
            best, best_cost, best_step = v.copy(), found, step

    options = {"maxiter": most_steps, "maxfun": 10 * most_steps, "ftol": 0.0, "gtol": 0.0}
    keep_better(best)  # which compiles as well
    start, began = best, now()
    with on_one_thread():
        ended = minimize(
            lambda v: cost(trained, v), start, jac=True, method="L-BFGS-B", callback=look, options=options
        )
    seconds = now() - began - looking
    keep_better(ended.x)
    return Fitted(best_step, cost(trained, best)[0], cost(held_out, best)[0], seconds)


def _flat(parameters: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in parameters])
