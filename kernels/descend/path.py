"""The result of a descent: where it went, step by step.

It has a file of its own because the operation and every kernel of it need it.
"""

from __future__ import annotations

from typing import NamedTuple

from kernels.contract import Array


class Path(NamedTuple):
    """The cost and the parameters at the start and after each step. Entry t is after t steps; the last is the result.

    In the problem's dtype. A kernel may return a part as a list with an array for each entry.
    """

    costs: Array
    """J_t, shape (steps + 1,)."""
    ws: Array
    """w_t, shape (steps + 1, n)."""
    bs: Array
    """b_t, shape (steps + 1,)."""
