"""oneDAL, where it is installed: up to which score its losses are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernels import Problem
from tests.support.problems import available, call, run_checks


@pytest.mark.parametrize("workload", ["lecture", "1000x32-f32", "20000x8-f32-F", "breast-cancer"])
def test_it_passes_all_that_it_is_asked(workload: str) -> None:
    assert [result.failure for result in run_checks(available("onedal"), workload) if result.failure] == []


@pytest.mark.parametrize(("dtype", "largest"), [(np.float32, 75.0), (np.float64, 650.0)])
def test_its_losses_are_right_up_to_this_score_and_clipped_there(
    dtype: type[np.floating[Any]], largest: float
) -> None:
    kernel = available("onedal")
    assert kernel.largest_score == 75
    for label, sign in ((1, -1), (0, 1)):
        for score, expected in ((largest, largest), (2 * largest, largest)):
            X = np.full((1, 1), sign * score, dtype)
            result = call(kernel, Problem(X, np.array([label], dtype), np.ones(1, dtype), dtype(0)))
            assert result.cost == pytest.approx(expected, rel=4 * float(np.finfo(dtype).eps))
            assert result.db == sign
