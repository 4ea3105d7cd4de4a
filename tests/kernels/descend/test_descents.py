"""Every kernel of a descent: by hand, on the workloads of the profile `learn`, and what the compiled ones promise."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.host import procfs
from bench.host.checkout import CHECKOUT
from bench.host.resources import usable_cores
from kernels import BackendUnavailable, Problem, load, registry
from tests.support.descents import descent, every_descent, path_of
from tests.support.problems import available, normal, run_checks

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
WORKLOADS = {"lecture": "", "breast-cancer": "@steps=10", "10000x32": "@steps=10"}


@every_descent
@DTYPES
def test_two_steps_computed_by_hand(name: str, dtype: type[np.floating[Any]]) -> None:
    # x = (1, −1), y = (1, 0), from w = 0 and b = 0: z = 0, dz = (−½, ½), so dw = −½ and db = 0. [X 1] has orthogonal
    # columns of length √2, so L = 2/8 and α = 4: w = 2. Then a = σ(±2), dz = (σ(2) − 1, σ(−2)), dw = −σ(−2)
    X, y = np.array([[1], [-1]], dtype), np.array([1, 0], dtype)
    inputs, fresh = descent(Problem(X, y, np.zeros(1, dtype), 0.0), 2)
    assert (inputs.details["L"], float(inputs.placed["alpha"])) == (0.25, 4.0)
    costs, ws, bs = path_of(available(name, "descend"), inputs, fresh)
    small = 1 / (1 + math.exp(2))
    tolerance = 8 * float(np.finfo(dtype).eps)
    assert ws[:, 0] == pytest.approx([0, 2, 2 + 4 * small], rel=tolerance)
    assert bs == pytest.approx([0, 0, 0], abs=tolerance)
    assert costs == pytest.approx([math.log1p(math.exp(-float(w))) for w in (0, 2, 2 + 4 * small)], rel=tolerance)


@every_descent
@DTYPES
@pytest.mark.parametrize("order", ["C", pytest.param("F", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "workload", [pytest.param(name, marks=[pytest.mark.slow] if "x" in name else []) for name in WORKLOADS]
)
def test_every_check_passes_with_room_to_spare(
    name: str, workload: str, dtype: type[np.floating[Any]], order: str
) -> None:
    """Less than half of the bound, and on the data more than a billionth: the bound neither refuses correct kernels
    nor allows everything.
    """
    suffix = f"-{'f32' if dtype is np.float32 else 'f64'}-{order}{WORKLOADS[workload]}"
    kernel = available(name, "descend")
    if kernel.of == name and load(name).largest_score is not None:
        pytest.skip(f"{name} is right up to some score only, which a descent may not say")
    data, *others = run_checks(kernel, f"descend:{workload}{suffix}")
    fractions = {result.check: result.bound_fraction or 0 for result in (data, *others)}
    assert not any(result.failure for result in (data, *others))
    assert max(fractions.values()) < 0.5, fractions
    assert fractions["data"] > 1e-9
    assert fractions["unseen"] > 1e-9


@every_descent
@pytest.mark.parametrize("order", ["C", "F"])
def test_inputs_are_not_mutated(name: str, order: str) -> None:
    kernel = available(name, "descend")
    inputs, fresh = descent(normal(33, 5, order=order), 3)
    parts = [np.array(part, order="K") for part in (*inputs.placed.values(), *fresh)]
    placed = [kernel.backend.asarray(part) for part in parts]
    before = [np.array(kernel.backend.asnumpy(part, inputs.dtype)) for part in placed]
    kernel.backend.wait(kernel.built(3)(*placed))
    for part, original in zip(placed, before, strict=True):
        np.testing.assert_array_equal(kernel.backend.asnumpy(part, inputs.dtype), original)


@every_descent
def test_a_driven_kernel_says_of_which_it_is_made(name: str) -> None:
    kernel = available(name, "descend")
    gradient = registry.MADE_OF.get(name, name)
    assert (kernel.name, kernel.operation, kernel.of) == (name, "descend", gradient)
    assert kernel.backend is load(gradient).backend
    assert kernel.passes == load(gradient).passes


def test_without_a_gpu_its_descents_are_unavailable_for_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(_array: object) -> None:
        raise BackendUnavailable("JAX sees no GPU here")

    module = pytest.importorskip("kernels.gradient.jax_jit")
    without = replace(module.JAX_GPU, backend=replace(module.JAX_GPU.backend, asarray=unavailable))
    monkeypatch.setattr(module, "JAX_GPU", without)
    for name in ("jax-gpu", "jax-compiled-gpu"):
        with pytest.raises(BackendUnavailable, match="^JAX sees no GPU here$"):
            load(name, "descend")


def test_the_gradient_in_numba_compiled_uses_all_threads() -> None:
    if usable_cores() < 2:
        pytest.skip("one core")
    kernel = load("numba-compiled", "descend")
    inputs, fresh = descent(normal(20_000, 32), 200)
    path_of(kernel, inputs, fresh)  # compiles
    before = procfs.thread_seconds()
    for _ in range(3):
        path_of(kernel, inputs, fresh)
    seconds = [after - before.get(thread, 0.0) for thread, after in procfs.thread_seconds().items()]
    assert sum(one > max(seconds) / 4 for one in seconds) >= 2, seconds


@pytest.mark.slow
def test_numba_compiled_runs_where_another_process_compiled_the_gradient(tmp_path: Path) -> None:
    """Stored around a gradient that came from the disk, it would crash in the next process."""
    program = """if True:
        import sys
        import numpy as np
        from kernels import load
        X, y, w, number = np.ones((2000, 32)), np.ones(2000), np.zeros(32), np.float64
        call = load("numba").built(None) if sys.argv[1] == "gradient" else load("numba-compiled", "descend").built(3)
        call(X, y, *([] if sys.argv[1] == "gradient" else [number(0.1)]), w, number(0))
    """
    for what in ("gradient", "descent", "descent"):
        command = [sys.executable, "-c", program, what]
        ended = subprocess.run(command, env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}, cwd=CHECKOUT)
        assert ended.returncode == 0, what
