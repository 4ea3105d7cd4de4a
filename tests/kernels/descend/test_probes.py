"""The probes of a descent: the first step shows the gradient's mistakes, and so does one other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernels import Gradient, Inputs, Kernel, load
from kernels.contract import Probe
from kernels.descend.path import Path
from kernels.descend.probes import probes
from kernels.gradient.numpy_vectorized import gradient as correct
from tests.support.descents import copied, path_of
from tests.support.problems import normal

NUMPY = load("numpy", "descend")
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def made(dtype: type[np.floating[Any]], steps: int, m: int = 2000, n: int = 5) -> list[Probe]:
    """All but `changed`, whose X must be overwritten during the call."""
    X = normal(m, n, dtype).X
    of = probes(Inputs({"X": X, "y": X[:, 0], "alpha": np.asarray(dtype(0.3))}, steps))
    return [probe for probe in of if not probe.change]


def paths(kernel: Kernel, of: list[Probe]) -> list[Path]:
    return [path_of(kernel, probe.inputs, probe.fresh) for probe in of]


@DTYPES
@pytest.mark.parametrize("steps", [1, 2, 20])
def test_they_are_the_gradients_and_a_right_path_passes(dtype: type[np.floating[Any]], steps: int) -> None:
    of = made(dtype, steps)
    assert [probe.name for probe in of] == [*("rows", "one-example", "some-examples", "few-examples", "coherent")]
    for probe, path in zip(of, paths(NUMPY, of), strict=True):
        assert (float(probe.inputs.placed["alpha"]) == 1) == (probe.name != "rows")
        assert probe.inputs.static == steps
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
    missing = rows.inputs.placed["alpha"] * (0.5 - y[-1]) * np.append(X[-1], 1) / len(y)
    for j in range(9):
        wrong = copied(path)
        (wrong.ws[1, j : j + 1] if j < 8 else wrong.bs[1:2])[:] += missing[j]
        rest = path_of(NUMPY, Inputs(rows.inputs.placed, 2), (wrong.ws[1], wrong.bs[1]))  # right steps from there
        wrong = Path(*(np.concatenate([part[:1], later]) for part, later in zip(wrong, rest, strict=True)))
        assert rows.judge(wrong).failure.startswith(f"ws[1, {j}] is " if j < 8 else "bs[1] is ")


def test_a_wrong_later_step_is_found_by_one_of_several_calls() -> None:
    for probe, path in zip(of := made(np.float64, 10), paths(NUMPY, of), strict=True):
        wrong = copied(path)
        wrong.bs[5:] += 0.01 * probe.inputs.placed["alpha"]
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


@DTYPES
@pytest.mark.parametrize(
    ("name", "check"),
    [("percent", "rows"), ("rounded", "few-examples"), ("without_some", "rows"), ("sampled", "rows")],
)
def test_a_mistake_from_the_second_step_on_is_found(dtype: type[np.floating[Any]], name: str, check: str) -> None:
    """Where one other step is all: with more, it is found by one of several calls."""

    def gradient(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        share = X.dtype.type(0.99)
        if name == "percent":
            return Gradient(*(part * share for part in correct(X, y, w, b)))
        if name == "rounded":
            return correct(X.astype(np.float16).astype(X.dtype), y, w, b)
        if name == "without_some":
            first = len(y) // 100
            return Gradient(*(part * share for part in correct(X[first:], y[first:], w, b)))
        return correct(X[::2], y[::2], w, b)

    (probe,) = (probe for probe in made(dtype, 2, m=300_000, n=8) if probe.name == check)
    (path,) = paths(NUMPY, [probe])
    X, y, alpha = probe.inputs.placed.values()
    wrong = copied(path)
    J, dw, db = gradient(X, y, path.ws[1], path.bs[1])
    wrong.costs[1], wrong.ws[2], wrong.bs[2] = J, path.ws[1] - alpha * dw, path.bs[1] - alpha * db
    failures = {probe.judge(wrong).failure for _ in range(50)}  # t is 1 or 2
    assert any(failures), failures


def test_the_array_that_changes_is_judged_by_the_first_step() -> None:
    X = np.array(normal(2000, 5).X)
    of = probes(Inputs({"X": X, "y": X[:, 0], "alpha": np.asarray(0.3)}, 3))
    (probe,) = (probe for probe in of if probe.change)
    assert probe.change
    stale = path_of(NUMPY, probe.inputs, probe.fresh)
    assert probe.judge(stale).failure.startswith("costs[0] is ")
    changed = np.array(probe.inputs.placed["X"])
    changed[probe.change.row] = probe.change.values
    inputs = Inputs({**probe.inputs.placed, "X": changed}, 3)
    assert probe.judge(path_of(NUMPY, inputs, probe.fresh)).failure == ""
