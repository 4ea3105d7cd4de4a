"""The probes of a descent: the first step shows the gradient's mistakes, and one other step is judged as any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernels import Inputs, Kernel, load
from kernels.contract import Probe
from kernels.descend.path import Path
from kernels.descend.probes import probes
from kernels.gradient.probes import probe_problems
from tests.support.descents import copied, path_of
from tests.support.problems import normal

NUMPY = load("numpy", "descend")
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def made(dtype: type[np.floating[Any]], steps: int, m: int = 2000, n: int = 5) -> list[Probe]:
    X = normal(m, n, dtype).X
    return list(probes(Inputs({"X": X, "y": X[:, 0], "alpha": np.asarray(dtype(0.3))}, steps)))


def paths(kernel: Kernel, of: list[Probe]) -> list[Path]:
    return [path_of(kernel, probe.inputs, probe.fresh) for probe in of]


@DTYPES
@pytest.mark.parametrize("steps", [1, 2, 20])
def test_they_are_the_gradients_and_a_right_path_passes(dtype: type[np.floating[Any]], steps: int) -> None:
    of = made(dtype, steps)
    assert [probe.name for probe in of] == [probe.name for probe in probe_problems(normal(2000, 5, dtype).X)]
    for probe, path in zip(of, paths(NUMPY, of), strict=True):
        assert (float(probe.inputs.placed["alpha"]), probe.inputs.static) == (1.0, steps)
        for _ in range(20):
            judgement = probe.judge(path)
            assert judgement.failure == ""
            assert judgement.bound_fraction is not None
            assert judgement.bound_fraction < 0.5


@DTYPES
def test_a_row_that_is_left_out_of_the_first_step_is_found(dtype: type[np.floating[Any]]) -> None:
    """In the probe `rows`, by each weight and by the intercept: each example adds ±½ / m to their steps."""
    of = made(dtype, 3, m=100_000, n=8)
    (rows,) = (probe for probe in of if probe.name == "rows")
    (path,) = paths(NUMPY, [rows])
    X, y = rows.inputs.placed["X"], rows.inputs.placed["y"]
    missing = (0.5 - y[-1]) * np.append(X[-1], 1) / len(y)
    for j in range(9):
        wrong = copied(path)
        (wrong.ws[1, j : j + 1] if j < 8 else wrong.bs[1:2])[:] += missing[j]
        rest = path_of(NUMPY, Inputs(rows.inputs.placed, 2), (wrong.ws[1], wrong.bs[1]))  # right steps from there
        wrong = Path(*(np.concatenate([part[:1], later]) for part, later in zip(wrong, rest, strict=True)))
        assert rows.judge(wrong).failure.startswith(f"ws[1, {j}] is " if j < 8 else "bs[1] is ")


def test_a_wrong_later_step_is_found_by_one_of_several_calls() -> None:
    for probe, path in zip(of := made(np.float64, 10), paths(NUMPY, of), strict=True):
        wrong = copied(path)
        wrong.bs[5:] += 0.01
        failures = {probe.judge(wrong).failure for _ in range(200)}  # each misses the step with probability 9/10
        assert any(failure.startswith("bs[5] is ") for failure in failures)
        assert "" in failures


def test_a_path_that_leaves_the_domain_is_wrong() -> None:
    for probe, path in zip(of := made(np.float64, 1), paths(NUMPY, of), strict=True):
        wrong = copied(path)
        wrong.ws[1] = 1e308
        failure = probe.judge(wrong).failure
        assert failure.startswith("after 1 steps: w, b and row ")
        assert "\n" not in failure
        wrong.ws[1] = np.nan
        assert probe.judge(wrong).failure == "ws[1, 0] is nan"
        wrong = copied(path)
        wrong.ws[0] += 1
        assert probe.judge(wrong).failure == "the path does not begin at the start that was given"
