"""Fits that make no sense are refused, each in one line; the mirror; and the judge of an answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bench.__main__ import main
from bench.workloads import catalog
from kernels import load, load_operation
from kernels.fit.judge import judge
from kernels.fit.mirror import mirror, probes
from kernels.fit.operation import inputs, static
from kernels.fit.optimum import find_optimum, optimum_of
from kernels.fit.problem import Fit
from kernels.gradient import operation as gradient
from tests.support.fits import DEFAULTS, fit, result_of
from tests.support.problems import normal

NEWTON = load("numpy-newton", "fit")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"penalty": -1.0}, r"^penalty is -1; expected a number, 0 or more$"),
        ({"penalty": float("nan")}, r"^penalty is nan; expected a number, 0 or more$"),
        ({"tolerance": 0.0}, r"^tolerance is 0; expected a number between 0 and 1$"),
        ({"tolerance": 2.0}, r"^tolerance is 2; expected a number between 0 and 1$"),
        ({"budget": 0}, r"^budget is 0; expected a whole number, 1 or more$"),
    ],
)
def test_options_that_make_no_fit(options: dict[str, Any], says: str) -> None:
    for refuses in (lambda: static(DEFAULTS | options), lambda: fit(normal(33, 5), **options)):
        with pytest.raises(ValueError, match=says):
            refuses()


def test_data_without_exactly_one_optimum() -> None:
    problem = normal(33, 5)
    with pytest.raises(ValueError, match=r"^every label is 1: b has no optimum; expected examples of both classes$"):
        inputs(problem.X, np.ones(33), DEFAULTS)
    X = problem.X.copy()
    X[:, 3] = 2.0
    with pytest.raises(ValueError, match=r"^column 3 of X is constant, as b is: .*expected a penalty above 0$"):
        inputs(X, problem.y, DEFAULTS | {"penalty": 0.0})
    assert inputs(X, problem.y, DEFAULTS).details == {"penalty": 1e-4, "tolerance": 1e-6}
    X[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"^X\[2, 1\] is nan; every value must be finite$"):
        inputs(X, problem.y, DEFAULTS)


@pytest.mark.parametrize(
    ("workload", "says"),
    [
        ("fit:lecture@penalty=-1", "penalty is -1; expected a number, 0 or more"),
        ("fit:lecture@budget=0", "budget is 0; expected a whole number, 1 or more"),
        ("fit:lecture@tolerance=x", "tolerance is 'x'; expected a number between 0 and 1"),
        ("fit:lecture@steps=3", "fit has no option 'steps'; expected penalty, tolerance, budget"),
    ],
)
def test_a_workload_that_makes_no_sense_is_one_line(
    workload: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "numpy", "--workloads", workload]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_start_that_does_not_fit_is_refused() -> None:
    made, _ = fit(normal(33, 5))
    with pytest.raises(ValueError, match=r"^w has shape \(4,\); expected \(5,\), one weight for each column of X$"):
        judge(made, (np.zeros(4), 0.0), False)
    with pytest.raises(ValueError, match=r"^w\[1\] is nan; every value must be finite$"):
        judge(made, (np.array([0.0, np.nan, 0, 0, 0]), 0.0), False)


def copied(result: Fit, **changed: Any) -> Fit:
    return Fit(*(part.copy() for part in result))._replace(**changed)


def test_an_answer_that_is_no_optimum_must_not_say_that_it_is() -> None:
    made, start = fit(normal(200, 5))
    right = result_of(NEWTON, made, start)
    judged = judge(made, start, False)
    assert (judged(right).failure, judged(right).reached) == ("", True)
    off = copied(right)
    off.ws[-1, 0] += 1e-3
    assert judged(off).failure.startswith(f"it says that max|∇F| is {float(right.norm):.3g} at its answer; it is ")
    for norm in (np.nan, 1.0):
        honest = judged(copied(off, norm=np.float64(norm)))
        assert (honest.failure, honest.reached, honest.bound_fraction) == ("", False, None)
        assert honest.figures["max|∇F|"] > 1e-5


def test_a_malformed_result_says_what_is_wrong() -> None:
    made, start = fit(normal(200, 5))
    right, judged = result_of(NEWTON, made, start), judge(made, start, False)
    wrong = copied(right)
    wrong.ws[0, 0] = np.nextafter(wrong.ws[0, 0], 9)
    assert judged(wrong).failure == "the first iterate is not the start that was given"
    wrong = copied(right)
    wrong.bs[-1] = np.inf
    assert judged(wrong).failure == f"bs[{len(right.bs) - 1}] is inf"
    wrong = copied(right, evaluations=right.evaluations[::-1])
    assert judged(wrong).failure == "evaluations fall from one iterate to the next, or below 0"
    wrong = copied(right, bs=right.bs[:-1])
    assert "entries; expected as many" in judged(wrong).failure
    wrong = copied(right)
    wrong.ws[-1] = 1e307
    assert judged(wrong).failure.startswith("at the answer: w, b and row ")


def test_the_curves_end_at_the_optimum() -> None:
    made, start = fit(normal(200, 5))
    curves = judge(made, start, False)(result_of(NEWTON, made, start)).curves
    assert list(curves) == ["F − F*", "max|∇F|", "evaluations"]
    gaps, norms, evaluations = curves.values()
    assert gaps[-1] < 1e-10 < 1e-3 < gaps[0]
    assert norms[-1] <= 1e-6 < norms[0]
    assert evaluations[0] == 0 < evaluations[-1]
    assert judge(made, start, True)(result_of(NEWTON, made, start)).curves == {}


@given(st.integers(0, 2**32))
def test_a_fit_in_the_mirror_is_the_same_fit(seed: int) -> None:
    problem = normal(80, 4)
    made, _ = fit(problem, penalty=0.01)
    rng = np.random.default_rng(seed)
    mirrored = mirror(made, rng)
    other = mirrored.inputs()
    optimum = find_optimum(other.placed["X"], other.placed["y"], 0.01)
    w, b = mirrored.restore((optimum.v[:-1], optimum.v[-1]))
    assert np.append(w, b) == pytest.approx(optimum_of(made).v, abs=1e-8)
    assert optimum.cost == pytest.approx(optimum_of(made).cost)
    start = gradient.fresh(made, rng)
    result = result_of(NEWTON, other, start)
    judgement = judge(made, tuple(mirrored.restore(start)), True)(mirrored.restore(result))
    assert (judgement.failure, judgement.reached) == ("", True)


def test_the_probe_has_other_data_of_the_same_form() -> None:
    made, _ = fit(normal(80, 4, order="F"))
    (probe,) = probes(made)
    X, other = made.placed["X"], probe.inputs.placed["X"]
    assert (other.shape, other.dtype, other.flags.f_contiguous) == (X.shape, X.dtype, True)
    assert not np.array_equal(X, other)
    assert not probe.judge(result_of(NEWTON, probe.inputs, probe.fresh)).failure
    assert probe.judge(result_of(NEWTON, made, probe.fresh)).failure


def test_the_operation_says_what_it_is() -> None:
    operation = load_operation("fit")
    workload = catalog.named("fit:breast-cancer@penalty=0.5")
    assert workload.name == "fit:breast-cancer@penalty=0.5"
    assert workload.baseline == "sklearn-newton-cholesky"
    assert workload.work is None
    assert set(operation.options) == {"penalty", "tolerance", "budget"}
