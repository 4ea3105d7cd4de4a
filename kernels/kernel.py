"""A kernel, one way of computing an operation, and the backend whose arrays it computes on.

Separate from contract.py, whose other types are those of operations, and which has these as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A backend's own array or scalar: nested lists, numpy.ndarray, jax.Array, ..."""
Static: TypeAlias = Any
"""What a kernel may compile for. Of None, numbers, texts and tuples: it travels to other processes as JSON."""
Call: TypeAlias = Callable[..., Any]
"""(*placed, *fresh) → a tuple with one part for each name in the operation's `result`."""
LARGEST_SCORE = 1e12
"""That a kernel may declare; no probe has larger scores."""


class BackendUnavailable(Exception):  # noqa: N818 - a state of the machine, not an error
    """The backend cannot run on this machine. The message is the reason, in one line."""


@dataclass(frozen=True)
class Backend:
    """Where arrays live, and how to wait for a result.

    The timed work is exactly `backend.wait(call(*placed, *fresh))` on arrays that `asarray` placed. With a backend
    that is not one of the project's (kernels/backends.py), placing the fresh arguments is timed as well, one call
    at a time: it might compute with them.
    """

    name: str
    device: str
    """"cpu" or "gpu"."""
    asarray: Callable[[Any], Array]
    """Place a NumPy array or scalar where this backend computes. Raises BackendUnavailable."""
    wait: Callable[[Any], Any]
    """Return the argument when it has been computed. Timed."""
    asnumpy: Callable[[Array, np.dtype[Any]], np.ndarray]
    """Convert a result to NumPy. An array keeps its dtype; a Python float is rounded to the given one.

    Raises TypeError if the result is not one of the backend's arrays.
    """


@dataclass(frozen=True)
class Kernel:
    """One way of computing an operation: by `call`, or by what `build` makes for a static description."""

    name: str
    """Letters, digits and hyphens, so that pytest's -k accepts it."""
    backend: Backend
    summary: str
    """One line, shown in lists."""
    passes: float | None
    """How often X is read from memory for one gradient: 1 if fused, 2 for z = Xw and then Xᵀdz, None if unknown. For
    another operation: for what its `work` counts as one read."""
    call: Call | None = None
    """Takes the backend's arrays; accepts read-only ones, and writes into none. None: `build` makes it."""
    build: Callable[[Any], Call] | None = None
    """Static → call. Not timed; its seconds are a part of the cold start."""
    operation: str = "gradient"
    """The name of the operation that it computes."""
    of: str = ""
    """The name of the kernel that it is made of, where it is made of one."""
    largest_score: float | None = None
    """The largest |z| for which it is right; None: it is right for all. Only for an operation that asks for it: then
    the probes stay within it, and the kernel is not raced where the workload's own scores do not (docs/gate.md)."""

    def __post_init__(self) -> None:
        """Raise ValueError for a largest score that is no number above 0."""
        largest = self.largest_score
        is_number = isinstance(largest, Real) and not isinstance(largest, bool)
        if largest is not None and not (is_number and 0 < largest <= LARGEST_SCORE):
            raise ValueError(
                f"largest_score of {self.name!s:.40} is {largest!r:.40}; expected a number above 0, at most "
                f"{LARGEST_SCORE:g}, or None for a kernel that is right for all scores"
            )

    def built(self, static: Static) -> Call:
        """The call for this static description. Raises ValueError for a kernel that has neither call nor build.

        Raises TypeError where `build` returns no function.
        """
        if self.build is not None:
            if not callable(call := self.build(static)):
                name = type(call).__name__
                raise TypeError(f"build returned a{'n' * (name[0] in 'aeiou')} {name}; expected a function")
            return call
        if self.call is None:
            raise ValueError(f"the kernel {self.name} has no call; expected one, or a build(static) that makes it")
        return self.call
