"""The types that kernels and operations keep: how a kernel gives its call, and nests of arguments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kernels import Inputs, Kernel
from kernels.backends import NUMPY
from kernels.nests import arrays_of, map_arrays


def call(*arguments: Any) -> Any:
    return arguments


def test_a_call_is_the_same_whatever_the_static_description() -> None:
    kernel = Kernel("mine", NUMPY, "", None, call)
    assert all(kernel.built(static) is call for static in (None, 3, ("relu", 2)))
    assert (kernel.operation, kernel.of) == ("gradient", "")


def test_build_makes_a_call_for_each_static_description() -> None:
    kernel = Kernel("mine", NUMPY, "", None, build=lambda steps: lambda w: (steps, w))
    assert kernel.built(3)("w") == (3, "w")
    assert kernel.built(4)("w") == (4, "w")


def test_build_counts_where_a_kernel_has_both() -> None:
    kernel = Kernel("mine", NUMPY, "", None, call, build=lambda _steps: len)
    assert kernel.built(None) is len


def test_a_kernel_with_neither_is_refused_when_it_is_built() -> None:
    with pytest.raises(
        ValueError, match=r"^the kernel mine has no call; expected one, or a build\(static\)"
    ) as caught:
        Kernel("mine", NUMPY, "", None).built(3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("made", "name"), [(3, "an int"), (None, "a NoneType"), ("call", "a str")])
def test_a_build_that_makes_no_function_is_refused(made: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"^build returned {name}; expected a function$"):
        Kernel("mine", NUMPY, "", None, build=lambda _static: made).built(3)


def test_a_kernel_may_be_replaced_field_by_field() -> None:
    """As drivers and users' kernels are made."""
    kernel = replace(Kernel("mine", NUMPY, "", 1, call), call=None, build=lambda _static: call, operation="descend")
    assert kernel.built(1) is call
    assert (kernel.name, kernel.passes, kernel.operation) == ("mine", 1, "descend")


@pytest.mark.parametrize("largest", [34, 34.5, np.float32(75), 1e-3, 1e12])
def test_a_kernel_may_say_up_to_which_score_it_is_right(largest: Any) -> None:
    assert Kernel("mine", NUMPY, "", None, call, largest_score=largest).largest_score == largest
    assert Kernel("mine", NUMPY, "", None, call).largest_score is None


@pytest.mark.parametrize("largest", [0, -34.0, np.nan, np.inf, 1e13, "34", True, [34], 34j])
def test_a_largest_score_that_makes_no_sense_is_refused(largest: Any) -> None:
    message = r"^largest_score of mine is .*; expected a number above 0, at most 1e\+12, or None for "
    with pytest.raises(ValueError, match=message) as caught:
        Kernel("mine", NUMPY, "", None, call, largest_score=largest)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=message):
        replace(Kernel("mine", NUMPY, "", None, call), largest_score=largest)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_inputs_is_that_of_their_first_field(dtype: type[np.floating[Any]]) -> None:
    assert Inputs({"X": np.zeros((2, 3), dtype), "y": np.zeros(2)}).dtype == dtype
    assert Inputs({"alpha": np.asarray(dtype(1))}).dtype == dtype


def test_a_nest_keeps_its_form() -> None:
    nest = ((1, (2,)), 3, ())
    assert map_arrays(lambda number: number * 10, nest) == ((10, (20,)), 30, ())
    assert list(arrays_of(nest)) == [1, 2, 3]
    assert list(arrays_of([[1, 2], (3,)])) == [1, 2, 3]
    assert map_arrays(str, 5) == "5"
