"""The Hessians of Newton's method, entry by entry: an inexact one would only cost more steps, so no fit shows it."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from kernels._numba.arrays import writable
from kernels._numba.gram import weighted_gram
from kernels.fit.numpy_newton import Objective
from tests.support.problems import normal

SHAPES = pytest.mark.parametrize("shape", [(1, 1), (5, 2), (70, 7), (300, 17), (20_000, 33)])
"""Fewer and more examples than a block, odd and even numbers of features, one thread and several."""
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def expected(X: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(1/m) Σ_i a_i (1 − a_i) x̃_i x̃_iᵀ in double."""
    X1 = np.column_stack([X, np.ones(len(X))]).astype(np.float64)
    a = 1 / (1 + np.exp(-X1 @ v))
    gram: np.ndarray = (X1 * (a * (1 - a))[:, np.newaxis]).T @ X1 / len(X)
    return gram


def close(H: np.ndarray, X: np.ndarray, v: np.ndarray) -> bool:
    """Within the roundings of a score of n + 1 terms, of √(a (1 − a)) and of sums over blocks of 256: at most 512."""
    right = expected(X, v)
    scale = np.sqrt(np.outer(right.diagonal(), right.diagonal()))
    return bool((abs(H - right) <= 512 * float(np.finfo(X.dtype).eps) * scale).all())


@SHAPES
@DTYPES
def test_the_gram_matrix_of_numba(shape: tuple[int, int], dtype: type[np.floating[Any]]) -> None:
    problem = normal(*shape, dtype)
    v = np.append(problem.w, problem.b).astype(np.float64)
    H = weighted_gram(np.array(problem.X), v)
    assert close(H, problem.X, v)
    assert np.array_equal(H, H.T)
    H[0, 0] *= 1.01
    assert not close(H, problem.X, v)


def test_columns_in_fortran_order() -> None:
    problem = normal(300, 17, order="F")
    v = np.append(problem.w, problem.b)
    assert close(weighted_gram(np.array(problem.X, order="F"), v), problem.X, v)


@SHAPES
@DTYPES
def test_the_hessian_of_numpy(shape: tuple[int, int], dtype: type[np.floating[Any]]) -> None:
    problem = normal(*shape, dtype)
    v, penalties = np.append(problem.w, problem.b).astype(np.float64), np.append(np.full(shape[1], 0.5), 0.0)
    hessian = Objective(lambda *_arguments: None, problem.X, problem.y, penalties).hessian(v)
    assert close(hessian - np.diag(penalties), problem.X, v)


def test_a_writable_view_is_the_same_array() -> None:
    X = normal(4, 2).X
    first = numba.njit(lambda array: writable(array)[1, 1])
    assert first(X) == X[1, 1]
