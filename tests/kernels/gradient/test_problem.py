"""Problem validates its arguments, and names the bad one in a message of one line."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from kernels import Problem

X = np.arange(6.0).reshape(3, 2)
y = np.array([0.0, 1.0, 1.0])
w = np.array([0.5, -0.5])
GOOD: dict[str, Any] = {"X": X, "y": y, "w": w, "b": 0.25}


def with_value(array: np.ndarray, index: Any, value: float) -> np.ndarray:
    changed = array.copy()
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"X": X.astype(np.int64)}, "X holds int64; expected float32 or float64"),
        ({"X": X.astype(complex)}, "X holds complex128; expected float32 or float64"),
        ({"X": X.astype(np.float16)}, "X holds float16; expected float32 or float64"),
        ({"X": X[0]}, r"X has shape \(2,\); expected \(m, n\)"),
        ({"X": X[:0]}, r"X has shape \(0, 2\): no examples"),
        ({"X": X[:, :0]}, r"X has shape \(3, 0\): no features"),
        ({"X": with_value(X, (1, 0), np.nan)}, r"X\[1, 0\] is nan; every value must be finite"),
        ({"X": with_value(X, (2, 1), -np.inf)}, r"X\[2, 1\] is -inf"),
        ({"y": y[:2]}, r"y has shape \(2,\); expected \(3,\), one label for each row of X"),
        ({"y": y.astype(np.float32)}, "y holds float32; expected float64, the dtype of X"),
        ({"y": with_value(y, 1, 2)}, "y holds the labels 2; every label must be 0 or 1"),
        ({"y": np.array([-1.0, 1, -1])}, "y holds the labels -1; every label"),
        ({"y": with_value(y, 0, np.nan)}, r"y\[0\] is nan"),
        ({"w": np.zeros(3)}, r"w has shape \(3,\); expected \(2,\), one weight for each column of X"),
        ({"w": w.astype(int)}, "w holds int64; expected float64"),
        ({"w": with_value(w, 1, np.inf)}, r"w\[1\] is inf"),
        ({"b": 1e308}, "w, b and row 0 of X are so large"),
        ({"b": np.nan}, "b is nan"),
        (
            {"X": X.astype(np.float32), "y": y.astype(np.float32), "w": w.astype(np.float32), "b": 1e300},
            "b is inf",
        ),
        ({"b": np.zeros(2)}, "b is array.*expected one real number"),
        ({"b": 1j}, "b is 1j; expected one real number"),
        ({"X": X * 1e307}, "a sum over 3 examples could overflow float64"),
        (
            {"X": X * 1e200, "w": w * 1e200},
            "w, b and row 0 of X are so large that scores could overflow float64",
        ),
    ],
)
def test_an_invalid_problem_is_refused(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Problem(**{**GOOD, **bad})
    assert "\n" not in str(caught.value)


def test_a_valid_problem_keeps_read_only_views_and_no_copies() -> None:
    problem = Problem(**GOOD)
    assert (problem.m, problem.n, problem.dtype, problem.order) == (3, 2, np.float64, "C")
    for name in ("X", "y", "w"):
        assert np.shares_memory(getattr(problem, name), GOOD[name])
        assert not getattr(problem, name).flags.writeable
    assert X.flags.writeable


@pytest.mark.parametrize(
    ("view", "order"), [(X[::2], "C"), (X[:, ::-1], "C"), (np.asfortranarray(X), "F"), (X.T, "F")]
)
def test_the_order_is_c_or_f(view: np.ndarray, order: str) -> None:
    problem = Problem(view, np.zeros(len(view)), np.zeros(view.shape[1]), 0.0)
    assert problem.order == order
    np.testing.assert_array_equal(problem.X, view)


def test_b_is_rounded_to_the_dtype_of_x() -> None:
    problem = Problem(X.astype(np.float32), y.astype(np.float32), w.astype(np.float32), 1 / 3)
    assert problem.b.dtype == np.float32
    assert problem.b == np.float32(1 / 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_and_scores_may_reach_a_quarter_of_the_largest_number_over_m(dtype: Any) -> None:
    limit = float(np.finfo(dtype).max) / 4 / 3
    labels, zero, one = y.astype(dtype), np.zeros((3, 1), dtype), np.zeros(1, dtype)
    for factor, valid in ((0.999, True), (1.001, False)):
        for matrix, b in ((np.array([[0], [-factor * limit], [1]], dtype), 0.0), (zero, -factor * limit)):
            with nullcontext() if valid else pytest.raises(ValueError, match="could overflow"):
                Problem(matrix, labels, one, b)


def test_large_weights_of_small_features_are_valid() -> None:
    problem = Problem(np.array([[1e200, 0], [0, 1.0]]), y[:2], np.array([0, 1e200]), 0.0)
    assert problem.m == 2


def test_features_that_are_zero_allow_any_weights() -> None:
    assert Problem(np.zeros((1, 2)), y[:1], np.array([1e308, 1e308]), 0.0).n == 2
