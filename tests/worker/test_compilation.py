"""Compilation before the first call, and the count of compiled versions."""

from __future__ import annotations

from bench.worker.compilation import compile_ahead, version_count
from bench.worker.messages import CompileResponse
from tests.support.problems import available, normal


def test_torch_compiles_for_each_shape_once() -> None:
    kernel = available("torch-compile")
    versions = version_count(kernel.gradient)
    assert versions is not None
    for m, new in ((41, True), (43, True), (41, False)):
        problem = normal(m, 5)
        placed = tuple(kernel.backend.asarray(part) for part in (problem.X, problem.y, problem.w, problem.b))
        response = compile_ahead(kernel.gradient, placed)
        if new:
            assert response.compile_seconds
            assert response.from_cache is not None
            versions += 1
        else:
            assert response == CompileResponse()
        assert version_count(kernel.gradient) == versions


def test_a_plain_function_has_no_compilation_step() -> None:
    gradient = available("numpy").gradient
    assert compile_ahead(gradient, ()) == CompileResponse()
    assert version_count(gradient) is None
