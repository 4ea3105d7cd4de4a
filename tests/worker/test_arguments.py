"""What a kernel is passed: fresh arguments in any nest, new with every call, and never written into."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.worker.arguments import differ, map_calls
from bench.worker.placed_kernel import PlacedKernel
from bench.worker.timing import time_calls
from kernels import Inputs, Kernel, Operation, load_operation
from kernels.backends import NUMPY
from kernels.contract import Fresh, Part
from kernels.nests import arrays_of
from tests.support.problems import available, normal


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


def gradient_of(kernel_name: str, n: int, dtype: type[np.floating[Any]] = np.float64) -> PlacedKernel:
    problem, kernel = normal(6, n, dtype), available(kernel_name)
    placed = tuple(kernel.backend.asarray(array) for array in (problem.X, problem.y))
    inputs = Inputs({"X": problem.X, "y": problem.y})
    return PlacedKernel(kernel, load_operation("gradient"), inputs, "6", kernel.built(None), placed)


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_argument_lies_in_memory_of_its_own(n: int, dtype: type[np.floating[Any]]) -> None:
    """They are drawn together: from a view a kernel could reach those of later calls."""
    placed_kernel = gradient_of("numpy", n, dtype)
    arguments, _ = placed_kernel.draw_arguments(3, 5)
    owners = []
    for (_, _, w, b), (drawn, number) in zip(arguments, placed_kernel.drawn, strict=True):
        assert (w.tobytes(), b) == (drawn.tobytes(), number)
        assert w.ctypes.data % 64 == 0
        owner = w
        while owner.base is not None:
            owner = owner.base
        assert owner.nbytes <= w.nbytes + 64
        assert not any(np.shares_memory(owner, vector) for vector, _ in placed_kernel.drawn)
        with pytest.raises(ValueError, match="WRITEABLE"):
            w.flags.writeable = True
        owners.append(owner)
    assert len({id(owner) for owner in owners}) == 5
    assert not any(np.shares_memory(a, b) for i, a in enumerate(owners) for b in owners[:i])


@pytest.mark.parametrize("kernel_name", ["numpy", "jax"])
@pytest.mark.parametrize("number", range(4))
def test_a_write_into_the_argument_of_any_call_is_found(kernel_name: str, number: int) -> None:
    placed_kernel = gradient_of(kernel_name, 9)
    arguments, _ = placed_kernel.draw_arguments(3, 4)
    assert not placed_kernel.mutated
    w = arguments[number][2]
    address = w.ctypes.data if isinstance(w, np.ndarray) else w.unsafe_buffer_pointer()
    ctypes.memset(address + 9 * 8 - 1, 0, 1)
    assert placed_kernel.mutated


def test_an_array_without_dimensions_is_copied_as_well() -> None:
    """JAX computes in the memory of the array that it gets, and the array of the draw is what it is compared with."""
    placed_kernel = layered(total)
    drawn = np.asarray(0.5)
    placed_kernel.operation = replace(LAYERED, fresh=lambda _inputs, _rng: (drawn,))
    placed_kernel.draw_arguments(3, 1)
    ((passed,),) = placed_kernel.passed
    assert (passed.shape, passed) == ((), 0.5)
    assert not np.shares_memory(passed, drawn)


def test_columns_are_the_same_array_of_each_call() -> None:
    calls = [(1, (2, (3,)), ()), (10, (20, (30,)), ())]
    columns = []

    def negative(column: Any) -> Any:
        columns.append(tuple(column))
        return [-number for number in column]

    assert map_calls(negative, calls) == [(-1, (-2, (-3,)), ()), (-10, (-20, (-30,)), ())]
    assert columns == [(1, 10), (2, 20), (3, 30)]
    assert map_calls(negative, [(), ()]) == [(), ()]


@pytest.mark.parametrize("other", [((2, 3), 1), (1, 2), (1, (2, 3), 4), (1, (2,))])
def test_calls_have_the_same_nest(other: Fresh) -> None:
    with pytest.raises(ValueError, match=r"expected the same nest|argument 2 is"):
        map_calls(lambda column: column, [(1, (2, 3)), other])


@pytest.mark.parametrize("order", ["C", "F"])
def test_every_byte_of_nested_arguments_counts(order: Any) -> None:
    def calls() -> list[Fresh]:
        return [((np.full((2, 3), k, order=order), np.zeros(2)), np.float64(np.nan)) for k in range(3)]

    assert not differ(calls(), calls())
    for number in range(3):
        for which in range(2):
            written = calls()
            written[number][0][which][..., -1] = 7
            assert differ(written, calls())
            assert differ(calls(), written)
