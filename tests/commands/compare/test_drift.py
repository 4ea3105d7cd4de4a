"""The ratio of two runs: known intervals, what is attributed to the machine, and the coverage. Seeded."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt

import numpy as np
import pytest
from scipy.stats import ttest_ind

from bench.analysis import statistics
from bench.commands.compare import drift
from bench.commands.compare.rounds import Launches

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
) -> dict[str, Launches]:
    """Kernel → rounds by launch: log-normal launches and a common pace. slower: kernel → how many times slower."""
    shift = log(pace) + pace_spread * rng.standard_normal(launches)
    return {
        kernel: {
            launch: rounds(
                seconds
                * slower.get(kernel, 1.0)
                * np.exp(shift[launch] + deviation + 0.01 * rng.standard_normal(ROUNDS))
            )
            for launch, deviation in enumerate(
                between * rng.standard_normal() + spread * rng.standard_normal(launches)
            )
        }
        for kernel, seconds in KERNELS.items()
    }


def rounds(seconds: Sequence[float]) -> tuple[float, ...]:
    return tuple(map(float, seconds))


def test_without_drift_the_interval_is_welchs() -> None:
    before, after = [0.0, 0.02, -0.01, 0.03], [0.1, 0.16, 0.08, 0.13, 0.12, 0.09]
    change = drift.change(before, after, rest=0.0, between=0.0)
    expected = ttest_ind(before, after, equal_var=False).confidence_interval(0.95)
    assert (change.low, change.high) == pytest.approx((exp(expected.low), exp(expected.high)))
    assert change.verdict == "slower"


def test_seven_launches_are_trimmed_as_in_yuens_test() -> None:
    before, after = [0.0, 0.02, -0.01, 0.03, 0.01, 0.0, 5.0], [0.1, 0.16, 0.08, 0.13, 0.12, 0.09, 0.11]
    change = drift.change(before, after, rest=0.0, between=0.0)
    errors = [statistics.standard_error(logs) for logs in (before, after)]
    degrees_of_freedom = sum(error**2 for error in errors) ** 2 / sum(error**4 / 4 for error in errors)
    half = statistics.t_quantile(degrees_of_freedom) * sqrt(sum(error**2 for error in errors))
    center = 0.012 - 0.11  # the means of the five in the middle
    assert (change.low, change.high) == pytest.approx((exp(center - half), exp(center + half)), rel=1e-3)
    yuen = ttest_ind(before, after, equal_var=False, trim=1 / 7)
    t = log(change.estimate) / sqrt(sum(error**2 for error in errors))
    # of the same winsorized deviations, Yuen's standard error is larger: L = 7, h = 5, √((L − 1) h / (L (h − 1)))
    assert (t, degrees_of_freedom) == pytest.approx((yuen.statistic * sqrt(6 * 5 / (7 * 4)), yuen.df))


def test_a_known_variance_widens_the_interval_and_needs_no_degrees_of_freedom() -> None:
    change = drift.change([0.0, 0.0], [0.5, 0.5], rest=0.1, between=0.04**2)
    assert change.estimate == pytest.approx(exp(-0.4))
    assert change.low == pytest.approx(exp(-0.4 - 1.959964 * 0.04))
    assert change.smallest == pytest.approx(exp((1.959964 + 1.2816) * 0.04) - 1)


def test_the_variance_between_runs_depends_on_the_number_of_other_kernels() -> None:
    """With equal launches: a single other kernel varies from run to run as much as the kernel itself."""
    four = {kernel: dict.fromkeys(range(5), rounds([seconds] * ROUNDS)) for kernel, seconds in KERNELS.items()}
    two = {kernel: four[kernel] for kernel in ("loops", "numpy")}
    for run_, share in ((two, 1.0), (four, drift.variance_of_median(3))):
        change = drift.changes(run_, run_, one_machine=True)["loops"]
        assert change.high == pytest.approx(exp(1.959964 * drift.BETWEEN_RUNS * sqrt(1 + share)))


def test_one_launch_shows_no_difference() -> None:
    change = drift.change([0.0], [1.0, 1.1, 1.2], rest=0.0, between=0.0)
    assert (change.low, change.high, change.smallest, change.verdict) == (None, None, None, "no difference shown")
    assert change.estimate == pytest.approx(exp(-1.1))


def test_a_common_change_is_attributed_to_the_machine_and_a_change_of_one_kernel_is_not() -> None:
    rng = np.random.default_rng(1)
    before, after = run(rng, pace_spread=0.2), run(rng, pace=1.3, pace_spread=0.2, numba=1.3)
    changes = drift.changes(before, after, one_machine=True)
    assert {kernel: change.verdict for kernel, change in changes.items()} == {
        "loops": "no difference shown",
        "numpy": "no difference shown",
        "jax": "no difference shown",
        "numba": "slower",
    }
    assert changes["numba"].estimate == pytest.approx(1 / 1.3, rel=0.06)
    assert drift.changes(before, after, one_machine=False)["numba"].estimate < 1 / 1.4


def test_on_a_quiet_machine_a_slowdown_of_all_kernels_is_shown() -> None:
    rng = np.random.default_rng(2)
    before, after = run(rng, spread=0.01), run(rng, spread=0.01, pace=1.3)
    shift = drift.common_shift(before, after)
    assert shift.largest_drift is not None
    assert shift.change == pytest.approx(1 / 1.3, rel=0.02)
    assert shift.largest_drift < 1.05
    assert shift.format_shift == f"{1 / shift.change:.2f}× slower"
    assert {change.verdict for change in drift.changes(before, after, one_machine=True).values()} == {"slower"}


def test_with_a_single_kernel_no_pace_is_removed() -> None:
    rng = np.random.default_rng(3)
    before, after = ({"numpy": run(rng, pace_spread=0.1)["numpy"]} for _ in range(2))
    change = drift.changes(before, after, one_machine=True)["numpy"]
    assert change == drift.changes(before, after, one_machine=False)["numpy"]
    assert change.high is not None
    assert change.high / change.estimate > exp(1.96 * 0.1)


@pytest.mark.parametrize(("launches", "spread"), [(5, 0.02), (5, 0.08), (12, 0.05)])
def test_the_interval_has_its_coverage_and_shows_a_slowdown_of_a_fifth(launches: int, spread: float) -> None:
    """The nominal coverage is 95%; with 400 cells, chance gives less than 92.5% in one of a hundred cases. The runs
    vary in all ways that the model knows: by launch, by the pace of launch and run, and between runs."""
    rng = np.random.default_rng(launches)
    covered = shown = alarms = cells = 0
    for _ in range(100):
        parameters = {
            "launches": launches,
            "spread": spread,
            "pace_spread": 0.15,
            "between": drift.BETWEEN_RUNS / sqrt(2),
        }
        before, after = run(rng, **parameters), run(rng, pace=exp(0.15 * rng.standard_normal()), **parameters)  # type: ignore[arg-type]
        for kernel, change in drift.changes(before, after, one_machine=True).items():
            assert change.low is not None
            assert change.high is not None
            cells += 1
            covered += change.low <= 1 <= change.high
            alarms += change.verdict != "no difference shown"
            slower = {launch: rounds([1.2 * seconds for seconds in part]) for launch, part in after[kernel].items()}
            slowed = {**after, kernel: slower}
            shown += drift.changes(before, slowed, one_machine=True)[kernel].verdict == "slower"
    assert covered / cells >= 0.925
    assert alarms / cells <= 0.075
    assert shown / cells >= {0.02: 0.9, 0.05: 0.9, 0.08: 0.5}[spread]
