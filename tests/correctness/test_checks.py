"""The checks: what a worker sent is judged as its operation does, and a result of the wrong form is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bench.correctness.checks import (
    CheckResult,
    WatchedRound,
    check_at_once,
    check_clock,
    check_result,
    check_threads,
)
from kernels import Gradient, Judgement, Kernel, load
from kernels.backends import NUMPY
from tests.support.problems import run_checks

LECTURE = "lecture"


def test_a_result_is_judged_as_its_operation_does() -> None:
    """The check is named in a failure; figures are numbers, curves are tuples of numbers."""
    received: list[Sequence[np.ndarray]] = []

    def judge(result: Sequence[np.ndarray]) -> Judgement:
        received.append(result)
        curve = np.array([0.5, 0.25], np.float32)
        return Judgement("too far", 1.5, {"ulps": np.float32(3)}, False, {"cost": curve})  # type: ignore[dict-item]

    sent = [np.zeros(2)]
    assert check_result("data", judge, sent) == CheckResult(
        "data", "data: too far", 1.5, {"ulps": 3.0}, reached=False, curves={"cost": (0.5, 0.25)}
    )
    assert received == [sent]
    assert check_result("data", lambda _result: Judgement(), sent) == CheckResult("data")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_left_out(value: float) -> None:
    judgement = Judgement("it is far off", value, {"ulps": value, "steps": 3.0})
    result = check_result("data", lambda _result: judgement, [])
    assert (result.bound_fraction, result.figures, result.failure) == (None, {"steps": 3.0}, "data: it is far off")


def test_a_text_says_what_is_wrong_with_the_form_and_nothing_is_judged() -> None:
    def judge(_result: Sequence[np.ndarray]) -> Judgement:
        raise AssertionError

    assert check_result("rows", judge, "it returned a list of 2") == CheckResult(
        "rows", "rows: it returned a list of 2"
    )


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "it returned a NoneType; expected (cost, dw, db)"),
        ((1.0, 2.0), "it returned a tuple of 2; expected (cost, dw, db)"),
        ((1.0, np.zeros(3), 0.0), "dw has shape (3,); expected (2,)"),
        ((np.zeros(1), np.zeros(2), 0.0), "cost has shape (1,); expected ()"),
        ((0.0, np.zeros(2, np.float32), 0.0), "dw is float32; expected float64"),
        ((0.0, np.zeros(2), np.float32(0)), "db is float32; expected float64"),
        ((0.0, np.zeros(2, int), 0.0), "dw is int64; expected float64"),
        ((0.0, "two", 0.0), "dw is a builtins.str; expected NumPy's own, or a Kernel with a backend"),
        ((0, np.zeros(2), 0.0), "cost is a builtins.int; expected NumPy's own, or a Kernel with a backend"),
        ((0.0, np.array([0, np.nan]), 0.0), "dw[1] is nan"),
        ((0.5, np.zeros(2), -np.inf), "db is -inf"),
    ],
)
def test_malformed_results(result: Any, message: str) -> None:
    first = run_checks(Kernel("mine", NUMPY, "", None, lambda *_: result), LECTURE)[0]
    assert first.failure == f"data: {message}"
    assert (first.bound_fraction, first.figures) == (None, {})


class Lazy:
    """An array that computes when it is converted."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.zeros(2)


def test_an_array_that_computes_when_it_is_converted_is_refused() -> None:
    results = run_checks(Kernel("mine", NUMPY, "", None, lambda *_: Gradient(0.0, Lazy(), 0.0)), LECTURE)
    assert re.fullmatch(r"data: dw is a tests\.\S+\.Lazy; expected NumPy's own, .*", results[0].failure)


@pytest.mark.parametrize(("seconds", "passes"), [(2e-6, True), (2.4e-4, True), (3e-4, False), (1e-3, False)])
def test_reading_a_result_may_take_a_quarter_of_a_call(seconds: float, passes: bool) -> None:
    result = check_at_once(seconds, copying=1e-6, call=1e-3)
    assert (not result.failure) is passes


@given(st.floats(1e-7, 100), st.floats(8e-4, 100))
def test_a_result_that_is_computed_when_it_is_read_has_no_excuse(copying: float, call: float) -> None:
    """However long it takes to read what is complete: a backend may be slow on purpose. Calls from 0.8 ms on."""
    failure = check_at_once(call, copying, call).failure
    assert failure.startswith("at-once: reading a result took ")
    capped = copying > max(call / 4, 2e-4)
    assert failure.endswith(" is the most that counts as reading") is capped
    assert failure.endswith(", so the kernel had not finished when its call returned") is not capped


@given(st.floats(1e-7, 2e-4), st.floats(1e-7, 1), st.floats(0.3, 2))
def test_reading_may_take_twice_as_long_as_reading_what_is_complete(
    copying: float, call: float, factor: float
) -> None:
    assert not check_at_once(factor * copying, copying, call).failure


@pytest.mark.parametrize(
    ("in_rounds", "cpu_seconds", "used"),
    [
        (1.0, 0.0, 0),  # where the system does not tell
        (1.25, 1.0, 0),
        (1.3, 1.0, 1.3),
        (1.0, 1.26, 0),  # of which two ticks of the clock count for nothing
        (1.0, 1.28, 1.3),
        (0.5, 3.02, 3.0),
    ],
)
def test_a_kernel_may_keep_as_many_cores_busy_as_it_has_threads(
    in_rounds: float, cpu_seconds: float, used: float
) -> None:
    for threads in (1, 2):
        result = check_threads(threads, in_rounds + threads - 1, cpu_seconds + threads - 1, 1.0)
        cores = "1 core" if threads == 1 else "2 cores"
        busy = f"{used + threads - 1:.2g}"
        failure = f"threads: it kept {busy} cores busy, and may use {cores}" if used else ""
        assert result.failure == failure
    assert not check_threads(1, 1.0, 0.0, 0.0).failure


@pytest.mark.parametrize(
    ("passed", "reported", "passes"),
    [(5.1e-3, 5e-3, True), (6.2e-3, 5e-3, True), (6.3e-3, 5e-3, False), (1.05, 1.0, True), (1.06, 1.0, False)],
)
def test_messages_explain_a_millisecond_and_noise_a_twentieth_of_a_round(
    passed: float, reported: float, passes: bool
) -> None:
    assert (not check_clock(WatchedRound(reported, passed + 0.5, waited=0.5)).failure) is passes


def test_a_kernel_that_stops_computing_after_the_checks_is_detected() -> None:
    numpy_gradient = load("numpy").built(None)
    answers: list[Gradient] = []

    def lazy(X: Any, y: Any, w: Any, b: Any) -> Gradient:
        if len(answers) < honest_calls:
            answers.append(numpy_gradient(X, y, w, b))
            return answers[-1]
        return answers[0]

    honest_calls = len(run_checks(load("numpy"), LECTURE)) - 1
    checks = run_checks(Kernel("lazy", NUMPY, "", None, lazy), LECTURE)
    assert [result.check for result in checks if result.failure] == ["unseen"]
