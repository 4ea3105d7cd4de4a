"""What a kernel is passed: fresh arguments in any nest, new with every call, and never written into."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from bench.worker.placed_kernel import PlacedKernel
from bench.worker.timing import time_calls
from kernels import Inputs, Kernel, Operation
from kernels.backends import NUMPY
from kernels.contract import Fresh, Part, arrays_of


def layers(inputs: Inputs, rng: np.random.Generator) -> Fresh:
    """Two layers of a matrix and a vector, and a number."""
    n = inputs.placed["X"].shape[1]
    square = rng.standard_normal((2, n, n)).astype(inputs.dtype)
    return (
        tuple((np.asarray(matrix, order="F"), matrix[0].copy()) for matrix in square),
        inputs.dtype.type(rng.standard_normal()),
    )


LAYERED = Operation(
    name="layered",
    summary="",
    fields={"X": 0},
    inputs=lambda X, _y, _options: Inputs({"X": X}),
    fresh=layers,
    result=lambda _inputs: {"total": Part(())},
    judge=None,  # type: ignore[arg-type]
    probes=lambda _inputs: (),
    work=lambda _size, _static: None,
)


def layered(call: Any) -> PlacedKernel:
    X = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    kernel = Kernel("mine", NUMPY, "", None, call, operation="layered")
    return PlacedKernel(kernel, LAYERED, Inputs({"X": X}), "2x3", call, placed=(X,))


def total(X: Any, both: Any, c: Any) -> Any:
    (A, a), (B, b) = both
    return ((X @ A + a).sum() + (X @ B + b).sum() + c,)


def test_fresh_arguments_may_be_nested() -> None:
    received: list[Any] = []

    def call(*arguments: Any) -> Any:
        received.append(arguments)
        return total(*arguments)

    placed_kernel = layered(call)
    arguments, _ = placed_kernel.draw_arguments(3, 4)
    time_calls(placed_kernel, arguments)
    assert len(received) == 4
    for (X, *fresh), drawn in zip(received, placed_kernel.drawn, strict=True):
        assert X is placed_kernel.placed[0]
        (first, second), c = fresh
        assert (type(first), type(second), type(c)) == (tuple, tuple, np.float32)
        for array, number in zip(arrays_of(tuple(fresh)), arrays_of(drawn), strict=True):
            np.testing.assert_array_equal(array, number)
            assert array.dtype == np.float32
            assert not np.ndim(array) or (array.ctypes.data % 64 == 0 and not array.flags.writeable)
            assert np.ndim(array) < 2 or array.flags.f_contiguous
    assert not placed_kernel.mutated


def test_the_calls_of_a_draw_differ_and_another_launch_has_others() -> None:
    placed_kernel = layered(total)
    numbers = set()
    for seed in (None, 8, 0):
        placed_kernel.draw_arguments(3, 4, seed)
        numbers |= {arrays_of(fresh)[0].tobytes() for fresh in placed_kernel.drawn}
    assert len(numbers) == 12


@pytest.mark.parametrize("call_number", [0, 3])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_write_into_a_nested_argument_is_found(layer: int, call_number: int) -> None:
    calls = [0]

    def writes(X: Any, both: Any, c: Any) -> Any:
        if calls[0] == call_number:
            vector = both[layer][1]
            ctypes.memset(vector.ctypes.data + vector.nbytes - 1, 0, 1)
        calls[0] += 1
        return total(X, both, c)

    placed_kernel = layered(writes)
    arguments, _ = placed_kernel.draw_arguments(3, 4)
    assert not placed_kernel.mutated
    time_calls(placed_kernel, arguments)
    assert placed_kernel.mutated
