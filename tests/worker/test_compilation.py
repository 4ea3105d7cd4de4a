"""Compiling ahead of the first call, and what is counted of it."""

from __future__ import annotations

from bench.worker.compilation import Compilation, compile_ahead, compiled
from tests.support.problems import available, normal


def test_torch_compiles_for_each_shape_once() -> None:
    kernel = available("torch-compile")
    versions = compiled(kernel.gradient)
    assert versions is not None
    for m, new in ((41, True), (43, True), (41, False)):
        problem = normal(m, 5)
        placed = tuple(kernel.backend.asarray(part) for part in (problem.X, problem.y, problem.w, problem.b))
        found = compile_ahead(kernel.gradient, placed)
        if new:
            assert found.compile_seconds
            assert found.from_cache is not None
            versions += 1
        else:
            assert found == Compilation()
        assert compiled(kernel.gradient) == versions


def test_what_nobody_compiles_has_no_such_step() -> None:
    gradient = available("numpy").gradient
    assert compile_ahead(gradient, ()) == Compilation()
    assert compiled(gradient) is None
