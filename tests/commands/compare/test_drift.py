"""The ratio of two runs: known intervals, what is put down to the machine, how often it is right. Seeded."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest
from scipy.stats import ttest_ind

from bench.analysis import statistics
from bench.commands.compare import drift

KERNELS = {"loops": 4e-3, "numpy": 3e-4, "jax": 2e-4, "numba": 5e-5}
ROUNDS = 5


def run(
    rng: np.random.Generator,
    launches: int = 5,
    spread: float = 0.03,
    pace: float = 1.0,
    pace_spread: float = 0.0,
    between: float = 0.0,
    **slower: float,
) -> dict[str, list[list[float]]]:
    """Kernel → rounds by launch: log-normal launches, a pace that all share, and so many times slower."""
    shift = log(pace) + pace_spread * rng.standard_normal(launches)
    return {
        kernel: [
            list(seconds * slower.get(kernel, 1.0) * np.exp(shift[launch] + own + 0.01 * rng.standard_normal(ROUNDS)))
            for launch, own in enumerate(between * rng.standard_normal() + spread * rng.standard_normal(launches))
        ]
        for kernel, seconds in KERNELS.items()
    }


def test_without_drift_it_is_welchs_interval() -> None:
    before, after = [0.0, 0.02, -0.01, 0.03], [0.1, 0.16, 0.08, 0.13, 0.12, 0.09]
    found = drift.change(before, after, rest=0.0, between=0.0)
    known = ttest_ind(before, after, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((exp(known.low), exp(known.high)))
    assert found.verdict == "slower"


def test_seven_launches_are_trimmed_as_in_yuens_test() -> None:
    before, after = [0.0, 0.02, -0.01, 0.03, 0.01, 0.0, 5.0], [0.1, 0.16, 0.08, 0.13, 0.12, 0.09, 0.11]
    found = drift.change(before, after, rest=0.0, between=0.0)
    errors = [statistics.standard_error(logs) for logs in (before, after)]
    degrees_of_freedom = sum(error**2 for error in errors) ** 2 / sum(error**4 / 4 for error in errors)
    half = statistics.t_quantile(degrees_of_freedom) * sqrt(sum(error**2 for error in errors))
    middle = 0.012 - 0.11  # the means of the five in the middle
    assert (found.low, found.high) == pytest.approx((exp(middle - half), exp(middle + half)), rel=1e-3)


def test_drift_that_is_known_widens_it_and_needs_no_degrees_of_freedom() -> None:
    found = drift.change([0.0, 0.0], [0.5, 0.5], rest=0.1, between=0.04**2)
    assert found.estimate == pytest.approx(exp(-0.4))
    assert found.low == pytest.approx(exp(-0.4 - 1.959964 * 0.04))
    assert found.smallest == pytest.approx(exp((1.959964 + 1.2816) * 0.04) - 1)


def test_one_launch_shows_nothing() -> None:
    found = drift.change([0.0], [1.0, 1.1, 1.2], rest=0.0, between=0.0)
    assert (found.low, found.high, found.smallest, found.verdict) == (None, None, None, "no difference shown")
    assert found.estimate == pytest.approx(exp(-1.1))


def test_what_all_share_is_put_down_to_the_machine_and_one_kernel_is_not() -> None:
    rng = np.random.default_rng(1)
    before, after = run(rng, pace_spread=0.2), run(rng, pace=1.3, pace_spread=0.2, numba=1.3)
    found = drift.changes(before, after, one_machine=True)
    assert {kernel: change.verdict for kernel, change in found.items()} == {
        "loops": "no difference shown",
        "numpy": "no difference shown",
        "jax": "no difference shown",
        "numba": "slower",
    }
    assert found["numba"].estimate == pytest.approx(1 / 1.3, rel=0.06)
    assert drift.changes(before, after, one_machine=False)["numba"].estimate < 1 / 1.4


def test_a_calm_machine_does_not_hide_what_slows_all_kernels() -> None:
    rng = np.random.default_rng(2)
    before, after = run(rng, spread=0.01), run(rng, spread=0.01, pace=1.3)
    shift = drift.pace(before, after)
    assert shift.limit is not None
    assert shift.change == pytest.approx(1 / 1.3, rel=0.02)
    assert shift.limit < 1.05
    assert shift.format_shift == f"{1 / shift.change:.2f}× slower"
    assert {change.verdict for change in drift.changes(before, after, one_machine=True).values()} == {"slower"}


def test_a_kernel_alone_has_no_pace_to_be_told_from() -> None:
    rng = np.random.default_rng(3)
    before, after = ({"numpy": run(rng, pace_spread=0.1)["numpy"]} for _ in range(2))
    found = drift.changes(before, after, one_machine=True)["numpy"]
    assert found == drift.changes(before, after, one_machine=False)["numpy"]
    assert found.high is not None
    assert found.high / found.estimate > exp(1.96 * 0.1)


@pytest.mark.parametrize(("launches", "spread"), [(5, 0.02), (5, 0.08), (12, 0.05)])
def test_its_interval_holds_the_truth_and_finds_a_fifth(launches: int, spread: float) -> None:
    """95% is promised; 400 cells let a share of 92.5% pass by chance in one of a hundred. All has its cause:
    a launch's luck, the pace of launch and run, and what a run shares beyond it."""
    rng = np.random.default_rng(launches)
    held = found = alarms = cells = 0
    for _ in range(100):
        each = {"launches": launches, "spread": spread, "pace_spread": 0.15, "between": drift.BETWEEN_RUNS / sqrt(2)}
        before, after = run(rng, **each), run(rng, pace=exp(0.15 * rng.standard_normal()), **each)  # type: ignore[arg-type]
        for kernel, change in drift.changes(before, after, one_machine=True).items():
            assert change.low is not None
            assert change.high is not None
            cells += 1
            held += change.low <= 1 <= change.high
            alarms += change.verdict != "no difference shown"
            slowed = {**after, kernel: [[1.2 * seconds for seconds in rounds] for rounds in after[kernel]]}
            found += drift.changes(before, slowed, one_machine=True)[kernel].verdict == "slower"
    assert held / cells >= 0.925
    assert alarms / cells <= 0.075
    assert found / cells >= {0.02: 0.9, 0.05: 0.9, 0.08: 0.5}[spread]
