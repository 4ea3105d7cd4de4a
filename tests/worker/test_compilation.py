"""Compilation before the first call, and the count of compiled versions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from bench.worker.compilation import compile_ahead, version_count
from bench.worker.messages import CompileResponse
from tests.support.problems import available, normal


def test_torch_compiles_for_each_shape_once() -> None:
    kernel = available("torch-compile")
    gradient = kernel.built(None)
    versions = version_count(gradient)
    assert versions is not None
    for m, new in ((41, True), (43, True), (41, False)):
        problem = normal(m, 5)
        placed = tuple(kernel.backend.asarray(part) for part in (problem.X, problem.y, problem.w, problem.b))
        response = compile_ahead(gradient, placed)
        if new:
            assert response.compile_seconds
            assert response.from_cache is not None
            versions += 1
        else:
            assert response == CompileResponse()
        assert version_count(gradient) == versions


def test_each_function_of_numba_is_compiled_before_its_call() -> None:
    """Descents of 10 and of 20 steps are two functions, whose arguments have the same types."""
    import numba

    def adding(steps: int) -> Any:
        return numba.njit(lambda x: x + steps)

    one, other = adding(10), adding(20)
    for function in (one, other, one):
        response = compile_ahead(function, (0.5,))
        assert response.compile_seconds
        assert (response.from_cache, version_count(function)) == (False, 1)
    compile_ahead(one, (np.float32(0.5),))
    assert (version_count(one), version_count(other)) == (2, 1)


def test_bound_arguments_of_numba_are_arguments_that_it_is_compiled_for() -> None:
    import numba

    power = numba.njit(lambda steps, x: x**steps)
    cube = partial(power, 3)
    assert compile_ahead(cube, (2.0,)).compile_seconds
    assert version_count(cube) == 1
    assert cube(2.0) == 8
    assert version_count(cube) == 1  # the call compiled nothing
    assert version_count(partial(power, x=2.0)) is None  # Numba compiles keywords in their call


def test_a_plain_function_has_no_compilation_step() -> None:
    gradient = available("numpy").built(None)
    assert compile_ahead(gradient, ()) == CompileResponse()
    assert version_count(gradient) is None
