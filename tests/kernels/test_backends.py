"""Placing many arrays at once is placing each: the same numbers, types and devices, complete, and one by one where
the backend is not the project's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kernels.backends import NUMPY, place_all
from tests.support.problems import available

BACKENDS = ["loops", "numpy", "jax", "jax-gpu", "torch"]
"""A kernel of each."""


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_arrays_are_placed_as_each_of_them_is(name: str, dtype: type[np.floating[Any]]) -> None:
    backend = available(name).backend
    matrix = np.arange(6.0, dtype=dtype).reshape(2, 3)
    arrays = [matrix[0].copy(), dtype(0.5), np.asarray(dtype(0.25)), matrix, np.asfortranarray(matrix)]
    for array in arrays:
        if array.ndim:
            array.setflags(write=False)
    together, each = place_all(backend, arrays), [backend.asarray(array) for array in arrays]
    assert [type(one) for one in together] == [type(one) for one in each]
    for one, other, array in zip(together, each, arrays, strict=True):
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None)
        np.testing.assert_array_equal(backend.asnumpy(one, np.dtype(dtype)), array)


@pytest.mark.parametrize("name", ["jax", "jax-gpu"])
def test_many_jax_arrays_are_complete_and_where_each_would_be(name: str) -> None:
    backend = available(name).backend
    vectors = [np.full(1000, number, np.float64) for number in range(50)]
    one = backend.asarray(vectors[0])
    for placed in place_all(backend, vectors):
        assert placed.is_ready()
        assert (placed.devices(), placed.committed, placed.sharding) == (one.devices(), one.committed, one.sharding)
        assert {device.platform for device in placed.devices()} == {backend.device}


def test_many_jax_arrays_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU they are complete at once, whether anything waits or not."""
    backend, waited = available("jax").backend, list[Any]()

    def wait(arrays: Any) -> Any:
        waited.extend(arrays)
        return arrays

    monkeypatch.setattr("jax.block_until_ready", wait)
    placed = place_all(backend, [np.zeros(2), np.float64(1)])
    assert [id(one) for one in waited] == [id(one) for one in placed]


def test_a_backend_of_ones_own_places_one_at_a_time() -> None:
    received = []

    def asarray(array: Any) -> Any:
        received.append(array)
        return array + 1

    for backend in (replace(NUMPY, asarray=asarray), replace(NUMPY, name="jax-cpu", asarray=asarray)):
        received.clear()
        assert place_all(backend, [np.float64(1), np.float64(2)]) == [2, 3]
        assert received == [1, 2]
