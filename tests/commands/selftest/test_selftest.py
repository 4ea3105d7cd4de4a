"""The self-test's summary, from made-up races; and every cheater is caught, by the right check."""

from __future__ import annotations

import tempfile
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.__main__ import main
from bench.commands.selftest import selftest, slowed as slowed_kernels, summary, text as selftest_text
from bench.commands.selftest.slowed import slowed
from bench.commands.selftest.summary import Trial
from bench.workloads import catalog
from kernels import load, registry
from tests.support.problems import normal


@cache
def outcomes(workload: str) -> dict[str, dict[str, Any]]:
    """The outcome of each cheater on a workload."""
    return selftest.catch_cheaters([workload])


@pytest.mark.parametrize("name", selftest.cheaters())
def test_every_cheater_is_caught(name: str) -> None:
    outcome = outcomes(selftest.cheaters()[name].workload)[name]
    assert outcome["caught"], outcome["reason"]


def test_every_operation_has_cheaters_on_its_own_workloads() -> None:
    known = selftest.cheaters()
    assert {name.partition("/")[0] for name in known} == set(registry.OPERATIONS)
    for name, cheater in known.items():
        operation = name.partition("/")[0]
        assert catalog.named(cheater.workload).operation == operation
        assert load(cheater.spec, operation).operation == operation


def test_a_cheater_that_another_check_rejects_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    (name, cheater), *_ = selftest.cheaters().items()
    monkeypatch.setattr(selftest, "cheaters", lambda: {name: cheater._replace(reason="unseen: ")})
    assert not selftest.catch_cheaters()[name]["caught"]


def trial(
    estimate: float, half: float, slow: float | None = None, kernel: str = "numpy", neighbour: bool = False
) -> Trial:
    def ratio(middle: float) -> dict[str, Any]:
        low, high = middle / (1 + half), middle * (1 + half)
        verdict = "slower" if high < 1 else "faster" if low > 1 else "no difference shown"
        return {"estimate": middle, "low": low, "high": high, "verdict": verdict}

    return Trial(
        kernel,
        "1000x32-f64",
        neighbour,
        5,
        10.0,
        ratio(estimate),
        ratio(slow) if slow else None,
        (0.0, 0.01),
        (),
        0.007,
    )


def test_rows_count_false_alarms_coverage_and_slowdowns_found() -> None:
    trials = [trial(1.0, 0.02, 0.95), trial(1.05, 0.02, 0.99), trial(0.99, 0.02), trial(1.0, 0.01, kernel="jax")]
    trials.append(trial(1.0, 0.01, 0.95, kernel="jax"))
    rows = {(row.kernel, row.workload): row for row in summary.summarize(trials)}
    numpy, whole = rows["numpy", "1000x32-f64"], rows["all", "all"]
    assert (numpy.races, numpy.false_alarms, numpy.covered) == (3, 1, 2)
    assert (numpy.slowed_races, numpy.slowed_found) == (2, 1)
    assert (whole.races, whole.false_alarms, whole.slowed_found) == (5, 1, 2)
    assert whole.false_alarm_share[0] == 0.2
    assert whole.false_alarm_share[1] < 0.2 < whole.false_alarm_share[2]
    assert numpy.smallest_found == pytest.approx(1.05 * 1.02 - 1)


@pytest.mark.parametrize(
    ("alarms", "caught", "passes"), [(0, True, True), (3, True, True), (20, True, False), (0, False, False)]
)
def test_the_self_tests_verdict(alarms: int, caught: bool, passes: bool) -> None:
    trials = [trial(1.1 if i < alarms else 1.0, 0.02, 0.9) for i in range(200)]
    document = {
        "threads": 1,
        "summary": [row.__dict__ for row in summary.summarize(trials)],
        "cheaters": {"gradient/sign_error": {"outcome": "wrong", "reason": "data: dw[0]", "caught": caught}},
        "pytest_benchmark": [],
    }
    assert summary.passed(document) is passes
    page = StringIO()
    selftest_text.summary(Console(file=page, width=80, highlight=False), document)
    assert f"{alarms}/200" in page.getvalue()
    assert ("NOT CAUGHT: gradient/sign_error" in page.getvalue()) is not caught


def test_an_unwritable_folder_is_found_before_anything_races(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def unwritable(dir: Path) -> None:  # noqa: A002 - as tempfile's
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(tempfile, "TemporaryFile", unwritable)
    monkeypatch.setattr(selftest, "run", lambda *_: pytest.fail("it raced"))
    assert main(["selftest", "--results", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: results cannot be written to {tmp_path}: Permission denied\n"


def test_a_slowed_kernel_computes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slowed_kernels, "_MEASURE_SECONDS", 0.0)  # how much slower it is does not matter here
    problem = normal(40, 3)
    kernel = load("numpy")
    plain, slow = (k.built(None)(problem.X, problem.y, problem.w, problem.b) for k in (kernel, slowed(kernel)))
    assert plain.cost == slow.cost
    assert (plain.dw == slow.dw).all()
