"""The probes of a kernel that is right up to some score only: what it has to pass, and what it cannot escape."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
import pytest

from kernels import Gradient, Inputs, Kernel
from kernels.backends import NUMPY
from kernels.gradient import cheaters, disguised
from kernels.gradient.disguised import clipped_probability, clipped_scores
from kernels.gradient.numpy_vectorized import gradient as correct
from kernels.gradient.operation import GRADIENT
from tests.support.problems import inputs, run_checks

WORKLOADS = pytest.mark.parametrize(
    "workload", ["1000x3", "1000x1", "1x1", "50x3-f32", "1000x32-f32-F", "20000x8-f32"]
)
CLIPPED_AT = -log(1e-15)  # 34.5
KEPT = {"rows", "one-example", "changed", "some-examples", "few-examples", "coherent", "drawn-labels"}
"""The probes that no largest score leaves out."""


def kernel(function: Callable[..., Any], largest: float | None) -> Kernel:
    return Kernel("mine", NUMPY, "", None, function, largest_score=largest)


def first_failure(function: Callable[..., Any], largest: float | None, workload: str) -> str:
    with np.errstate(all="ignore"):
        results = run_checks(kernel(function, largest), workload)
    return next((result.failure.partition(": ")[0] for result in results if result.failure), "none")


@WORKLOADS
@pytest.mark.parametrize("largest", [4, 12.0, 20.0, 34.0, 75.0, 200.0, 650.0, 1e5, 1e12])
def test_a_right_kernel_passes_whatever_it_declares(workload: str, largest: float) -> None:
    results = run_checks(kernel(correct, largest), workload)
    assert [result.failure for result in results] == [""] * len(results)
    fractions = {result.check: result.bound_fraction or 0 for result in results if result.check != "one-example"}
    assert max(fractions.values()) <= 0.6, fractions
    assert {result.check for result in results} >= KEPT - ({"changed"} if workload == "1x1" else set())


@WORKLOADS
@pytest.mark.parametrize("largest", [6.0, 20.0, 75.0, 650.0])
def test_no_probe_has_a_larger_score(workload: str, largest: float) -> None:
    made = inputs(workload)
    own = made.largest_score
    assert own is not None
    for case in made.probes_up_to(largest)[0]:
        X, (w, b) = made.arrays[case.fields["X"]].astype(np.float64), case.fresh
        scores = np.abs(X @ w.astype(np.float64) + float(b))
        assert scores.max() <= (own if case.check == "drawn-labels" else largest), case.check
        if case.check not in ("rows", "coherent", "drawn-labels", "few-examples"):
            assert scores.max() >= 0.9 * largest or workload in ("1x1", "50x3-f32") or largest > 600, case.check


def test_what_takes_the_place_of_larger_scores_and_what_is_left_out() -> None:
    def asked(largest: float, workload: str = "1000x3") -> tuple[list[str], list[str]]:
        probes, left_out = inputs(workload).probes_up_to(largest)
        return [case.check for case in probes if case.check not in KEPT], left_out

    assert asked(34) == (["scores-34"], ["scores-1024", "tail-20", "tail-60", "tail-200", "tail-600", "tail+20"])
    assert asked(75) == (["scores-75", "tail-18", "tail+18"], ["scores-1024", "tail-60", "tail-200", "tail-600"])
    assert asked(650) == (["scores-128", "scores-650", "tail-20", "tail-33", "tail+20"], ["tail-200", "tail-600"])
    assert asked(75, "1000x32-f32-F") == (["scores-75", "tail-10", "tail-13", "tail+10"], ["tail-56"])
    every, none = inputs("1000x3").probes_up_to(None)
    assert (every, none) == (inputs("1000x3").probes, [])
    for case, same in zip(every, inputs("1000x3").probes_up_to(1e12)[0], strict=True):
        assert (case.check, case.judgement) == (same.check, same.judgement)


@pytest.mark.parametrize(
    ("function", "largest", "check"),
    [
        (clipped_probability, None, "one-example"),
        (clipped_probability, 34.0, "none"),
        (clipped_probability, 35.0, "one-example"),
        (clipped_probability, 75.0, "one-example"),
        (clipped_scores, None, "one-example"),
        (clipped_scores, 14.0, "none"),
        (clipped_scores, 20.0, "one-example"),
    ],
)
def test_a_kernel_that_clips_is_right_only_up_to_where_it_does(
    function: Callable[..., Gradient], largest: float | None, check: str
) -> None:
    assert first_failure(function, largest, "1000x32") == check


@pytest.mark.parametrize("workload", ["1000x32", "1000x32-f32"])
@pytest.mark.parametrize("largest", [34.0, 75.0])
def test_a_loss_that_loses_its_digits_is_wrong_long_before_it_is_clipped(workload: str, largest: float) -> None:
    """−log(1 − a), as oneDAL's logistic loss has it: 1 − a has an error of u, and a is clipped."""

    def from_probability(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        least = X.dtype.type(1e-15 if X.dtype == np.float64 else 1e-7)
        a = np.clip(1 / (1 + np.exp(-(X @ w + b))), least, 1 - least)
        J = -np.where(y == 1, np.log(a), np.log(1 - a)).mean(dtype=X.dtype)
        return Gradient(J, (a - y) @ X / X.dtype.type(len(y)), (a - y).mean(dtype=X.dtype))

    assert first_failure(from_probability, largest, workload) not in ("none", "data")


CAUGHT = {
    "sign_error", "hidden_float32", "wrong_mean", "remembered", "transposed_copy", "checked_copy", "cost_of_another",
    "dropped_last_row", "half_of_the_cost", "nan_in_a_range", "wrong_in_a_range", "wrong_in_a_small_range",
    "small_is_zero", "cut_at_twenty", "clipped_probability", "clipped_scores",
}  # fmt: skip
"""Cheaters that compute what they return in the call itself, and need no long sums to be noticed."""


@pytest.mark.parametrize("name", sorted(CAUGHT))
def test_a_cheater_is_caught_whatever_it_declares(name: str) -> None:
    """As onedal, which is right up to 75; and the least that is raced on this workload, but for large scores."""
    cheater = getattr(cheaters, name)
    assert first_failure(cheater, 75.0, "1000x32") != "none"
    of_large_scores = name in vars(disguised) and name != "half_of_the_cost"
    if not of_large_scores:
        assert first_failure(cheater, 13.0, "1000x32") != "none"


def test_the_largest_score_of_a_workload_is_above_those_that_are_drawn() -> None:
    for workload in ("lecture", "1000x32-f32", "1000x1", "breast-cancer"):
        made, rng = inputs(workload), np.random.default_rng(0)
        X, own = made.inputs.placed["X"], made.largest_score
        drawn = max(float(np.abs(X @ w + b).max()) for w, b in (GRADIENT.fresh(made.inputs, rng) for _ in range(300)))
        assert own is not None
        assert drawn < own < 8 * drawn


def test_the_largest_score_of_huge_data_is_not_finite() -> None:
    X = np.full((2, 3), 1e200)
    assert GRADIENT.largest_score
    assert GRADIENT.largest_score(Inputs({"X": X, "y": np.zeros(2)})) == np.inf
