"""What is minimised, when a solver may stop, and what it returns.

    F(w, b) = J(w, b) + (λ/2) |w|²,   ∂F/∂w = dw + λ w,   ∂F/∂b = db

The penalty leaves the intercept b alone. It has a file of its own because the operation and every solver need it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kernels.contract import Array

TOLERANCES = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 1e-3}
"""Of max|∇F|, where none is chosen. In float32 a gradient over a million examples has an error of about 1e-5."""
ITERATES = 1000
"""The most that a solver keeps. One that takes more steps keeps every second, or every fourth, and so on."""


class Settings(NamedTuple):
    """What a solver may compile for."""

    penalty: float
    """λ."""
    tolerance: float | None
    """Of max|∇F|; None: that of the dtype."""
    budget: int
    """The most gradients that a solver may compute; one that has not reached the optimum then says so."""

    def tolerance_for(self, dtype: np.dtype[Any]) -> float:
        """Of max|∇F| in this dtype."""
        return TOLERANCES[dtype] if self.tolerance is None else self.tolerance


class Fit(NamedTuple):
    """What a solver returns: where it went, how far it says it came, and what that took.

    All in the dtype of X. A kernel may return the first three as lists with a value for each iterate.
    """

    ws: Array
    """The iterates' w, (k, n): first the start, last the answer. What is between them may be left out."""
    bs: Array
    """The iterates' b, (k,)."""
    evaluations: Array
    """How many gradients it had computed when it got to each, (k,). A Hessian counts as one; what is computed on a
    sample counts by the sample's share of the examples."""
    norm: Array
    """max|∇F| at the answer, as the solver knows it; nan where it does not say."""
