"""How a result is converted: its form, parts that are lists of steps, and a result that is known to be complete."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.worker.fields import KernelResult
from bench.worker.placed_kernel import PlacedKernel, complete_like, to_numpy
from kernels import Backend, Gradient, Inputs, Kernel, backends, load_operation
from kernels.backends import NUMPY, PYTHON
from kernels.contract import Part
from kernels.nests import arrays_of

DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)
PARTS = {"costs": Part((3,), by_step=True), "ws": Part((3, 2), by_step=True)}
COSTS = [0.5, np.float64(0.25), 0.125]
RAGGED = "ws is a list of arrays of 2 shapes, such as (2,); expected one shape"
NO_ARRAY = "ws is a builtins.{}; expected NumPy's own, or a Kernel with a backend"
WS = [np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])]


class Lazy:
    """An array that computes when it is converted."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.zeros(2)


def with_earlier(earlier: KernelResult, backend: Backend = NUMPY) -> PlacedKernel:
    """A kernel with the result of an earlier call."""
    kernel, operation = Kernel("mine", backend, "", None), load_operation("gradient")
    return PlacedKernel(kernel, operation, Inputs({"X": np.zeros((2, 2))}), "2x2", earlier_result=earlier)


def converted(backend: Backend, parts: dict[str, Part], dtype: np.dtype[Any], result: Any) -> list[np.ndarray]:
    """The parts of a result of the right form."""
    arrays = to_numpy(backend, parts, dtype, result)
    assert isinstance(arrays, list), arrays
    return arrays


@pytest.mark.parametrize(
    ("backend", "result"),
    [
        (NUMPY, (np.array(COSTS), np.array(WS))),
        (NUMPY, (COSTS, WS)),
        (NUMPY, [tuple(COSTS), np.array(WS)]),
        (PYTHON, (list(map(float, COSTS)), [w.tolist() for w in WS])),
        (PYTHON, (tuple(map(float, COSTS)), np.array(WS).tolist())),
    ],
)
def test_a_part_with_steps_is_an_array_or_a_list_of_arrays(backend: Backend, result: Any) -> None:
    costs, ws = converted(backend, PARTS, DOUBLE, result)
    np.testing.assert_array_equal(costs, COSTS)
    np.testing.assert_array_equal(ws, WS)
    assert (costs.dtype, ws.dtype) == (DOUBLE, DOUBLE)


def test_steps_of_jax_are_converted() -> None:
    backend = backends.jax("cpu")
    result = [backend.asarray(np.float32(cost)) for cost in COSTS], [backend.asarray(np.float32(w)) for w in WS]
    costs, ws = converted(backend, PARTS, SINGLE, result)
    np.testing.assert_array_equal(costs, COSTS)
    np.testing.assert_array_equal(ws, WS)
    wide = result[0], [*result[1][:2], backend.asarray(WS[2])]
    assert to_numpy(backend, PARTS, SINGLE, wide) == "ws is float64; expected float32"


@pytest.mark.parametrize(
    ("dtype", "result", "message"),
    [
        (DOUBLE, (COSTS, [WS[0], WS[1].astype(np.float32), WS[2]]), "ws is float32; expected float64"),
        (SINGLE, (COSTS, [np.float32(WS[0]), WS[1], np.float32(WS[2])]), "ws is float64; expected float32"),
        (SINGLE, (COSTS, np.array(WS)), "ws is float64; expected float32"),
        (DOUBLE, ([0.5, 0.25, np.float32(0)], WS), "costs is float32; expected float64"),
        (DOUBLE, (COSTS, [WS[0], WS[1][:1], WS[2]]), RAGGED),
        (DOUBLE, (COSTS, [WS[0], 1.0, WS[2]]), RAGGED),
        (DOUBLE, (COSTS, WS[:2]), "ws has shape (2, 2); expected (3, 2)"),
        (DOUBLE, (COSTS, [w[:1] for w in WS]), "ws has shape (3, 1); expected (3, 2)"),
        (DOUBLE, ([], WS), "costs has shape (0,); expected (3,)"),
        (SINGLE, ([], WS), "costs has shape (0,); expected (3,)"),
        (DOUBLE, (0.5, WS), "costs has shape (); expected (3,)"),
        (DOUBLE, (COSTS, [WS[0].tolist(), *WS[1:]]), NO_ARRAY.format("list")),
        (DOUBLE, (COSTS, [*WS[:2], None]), NO_ARRAY.format("NoneType")),
        (DOUBLE, (COSTS,), "it returned a tuple of 1; expected (costs, ws)"),
        (DOUBLE, np.zeros((2, 3)), "it returned a ndarray; expected (costs, ws)"),
    ],
)  # fmt: skip
def test_a_malformed_part_with_steps(dtype: np.dtype[Any], result: Any, message: str) -> None:
    assert to_numpy(NUMPY, PARTS, dtype, result) == message


