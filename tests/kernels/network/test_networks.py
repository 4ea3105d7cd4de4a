"""Every kernel of a network: by hand, against finite differences and 50 digits, and on random networks."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, strategies as st

from bench.host.checkout import CHECKOUT
from kernels import Problem, load
from kernels.gradient import reference as of_gradient
from kernels.network import reference
from kernels.network.judge import judge
from kernels.network.net import ACTIVATIONS, Net
from tests.support.networks import Drawn, call, drawn, every_network
from tests.support.problems import available, run_checks

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
UNITS = pytest.mark.parametrize("activation", ACTIVATIONS)
BLOCKED = ("numpy", "numba", "jax")
"""Kernels that are quick enough for many networks."""


@every_network
@DTYPES
def test_an_example_computed_by_hand(name: str, dtype: type[np.floating[Any]]) -> None:
    # two units on x = (1, 2): z = (1 − 2 + 2, 1 − 2 − 2) = (1, −3), so a = (1, 0) and z = log 3 · 1: ŷ = 3/4, y = 1
    W = np.array([[1, 1], [-1, -1]], dtype)
    bias, w = np.array([2, -2], dtype), np.array([math.log(3), 5], dtype)
    one = Drawn(Net("relu", 1, 2), np.array([[1, 2]], dtype), np.ones(1, dtype), [W, bias, w, np.zeros((), dtype)])
    cost, dW, db1, dw, db = call(available(name, "network"), one)
    tolerance = 8 * float(np.finfo(dtype).eps)
    slope = -math.log(3) / 4
    assert cost == pytest.approx(math.log(4 / 3), rel=4 * tolerance)
    assert db == pytest.approx(-0.25, rel=tolerance)
    assert dw == pytest.approx([-0.25, 0], rel=tolerance)
    assert db1 == pytest.approx([slope, 0], rel=tolerance)
    assert dW.ravel() == pytest.approx([slope, 0, 2 * slope, 0], rel=tolerance)


@every_network
@DTYPES
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_result_has_the_dtype_and_shapes_of_the_parameters(
    name: str, dtype: type[np.floating[Any]], order: str
) -> None:
    one = drawn(Net("relu", 2, 3), 33, 5, dtype, order)
    result = call(available(name, "network"), one)
    assert [part.dtype for part in result] == [dtype] * 7
    assert [part.shape for part in result] == [(), (5, 3), (3,), (3, 3), (3,), (3,), ()]


@every_network
@UNITS
def test_derivatives_are_finite_differences_of_the_cost(name: str, activation: str) -> None:
    """Of every parameter, where no score is near the kink of max(z, 0)."""
    kernel, one, h = available(name, "network"), drawn(Net(activation, 2, 3), 12, 4), 1e-6
    hidden = list(zip(one.parameters[:-2:2], one.parameters[1:-2:2], strict=True))
    layers = reference.forward(one.net, one.X, hidden, 0.0, 0.0)[1:]
    assert min(float(np.abs(layer.Z).min()) for layer in layers) > 100 * h
    derivatives = call(kernel, one)[1:]
    for number, derivative in enumerate(derivatives):
        for place in np.ndindex(derivative.shape):
            costs = []
            for step in (h, -h):
                moved = [parameter.copy() for parameter in one.parameters]
                moved[number][place] += step
                costs.append(float(call(kernel, one, moved)[0]))
            assert derivative[place] == pytest.approx((costs[0] - costs[1]) / (2 * h), abs=1e-8)


def _exactly(one: Drawn) -> list[Any]:
    """The result to 50 digits, by the chain rule, one example after the other."""
    mp, m = mpmath.mpf, len(one.y)
    *flat, w, b = [np.vectorize(lambda number: mp(float(number)), otypes=[object])(part) for part in one.parameters]
    total = [np.vectorize(lambda _: mp(0), otypes=[object])(part) for part in one.parameters]
    cost = mp(0)
    for x, label in zip(one.X, one.y, strict=True):
        A, slopes = [np.array([mp(float(number)) for number in x])], []
        for W, bias in zip(flat[::2], flat[1::2], strict=True):
            Z = A[-1] @ W + bias
            if one.net.activation == "relu":
                A.append(np.array([max(z, mp(0)) for z in Z]))
                slopes.append(np.array([mp(z > 0) for z in Z]))
            else:
                A.append(np.array([1 / (1 + mpmath.exp(-z)) for z in Z]))
                slopes.append(A[-1] * (1 - A[-1]))
        z = A[-1] @ w + b.item()
        cost += mpmath.log1p(mpmath.exp((1 - 2 * int(label)) * z))
        D = 1 / (1 + mpmath.exp(-z)) - int(label)
        total[-1] = total[-1] + D
        total[-2] = total[-2] + D * A[-1]
        G = D * w
        for layer in range(one.net.layers, 0, -1):
            D = G * slopes[layer - 1]
            total[2 * layer - 1] = total[2 * layer - 1] + D
            total[2 * layer - 2] = total[2 * layer - 2] + np.outer(A[layer - 1], D)
            G = flat[2 * layer - 2] @ D
    return [cost / m, *(part / m for part in total)]


@UNITS
@DTYPES
@pytest.mark.parametrize("layers", [0, 1, 3])
def test_the_reference_is_right_to_its_own_precision(
    activation: str, dtype: type[np.floating[Any]], layers: int
) -> None:
    one = drawn(Net(activation, layers, 4), 9, 3, dtype)
    expected = reference.compute(one.net, one.X, one.y, one.parameters)
    with mpmath.workdps(50):
        exact = _exactly(one)
    for value, scale, right in zip(expected.value, expected.scale, exact, strict=True):
        error = np.abs(value - np.asarray(right, float))
        assert np.all(error <= 1e-14 * np.maximum(scale, 1e-30) * 10**layers)


@pytest.mark.parametrize("name", BLOCKED)
@given(
    activation=st.sampled_from(ACTIVATIONS), layers=st.integers(0, 4), width=st.sampled_from([1, 2, 5, 16]),
    m=st.sampled_from([1, 2, 33, 300]), n=st.sampled_from([1, 3, 17]), seed=st.integers(0, 2**32),
    dtype=st.sampled_from([np.float32, np.float64]), order=st.sampled_from("CF"),
)  # fmt: skip
def test_random_networks_are_within_half_of_the_bound(
    name: str, activation: str, layers: int, width: int, m: int, n: int, seed: int, dtype: Any, order: str
) -> None:
    one = drawn(Net(activation, layers, width), m, n, dtype, order, seed)
    expected = reference.compute(one.net, one.X, one.y, one.parameters)
    judgement = judge(expected, one.names, one.X.dtype, call(load(name, "network"), one))
    assert (judgement.bound_fraction or 0) < 0.5, judgement


@every_network
@DTYPES
def test_without_layers_it_is_logistic_regression(name: str, dtype: type[np.floating[Any]]) -> None:
    one = drawn(Net("relu", 0, 8), 200, 5, dtype)
    problem = Problem(one.X, one.y, one.parameters[0], one.parameters[1])
    expected = of_gradient.compute(problem)
    result = call(available(name, "network"), one)
    for part, value, bound in zip(result, expected.value, expected.bound, strict=True):
        assert np.all(np.abs(part - value) <= bound)


@every_network
@DTYPES
@pytest.mark.parametrize("order", ["C", pytest.param("F", marks=pytest.mark.slow)])
@pytest.mark.parametrize("ending", ["2x8-relu", "1x5-sigmoid", "4x16-relu", "4x16-sigmoid", "0x1-relu"])
def test_every_check_passes_with_room_to_spare(
    name: str, dtype: type[np.floating[Any]], order: str, ending: str
) -> None:
    """Less than half of the bound, and on the data more than a millionth of it."""
    precision = "f32" if dtype is np.float32 else "f64"
    data, *others = run_checks(available(name, "network"), f"network:lecture-{precision}-{order}-{ending}")
    assert not any(result.failure for result in (data, *others))
    assert all((result.bound_fraction or 0) < 0.5 for result in (data, *others))
    assert (data.bound_fraction or 0) > 1e-6


@every_network
def test_inputs_are_not_mutated(name: str) -> None:
    kernel, one = available(name, "network"), drawn(Net("sigmoid", 2, 4), 33, 5)
    placed = [kernel.backend.asarray(np.array(part)[()]) for part in (one.X, one.y, *one.parameters)]
    before = [kernel.backend.asnumpy(part, one.X.dtype).copy() for part in placed]
    kernel.backend.wait(kernel.built(tuple(one.net))(*placed))
    for part, original in zip(placed, before, strict=True):
        np.testing.assert_array_equal(kernel.backend.asnumpy(part, one.X.dtype), original)


FIRST_CALL = """
import sys
import numpy as np
from kernels import load
m, n, width, dtype = *map(int, sys.argv[1:4]), np.dtype(sys.argv[4])
net = "relu", 2, width
shapes = [(n, width), (width,), (width, width), (width,), (width,), ()]
rng = np.random.default_rng(0)
X, y = rng.random((m, n), dtype), np.ones(m, dtype)
parameters = [np.asarray(rng.random(shape), dtype)[()] for shape in shapes]
print(len(load("numba", "network").built(net)(X, y, *parameters)))
"""


@pytest.mark.parametrize(("n", "width", "dtype"), [(7, 32, "float64"), (7, 1, "float32"), (1, 1, "float64")])
def test_the_first_call_of_a_process_may_be_one_of_all_threads(n: int, width: int, dtype: str) -> None:
    """Numba looks up BLAS's functions in their first call, and needs Python's lock for it."""
    command = [sys.executable, "-c", FIRST_CALL, "100000", str(n), str(width), dtype]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=120)
    assert ended.stdout == "7\n"


def test_numba_uses_all_threads_where_there_is_much_to_do_and_agrees() -> None:
    """The parallel branch, with blocks that do not divide the examples."""
    one = drawn(Net("relu", 2, 32), 5003, 7)
    result = call(load("numba", "network"), one)
    expected = reference.compute(one.net, one.X, one.y, one.parameters)
    assert not judge(expected, one.names, one.X.dtype, result).failure
