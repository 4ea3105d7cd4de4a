"""What many cells say together, by hand and by simulation: the geometric mean, the common bound, Holm. Seeded."""

from __future__ import annotations

from math import exp, inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import t as student

from bench.commands.compare import drift, overall
from bench.commands.compare.drift import BETWEEN_RUNS, Change

CELLS = 54
LOGS = st.lists(st.floats(-3, 3), min_size=3, max_size=3)


def cells_of_run(
    rng: np.random.Generator, launches: int, drift_of_run: float, pace: float, cell: float, workload: float = 0.0
) -> list[dict[int, float]]:
    """54 cells of six workloads, which share the run's drift, each launch's pace and each workload's own pace."""
    of_launch = rng.normal(0, drift_of_run) + rng.normal(0, pace, launches)
    of_workload = rng.normal(0, workload, (6, launches))
    own = rng.normal(0, BETWEEN_RUNS / sqrt(2), (CELLS, 1)) + rng.normal(0, cell, (CELLS, launches))
    return [dict(enumerate(map(float, of_launch + of_workload[index % 6] + own[index]))) for index in range(CELLS)]


def test_the_geometric_mean_by_hand() -> None:
    """Launch means 0 and 0.2 against 1 and 1.4: the difference is −1.1, of which 1 is planted in both cells."""
    before = [{0: 0.0, 1: 0.1}, {0: 0.0, 1: 0.3}]
    after = [{0: 1.0, 1: 1.4}, {0: 1.0, 1: 1.4}]
    mean = overall.geometric_mean(before, after)
    assert mean.estimate == pytest.approx(exp(0.1 - 1.2))
    variances = [0.2**2 / 2, 0.4**2 / 2]
    squared = sum(variance * (1 + 1 / 2) for variance in variances) + BETWEEN_RUNS**2 / 2
    degrees = squared**2 / sum((1.5 * variance) ** 2 for variance in variances)
    assert (mean.error, mean.degrees) == (pytest.approx(sqrt(squared)), pytest.approx(degrees))
    assert mean.high == pytest.approx(exp(-1.1 + student.ppf(0.975, degrees) * sqrt(squared)))


def test_only_launches_that_timed_every_cell_count_for_the_interval() -> None:
    before = [{0: 0.0, 1: 0.2, 2: 7.0}, {0: 0.0, 1: 0.2}]
    assert overall.geometric_mean(before, before).estimate == 1
    assert overall.geometric_mean(before, before) == overall.geometric_mean([{0: 0.0, 1: 0.2}] * 2, before)
    alone = overall.geometric_mean([{0: 1.0}, {0: 3.0}], [{0: 0.0}, {0: 0.0}])
    assert (alone.estimate, alone.low, alone.verdict) == (pytest.approx(exp(2.0)), None, "no difference shown")


@given(st.lists(LOGS, min_size=1, max_size=5), st.lists(LOGS, min_size=1, max_size=5), st.floats(-2, 2))
def test_exchanging_the_runs_inverts_the_mean_and_a_common_factor_is_in_it(
    before: list[list[float]], after: list[list[float]], factor: float
) -> None:
    first, second = ([dict(enumerate(cell)) for cell in cells] for cells in (before, after))
    slower = [{launch: value + factor for launch, value in cell.items()} for cell in second]
    mean, back, other = (
        overall.geometric_mean(*pair) for pair in ((first, second), (second, first), (first, slower))
    )
    assert mean.estimate == pytest.approx(1 / back.estimate)
    assert mean.high == pytest.approx(1 / (back.low or 0))
    assert log(other.estimate) == pytest.approx(log(mean.estimate) - factor, abs=1e-9)