def test_a_step_that_computes_when_it_is_converted_is_refused() -> None:
    message = to_numpy(NUMPY, PARTS, DOUBLE, (COSTS, [*WS[:2], Lazy()]))
    assert str(message).startswith("ws is a tests.worker.test_results.Lazy; expected NumPy's own")


def test_none_is_any_length() -> None:
    parts = {"ws": Part((None, 2), by_step=True), "a": Part((None,))}
    for steps in (0, 1, 7):
        ws, a = converted(NUMPY, parts, DOUBLE, (np.zeros((steps, 2)), np.zeros(steps)))
        assert (np.shape(ws), np.shape(a)) == ((steps, 2), (steps,))
    wrong = (np.zeros((4, 3)), np.zeros(4))
    assert to_numpy(NUMPY, parts, DOUBLE, wrong) == "ws has shape (4, 3); expected (any, 2)"
    assert to_numpy(NUMPY, parts, DOUBLE, (WS, np.zeros(()))) == "a has shape (); expected (any,)"


def test_a_part_without_steps_is_no_list_unless_the_backends_arrays_are() -> None:
    inputs = Inputs({"X": np.zeros((4, 2)), "y": np.zeros(4)})
    parts = dict(load_operation("gradient").result(inputs))
    of_lists = Gradient(0.5, [1.0, 2.0], 0.25)
    assert to_numpy(NUMPY, parts, DOUBLE, of_lists) == (
        "dw is a builtins.list; expected NumPy's own, or a Kernel with a backend"
    )
    cost, dw, db = converted(PYTHON, parts, DOUBLE, of_lists)
    assert (cost, list(dw), db) == (0.5, [1.0, 2.0], 0.25)


@pytest.mark.parametrize("by_step", [False, True])
def test_values_that_are_written_after_the_conversion_do_not_count(by_step: bool) -> None:
    parts = {"a": Part((), by_step=False), "ws": Part((3, 2), by_step)}
    late = np.zeros(()), ([np.zeros(2) for _ in range(3)] if by_step else np.zeros((3, 2)))
    arrays = converted(NUMPY, parts, DOUBLE, late)
    for array in arrays_of(late):
        array[...] = 1
    assert [np.count_nonzero(part) for part in arrays] == [0, 0]


def types(value: Any) -> Any:
    """The types of a result, list by list."""
    return [type(value), *map(types, value)] if isinstance(value, (tuple, list)) else type(value)


EARLIER = [np.array([0.5, 0.25, 0.125]), np.array(WS)]
GRADIENT = [np.array(0.5), np.array([1.0, 2.0]), np.array(0.25)]


def assert_complete_like(backend: Backend, earlier: list[np.ndarray], result: Any) -> None:
    complete = complete_like(with_earlier(earlier, backend), result)
    assert types(complete) == types(list(result))
    parts = {str(position): Part(part.shape, by_step=True) for position, part in enumerate(earlier)}
    for part, expected in zip(converted(backend, parts, DOUBLE, complete), earlier, strict=True):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize(
    ("backend", "earlier", "result"),
    [
        (NUMPY, GRADIENT, Gradient(0.0, np.zeros(2), np.float64(0))),
        (PYTHON, GRADIENT, Gradient(0.0, [0.0, 0.0], 0.0)),
        (NUMPY, EARLIER, [np.zeros(3), np.zeros((3, 2))]),
        (NUMPY, EARLIER, [[0.0, np.float64(0), 0.0], [np.zeros(2)] * 3]),
        (NUMPY, EARLIER, [[0.0] * 3, np.zeros((3, 2))]),
        (PYTHON, EARLIER, [[0.0] * 3, [[0.0] * 2] * 3]),
    ],
)
def test_a_result_that_is_complete_has_the_types_of_the_timed_one(
    backend: Backend, earlier: list[np.ndarray], result: Any
) -> None:
    """Otherwise converting the timed one could take longer, and a correct kernel would fail the check `at-once`."""
    assert_complete_like(backend, earlier, result)


def test_a_complete_result_of_jax_is_of_its_arrays() -> None:
    backend = backends.jax("cpu")
    number, two, three = (backend.asarray(np.zeros(shape)) for shape in ((), 2, 3))
    assert_complete_like(backend, GRADIENT, Gradient(number, two, number))
    assert_complete_like(backend, EARLIER, [three, backend.asarray(np.zeros((3, 2)))])
    assert_complete_like(backend, EARLIER, [[number] * 3, [two] * 3])


@pytest.mark.parametrize("result", [None, (), [np.zeros(3)], [[0.0], np.zeros(2)], [0.0, []]])
def test_a_result_of_another_form_is_compared_with_arrays(result: Any) -> None:
    arrays = converted(NUMPY, PARTS, DOUBLE, complete_like(with_earlier(EARLIER), result))
    for part, earlier in zip(arrays, EARLIER, strict=True):
        np.testing.assert_array_equal(part, earlier)


def test_a_text_as_earlier_result_is_kept() -> None:
    text = "it returned a NoneType; expected (total)"
    assert complete_like(with_earlier(text), None) == text
