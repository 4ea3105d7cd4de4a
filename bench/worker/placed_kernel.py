"""A kernel and a workload that is placed where it computes: its arguments, its calls, and its results.

Separate from timing.py, which draws arguments here, makes the calls, and converts results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from random import SystemRandom
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from bench.worker import shared_arrays
from bench.worker.arguments import differ, map_calls
from bench.worker.fields import KernelResult
from bench.workloads.parameters import fresh_arguments
from kernels.backends import is_known, place_all
from kernels.contract import Backend, Call, Fresh, Inputs, Kernel, Operation, Part
from kernels.nests import map_arrays

Arguments: TypeAlias = list[tuple[Any, ...]]
"""All arguments of each call: the placed fields, then the fresh ones."""


_LARGE_BYTES = 2**16
"""Of a result: it is copied in some 10 µs."""


def aligned(array: Any) -> Any:
    """A read-only copy that starts at a cache line, in memory of its own; a scalar as it is."""
    return shared_arrays.aligned(array) if isinstance(array, np.ndarray) else array


def _no_call(*_arguments: Any) -> Any:
    raise ValueError("the kernel is not built yet")


@dataclass
class PlacedKernel:
    """A kernel and the workload that is placed where it computes."""

    kernel: Kernel
    operation: Operation
    inputs: Inputs
    """In this process's memory."""
    workload: str
    call: Call = _no_call
    """Made by `Kernel.built`."""
    placed: tuple[Any, ...] = ()
    """The inputs' fields, in the backend's arrays."""
    drawn: list[Fresh] = field(default_factory=list)
    """The fresh arguments of the last draw; the kernel has no reference to these arrays."""
    passed: list[Fresh] = field(default_factory=list)
    """The same numbers, in the arrays that the kernel was passed."""
    earlier_result: KernelResult = ""
    """Of a call before the rounds."""
    allowed_cores: set[int] = field(default_factory=set)
    """Of the thread that makes the calls, outside of rounds; empty where a round has them as well."""
    seed: int = field(default_factory=lambda: SystemRandom().randrange(1, 2**32))
    """Of the draws before the rounds, whose results nobody checks. A round comes with its own: a kernel that finds
    this one in its process learns nothing of the arguments of timed calls."""

    def draw_arguments(self, draw: int, count: int, seed: int | None = None) -> tuple[Arguments, float]:
        """The arguments of `count` calls of `timed_call`, and the seconds that placing the fresh ones of one took.

        seed: None for the worker's own
        """
        seed = self.seed if seed is None else seed
        self.drawn = fresh_arguments(self.operation, self.inputs, self.workload, draw, count, seed)
        # each in memory of its own: from a view of one array a kernel could reach the arguments of later calls
        self.passed = map_calls(lambda arrays: [aligned(array) for array in arrays], self.drawn)
        backend, placed = self.kernel.backend, self.placed
        if not is_known(backend):
            return [(*placed, *fresh) for fresh in self.passed], 0.0  # `timed_call` places them
        start = perf_counter()
        arguments = [(*placed, *fresh) for fresh in map_calls(partial(place_all, backend), self.passed)]
        return arguments, (perf_counter() - start) / count

    @property
    def timed_call(self) -> Call:
        """The call as it is timed: with the placing of its fresh arguments, if the backend is not the project's.

        A backend that got the arguments of several calls in advance could compute all their results at once.
        """
        call, asarray, placed = self.call, self.kernel.backend.asarray, len(self.placed)
        if is_known(self.kernel.backend):
            return call
        return lambda *arguments: call(*arguments[:placed], *map_arrays(asarray, arguments[placed:]))

    def to_numpy(self, result: Any) -> tuple[KernelResult, float]:
        """The result as NumPy arrays, and the seconds that the conversion took."""
        start = perf_counter()
        converted = to_numpy(self.kernel.backend, self.operation.result(self.inputs), self.inputs.dtype, result)
        return converted, perf_counter() - start

    def convert_earlier(self, backend: Backend) -> None:
        """Convert a result that is known to be complete, in arrays of this backend: the first conversion after other
        work is slow, since its code is no longer in the caches.

        Not a large one, which a kernel could have made so large that it finishes its work meanwhile.
        """
        earlier = self.earlier_result
        if not isinstance(earlier, str) and sum(part.nbytes for part in earlier) <= _LARGE_BYTES:
            parts, dtype = self.operation.result(self.inputs), self.inputs.dtype
            to_numpy(backend, parts, dtype, place_all(backend, earlier))

    @property
    def mutated(self) -> bool:
        """Whether the kernel wrote into the arguments of the last draw."""
        return differ(self.passed, self.drawn)


def to_numpy(backend: Backend, parts: Mapping[str, Part], dtype: np.dtype[Any], result: Any) -> KernelResult:
    """Copies of the result's parts as NumPy arrays, or what is wrong with its form."""
    if not isinstance(result, (tuple, list)) or len(result) != len(parts):
        size = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
        return f"it returned a {type(result).__name__}{size}; expected ({', '.join(parts)})"
    arrays = []
    for (name, part), value in zip(parts.items(), result, strict=True):
        try:
            converted = _part_to_numpy(backend, part, dtype, value)
        except (TypeError, ValueError) as error:
            return f"{name} is {error}".partition("\n")[0]
        if not part.fits(converted.shape):
            return f"{name} has shape {converted.shape}; expected {part.shape}".replace("None", "any")
        arrays.append(converted)
    return arrays


def _part_to_numpy(backend: Backend, part: Part, dtype: np.dtype[Any], value: Any) -> np.ndarray:
    """A copy: values that the kernel writes later do not count. Raises TypeError and ValueError, with what it is."""
    by_step = part.by_step and isinstance(value, (tuple, list))
    steps = [backend.asnumpy(of_step, dtype) for of_step in (value if by_step else [value])]
    # each step by itself, since an array of several has the widest of their dtypes
    for step in steps:
        if step.dtype != dtype:
            raise TypeError(f"{step.dtype}; expected {dtype}")
    if not by_step:
        return np.array(steps[0])
    if len(shapes := {step.shape for step in steps}) > 1:
        raise ValueError(f"a list of arrays of {len(shapes)} shapes, such as {steps[0].shape}; expected one shape")
    return np.array(steps, dtype)


def complete_like(placed_kernel: PlacedKernel, result: Any) -> Any:
    """A result that is known to be complete, of the same types: converting a Python float takes longer than
    converting a NumPy scalar. It has the numbers of a result that was converted before.
    """
    earlier, asarray = placed_kernel.earlier_result, placed_kernel.kernel.backend.asarray
    if isinstance(earlier, str):
        return earlier
    if not isinstance(result, (tuple, list)) or len(result) != len(earlier):
        return [asarray(part) for part in earlier]

    def like(value: Any, part: np.ndarray) -> Any:
        if type(value) is float:
            return float(part) if part.ndim == 0 else part
        if isinstance(value, (tuple, list)) and part.ndim and len(value) == len(part):
            return [like(of_step, row) for of_step, row in zip(value, part, strict=True)]
        return asarray(part)

    return [like(value, part) for value, part in zip(result, earlier, strict=True)]