@pytest.mark.parametrize("launches", [5, 7])
@pytest.mark.parametrize(("pace", "workload", "cell"), [(0.08, 0.0, 0.03), (0.01, 0.03, 0.1), (0.0, 0.0, 0.05)])
def test_the_means_interval_has_its_coverage_whatever_the_cells_share(
    launches: int, pace: float, workload: float, cell: float
) -> None:
    """Each run is one draw of its launches' pace. 95% is promised; of 300, 91.5% is 2.8 standard deviations less."""
    rng = np.random.default_rng([launches, int(1000 * pace)])
    covered = 0
    for _ in range(300):
        runs = [cells_of_run(rng, launches, pace, pace, cell, workload) for _ in range(2)]
        mean = overall.geometric_mean(*runs)
        assert mean.low is not None
        assert mean.high is not None
        covered += mean.low <= 1 <= mean.high
    assert covered / 300 >= 0.915


def test_it_concludes_where_two_machines_differ_and_the_interval_of_independent_cells_would_be_too_narrow() -> None:
    rng = np.random.default_rng(5)
    shown = too_narrow = 0
    for _ in range(30):
        before, after = (cells_of_run(rng, 5, 0.03, 0.03, 0.05) for _ in range(2))
        faster = [{launch: value - log(1.3) for launch, value in cell.items()} for cell in after]
        shown += overall.geometric_mean(before, faster).verdict == "faster"
        pairs = zip(before, after, strict=True)
        changes = [drift.change(list(a.values()), list(b.values()), 0.0, BETWEEN_RUNS**2) for a, b in pairs]
        error = sqrt(sum((change.error or 0) ** 2 for change in changes)) / CELLS
        too_narrow += abs(log(overall.geometric_mean(before, after).estimate)) > 1.96 * error
    assert shown >= 28
    assert too_narrow >= 10  # one or two are promised


def change_of(estimate: float, error: float, degrees: float = inf) -> Change:
    half = (1.959964 if degrees == inf else float(student.ppf(0.975, degrees))) * error
    low, high = exp(estimate - half), exp(estimate + half)
    verdict = "faster" if low > 1 else "slower" if high < 1 else "no difference shown"
    return Change(exp(estimate), low, high, verdict, None, error, degrees)


def test_all_within_by_hand() -> None:
    changes = [change_of(0.02, 0.03), change_of(-0.10, 0.01, degrees=8.0)]
    assert overall.all_within(changes) == pytest.approx(exp(0.10 + student.ppf(0.95, 8) * 0.01) - 1)
    assert overall.all_within([]) is None
    assert overall.all_within([*changes, Change(1.0, None, None, "no difference shown", None)]) is None


@pytest.mark.parametrize("largest", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("shared", [0.0, 0.03])
def test_all_within_bounds_every_cell_at_once(largest: float, shared: float) -> None:
    """20 cells with true changes up to the largest, and errors that are independent or shared; 95% is promised."""
    rng = np.random.default_rng(int(1000 * (largest + shared)))
    truth = np.linspace(-largest, largest / 2, 20)
    held = 0
    for _ in range(200):
        common = shared * rng.standard_normal()
        found = truth + (common if shared else 0.03 * rng.standard_normal(20))
        within = overall.all_within([change_of(float(value), 0.03) for value in found])
        assert within is not None
        held += np.max(np.abs(truth)) <= log(1 + within)
    assert held / 200 >= 0.905


def test_holm_names_what_changed_and_nothing_else() -> None:
    """Of 54 cells that did not change, one or more are named in 5% of the comparisons; a large change is named."""
    rng = np.random.default_rng(9)
    alarms = single = found = 0
    for _ in range(100):
        estimates = 0.05 * rng.standard_normal(CELLS)
        changes = [change_of(float(value), 0.05) for value in estimates]
        alarms += bool(overall.differing(changes))
        single += any(change.verdict != "no difference shown" for change in changes)
        found += 3 in overall.differing([*changes[:3], change_of(0.3, 0.05), *changes[4:]])
    assert alarms <= 12  # of 100, 5 are expected
    assert single >= 85  # without a correction
    assert found >= 95


def test_the_surest_change_is_named_first() -> None:
    changes = [change_of(0.3, 0.05), change_of(0.0, 0.05), change_of(-0.3, 0.02), change_of(0.4, 0.0)]
    assert overall.differing(changes) == [3, 2, 0]
    assert overall.differing([change_of(0.0, 0.0)]) == []
