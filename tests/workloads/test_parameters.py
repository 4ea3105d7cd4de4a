"""The fresh arguments of each call: numbered draws, reproducible, and the same as ever for a gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.workloads import catalog
from bench.workloads.parameters import _DROPPED_TOGETHER, fresh_argument, fresh_arguments
from kernels import load_operation, registry
from kernels.contract import Fresh
from kernels.nests import arrays_of

NAMES = ["100x5-f32", "descend:100x5-f32"]


def draw(name: str, number: int, count: int = 1, launch_seed: int = 0) -> list[Fresh]:
    workload = catalog.named(name)
    return fresh_arguments(workload.definition, catalog.inputs(workload), workload.name, number, count, launch_seed)


def numbers(fresh: Fresh) -> bytes:
    return b"".join(array.tobytes() for array in arrays_of(fresh))


@pytest.mark.parametrize("name", NAMES)
def test_draws_are_reproducible_and_differ(name: str) -> None:
    calls = [numbers(fresh) for fresh in draw(name, 3, 4)]
    assert calls == [numbers(fresh) for fresh in draw(name, 3, 4)]
    others = [draw(name, 4, 4), draw(name, 3, 4, 7), draw(name, 3, 4, 8), draw(f"{name}-F", 3, 4)]
    assert len({*calls, *(numbers(fresh) for other in others for fresh in other)}) == 4 + 4 * 4


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("launch_seed", [0, 7])
def test_a_larger_count_extends_a_draw(name: str, launch_seed: int) -> None:
    """A sampled call is checked without drawing the arguments of the calls after it."""
    largest = [numbers(fresh) for fresh in draw(name, 100, 9, launch_seed)]
    for count in range(1, 9):
        assert [numbers(fresh) for fresh in draw(name, 100, count, launch_seed)] == largest[:count]


@pytest.mark.parametrize("operation", [name for name in registry.OPERATIONS if load_operation(name).fresh_many])
@pytest.mark.parametrize("sizes", ["100x5-f32", "100x5", "3x1-f32", "3x1"])
def test_drawing_many_is_drawing_one_by_one(operation: str, sizes: str) -> None:
    """A worker draws those of a round together, and the race that of a sampled call."""
    workload = catalog.named(sizes if operation == "gradient" else f"{operation}:{sizes}")
    definition, inputs = workload.definition, catalog.inputs(workload)
    assert definition.fresh_many is not None
    together, one_by_one = np.random.default_rng(3), np.random.default_rng(3)
    for count in (1, 7, 2):  # one draw goes on where the last ended
        many = definition.fresh_many(inputs, together, count)
        each = [definition.fresh(inputs, one_by_one) for _ in range(count)]
        assert [numbers(fresh) for fresh in many] == [numbers(fresh) for fresh in each]
        for arrays, others in zip(map(arrays_of, many), map(arrays_of, each), strict=True):
            assert [(type(a), a.shape, a.dtype) for a in arrays] == [(type(a), a.shape, a.dtype) for a in others]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("together", [True, False])
def test_a_call_gets_the_same_arguments_without_the_others(name: str, together: bool) -> None:
    workload = catalog.named(name)
    inputs, last = catalog.inputs(workload), 2 * _DROPPED_TOGETHER + 1
    operation = workload.definition if together else replace(workload.definition, fresh_many=None)
    drawn = draw(name, 100, last + 1, 7)
    for call in (0, 1, _DROPPED_TOGETHER - 1, _DROPPED_TOGETHER, _DROPPED_TOGETHER + 1, last):
        alone = fresh_argument(operation, inputs, workload.name, 100, call, 7)
        assert numbers(alone) == numbers(drawn[call])


def test_an_operation_may_draw_only_one_by_one() -> None:
    operation = replace(load_operation("gradient"), fresh_many=None)
    workload = catalog.named("100x5-f32")
    one_by_one = fresh_arguments(operation, catalog.inputs(workload), workload.name, 100, 9, 7)
    assert [numbers(fresh) for fresh in one_by_one] == [numbers(fresh) for fresh in draw("100x5-f32", 100, 9, 7)]


@pytest.mark.parametrize("name", NAMES)
def test_arguments_have_the_dtype_of_the_data(name: str) -> None:
    ((w, b),) = draw(name, 3)
    assert (w.shape, w.dtype, b.shape, b.dtype) == ((5,), np.float32, (), np.float32)


def test_the_draws_of_a_gradient_are_those_of_the_first_versions() -> None:
    """Results of different versions compare only if they computed with the same numbers."""
    expected = [
        ([0.517154099439382, 0.13017037952751698], -0.10733178698762623),
        ([-0.4624113721192059, -0.7658379213485267], -0.14601237289322092),
        ([0.8483309562575132, -0.6249734634686029], 0.733510610248728),
        ([-0.6431359891517994, -0.6949435598729606], -0.4752080284182517),
    ]
    assert [(w.tolist(), float(b)) for w, b in draw("lecture", 3, 4, 7)] == expected
