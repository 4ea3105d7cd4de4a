"""The types that every kernel and every operation keeps.

An operation says what is computed and when a result is right; a kernel is one way of computing it. The measuring
code depends on these types alone, so that an operation needs a folder and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A backend's own array or scalar: nested lists, numpy.ndarray, jax.Array, ..."""
Static: TypeAlias = Any
"""What a kernel may compile for. Of None, numbers, texts and tuples: it travels to other processes as JSON."""
Fresh: TypeAlias = tuple[Any, ...]
"""The arguments of one call that are new with every call: arrays, or tuples of them at any depth."""
Call: TypeAlias = Callable[..., Any]
"""(*placed, *fresh) → a tuple with one part for each name in the operation's `result`."""
Shape: TypeAlias = tuple[int | None, ...]
"""The shape of a part of a result. None: any length."""


class Part(NamedTuple):
    """A part of a result, in the dtype of the inputs."""

    shape: Shape
    by_step: bool = False
    """Whether its first axis is steps, and a kernel may return a list with an array for each."""

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape is such a part."""
        return len(shape) == len(self.shape) and all(
            length in (None, actual) for actual, length in zip(shape, self.shape, strict=True)
        )


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


@dataclass(frozen=True, eq=False)
class Inputs:
    """One workload's arguments that every call shares."""

    placed: Mapping[str, np.ndarray]
    """The operation's fields, in the order of the call's arguments."""
    static: Static = None
    details: Mapping[str, float] = field(default_factory=dict)
    """What a reader must know of them beside their size, by name."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the first field, and so of every result."""
        return next(iter(self.placed.values())).dtype


@dataclass(frozen=True)
class Judgement:
    """What a comparison of a result with the reference shows."""

    failure: str = ""
    """What is wrong, in one line; empty if nothing is."""
    bound_fraction: float | None = None
    """The largest error / the bound on the error of a correct kernel."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """By the names in the operation's `figures`."""
    reached: bool = True
    """Whether the kernel got to where the operation asks it to. If not, its time is recorded, never in a ratio."""
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """What there is to draw, step by step: name → a number before the first step, and after each."""


Judge: TypeAlias = Callable[[Sequence[np.ndarray]], Judgement]
"""Compares a result, in the dtype and shapes that the operation promises, with what is expected."""


class Change(NamedTuple):
    """A row of a placed field that is overwritten in place."""

    field: str
    row: int
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Probe:
    """A call that is made so that a mistake shows."""

    name: str
    inputs: Inputs
    fresh: Fresh
    judge: Judge
    change: Change | None = None
    """What is different from these inputs during the call, and what the judge expects. Only for kernels on NumPy
    arrays: other arrays cannot be overwritten."""


@dataclass(frozen=True, eq=False)
class Mirror:
    """Other data on which every kernel has the same work to do, and the way back to a result on the original."""

    inputs: Callable[[], Inputs]
    """Make them: the shapes and the static description are the original's."""
    restore: Callable[[Any], Any]
    """A result on them, or fresh arguments, as those of the original."""


class Size(NamedTuple):
    """The size of a workload's data."""

    m: int
    """Examples."""
    n: int
    """Features."""
    itemsize: int
    """Bytes of a number."""


@dataclass(frozen=True)
class Work:
    """What no kernel can avoid in one call."""

    bytes: int
    """The least memory traffic: each argument and each result once, as often as the algorithm needs it."""
    ceilings: Mapping[str, float]
    """Ceiling → the amount of what it measures (kernels/ceilings/specs.py): bytes, sigmoids, flops."""


@dataclass(frozen=True)
class Option:
    """A number that a workload of the operation has, and that a user may set."""

    default: float | None
    parse: Callable[[str], float]
    """`whole_number` or `decimal_number` of kernels/number_text.py. Raises ValueError."""
    expected: str
    """What makes sense, in words."""
    help: str
    depends: bool = False
    """Whether the data decide if a number makes sense: then `inputs` raises ValueError for one that does not."""


def _free(_kernel: str, _size: Size, _static: Static) -> float:
    return 0.0


def _no_static(_options: Mapping[str, Any]) -> Static:
    return None


@dataclass(frozen=True)
class Operation:
    """What is computed, from what, and when a result is right."""

    name: str
    summary: str
    fields: Mapping[str, int | None]
    """What is placed once, in the order of the call's arguments: its name, and the axis over which it may be split
    among devices (None: it may not)."""
    inputs: Callable[[np.ndarray, np.ndarray, Mapping[str, Any]], Inputs]
    """(X, y, options) → the arguments that every call shares. Raises ValueError for data outside the domain."""
    fresh: Callable[[Inputs, np.random.Generator], Fresh]
    """New arguments for one call, from the next numbers of the generator."""
    result: Callable[[Inputs], Mapping[str, Part]]
    """The parts of a result, by name."""
    judge: Callable[[Inputs, Fresh, bool], Judge]
    """(inputs, fresh, quick) → judge. It computes what is expected once, for the results of several kernels.
    quick: within twice the bound, in a fraction of the time."""
    probes: Callable[[Inputs], Sequence[Probe]]
    """The probes, with the shapes and the static description of these inputs."""
    work: Callable[[Size, Any], Work | None]
    """(size, static) → the work of one call; None where there is no ceiling."""
    passes: float = 1
    """How often a call reads X, about, where there is no ceiling: for the estimate of a run's time."""
    fresh_many: Callable[[Inputs, np.random.Generator, int], Sequence[Fresh]] | None = None
    """What so many calls of `fresh` return, number for number, in less time. None: `fresh` is called so often."""
    static: Callable[[Mapping[str, Any]], Static] = _no_static
    """Options → the static description. Raises ValueError, in one line, for an option that makes no sense."""
    options: Mapping[str, Option] = field(default_factory=dict)
    mirror: Callable[[Inputs, np.random.Generator], Mirror] | None = None
    """For an operation whose right results are the same for all fresh arguments: data that no kernel has seen. They
    show which kernel remembers results of the workload's own. None where fresh arguments change the result.
    """
    baselines: tuple[str, ...] = ()
    """Specs of kernels; the first of which one call is not predicted to take too long is the baseline."""
    nominal_seconds: Callable[[str, Size, Any], float] = _free
    """(kernel, size, static) → the nominal seconds of a call, for kernels that loop in Python; 0 for the others. The
    same on every machine, so that a workload's baseline is."""
    preparation_seconds: Callable[[Size, Any], float] = lambda _size, _static: 0.05
    """(size, static) → about how long data, references and probes take to make."""
    figures: Mapping[str, str] = field(default_factory=dict)
    """The figures of a judgement: name → what it is. The first is a column of the tables."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """`bytes` and `ceiling`: what the work of a call is, in words; `curve`: what `curves` shows; `against`: the curve
    against which the others are drawn, if not the number of steps."""
