"""The types that every kernel and every operation keeps.

An operation says what is computed and when a result is right; a kernel is one way of computing it. The measuring
code depends on these types alone, so that an operation needs a folder and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from kernels.kernel import (
    Array as Array,
    Backend as Backend,
    BackendUnavailable as BackendUnavailable,
    Call as Call,
    Kernel as Kernel,
    Static as Static,
)

Fresh: TypeAlias = tuple[Any, ...]
"""The arguments of one call that are new with every call: arrays, or tuples of them at any depth."""
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


class SmallerProbe(NamedTuple):
    """What takes a probe's place for a kernel that is right up to some score only: other arguments, on the same data
    and with the same change.
    """

    name: str
    fresh: Fresh
    judge: Judge


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
    smaller: Callable[[Inputs, float], SmallerProbe | None] | None = None
    """(these inputs, the kernel's largest score) → what takes its place, where the probe has larger scores than that;
    None: nothing can. The probe itself, where it has none. For an operation with `largest_score`."""


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
    matrices: tuple[tuple[int, int], ...] = ()
    """(inputs, units) of each layer, for `matmul`."""


@dataclass(frozen=True)
class Option:
    """A number that a workload of the operation has, and that a user may set."""

    default: float | None
    parse: Callable[[str], float]
    """`whole_number` or `decimal_number` of kernels/number_text.py. Raises ValueError."""
    expected: str
    """What makes sense, in words."""
    help: str
    names: tuple[str, ...] = ()
    """What 0, 1, ... are called, where it is a choice."""
    depends: bool = False
    """Whether the data decide if a number makes sense: then `inputs` raises ValueError for one that does not."""


class NameEnding(NamedTuple):
    """How a workload's name ends with the numbers that an operation has, such as `-2x64-relu`."""

    pattern: re.Pattern[str]
    """Of the ending; its groups are named as the options are."""
    text: Callable[[Mapping[str, Any]], str]
    """Options → the ending, without its hyphen."""


def _nothing(_size: Size, _static: Static) -> int:
    return 0


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
    held_bytes: Callable[[Size, Any], int] = _nothing
    """(size, static) → the bytes of what a call keeps beside its arguments and its result."""
    fresh_many: Callable[[Inputs, np.random.Generator, int], Sequence[Fresh]] | None = None
    """What so many calls of `fresh` return, number for number, in less time. None: `fresh` is called so often."""
    static: Callable[[Mapping[str, Any]], Static] = _no_static
    """Options → the static description. Raises ValueError, in one line, for an option that makes no sense."""
    options: Mapping[str, Option] = field(default_factory=dict)
    ending: NameEnding | None = None
    """None: a workload's name has the options that are not at their default, as `@OPTION=NUMBER`."""
    mirror: Callable[[Inputs, np.random.Generator], Mirror] | None = None
    """For an operation whose right results are the same for all fresh arguments: data that no kernel has seen. They
    show which kernel remembers results of the workload's own. None where fresh arguments change the result.
    """
    largest_score: Callable[[Inputs], float] | None = None
    """The largest |z| that any fresh arguments give on these data. None: the operation's kernels may declare none."""
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
    against which the others are drawn, if not the number of steps; `largest_score`: how a sentence goes on that says
    up to which score a kernel is right, before the number."""
