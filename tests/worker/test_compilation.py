"""Compilation before the first call, and the count of compiled versions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from bench.worker.compilation import compile_ahead, version_count
from bench.worker.messages import CompileResponse
from kernels.descend.driver import driven
from tests.support.descents import descent
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


def test_a_function_of_numba_with_a_signature_was_compiled_when_it_was_made() -> None:
    import numba

    half = numba.njit("float64(float64)")(lambda x: x / 2)
    assert compile_ahead(half, (np.float32(3),)) == CompileResponse()  # it converts the argument
    assert (half(np.float32(3)), version_count(half)) == (1.5, 1)


@pytest.mark.parametrize("name", ["numba-loops", "jax"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_a_descent_calls_is_compiled_before_its_first_call(name: str, dtype: type[np.floating[Any]]) -> None:
    import jax
    import numba

    kernel = available(name)
    compiled: Any = kernel.built(None)
    # compiled anew: an earlier test of this process may have compiled the kernel's own
    again = numba.njit(compiled.py_func) if name == "numba-loops" else jax.jit(lambda *of_call: compiled(*of_call))
    descend = driven(replace(kernel, call=again)).built(3)
    inputs, fresh = descent(normal(33, 5, dtype), 3)
    arguments = tuple(map(kernel.backend.asarray, (*inputs.placed.values(), *fresh)))
    assert version_count(descend) == 0
    assert compile_ahead(descend, arguments).compile_seconds
    # JAX keeps what is compiled ahead on the disk, and not with the function
    assert version_count(descend) == (1 if name == "numba-loops" else 0)
    descend(*arguments)
    assert version_count(descend) == 1


def test_a_descent_of_a_plain_function_has_no_compilation_step() -> None:
    kernel = available("loops", "descend")
    inputs, fresh = descent(normal(33, 5), 3)
    arguments = tuple(map(kernel.backend.asarray, (*inputs.placed.values(), *fresh)))
    assert compile_ahead(kernel.built(3), arguments) == CompileResponse()
    assert version_count(kernel.built(3)) is None


def test_compilation_leaves_no_listener_of_jax_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    jax = pytest.importorskip("jax")
    left: list[Any] = []
    monkeypatch.setattr(jax.monitoring, "register_event_listener", left.append)
    monkeypatch.setattr(jax.monitoring, "unregister_event_listener", left.remove)
    assert compile_ahead(jax.jit(lambda x: x + 1), (1.0,)).compile_seconds
    assert left == []
    with pytest.raises(ZeroDivisionError):
        compile_ahead(jax.jit(lambda x: x + 1 // 0), (1.0,))
    assert left == []


def test_a_plain_function_has_no_compilation_step() -> None:
    gradient = available("numpy").built(None)
    assert compile_ahead(gradient, ()) == CompileResponse()
    assert version_count(gradient) is None
