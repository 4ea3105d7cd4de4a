"""Leaving out disturbed sweeps favours no kernel: simulated launches whose true ratios are known.

Each case has 200 launches in 40 races. The standard error of their mean is about 0.0006, so that a bias of 0.25% is
found. What fails is not chance: the random numbers are always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log, sqrt
from random import Random
from statistics import fmean, median, stdev

import pytest

from bench.analysis import statistics
from bench.analysis.race import Race
from tests.support.disturbances import (
    Bursts,
    Disturbance,
    SimulatedKernel,
    in_rounds,
    launch,
    never,
    race,
)

RACES, LAUNCHES, SECONDS = 40, 5, 3.0
KERNELS = {"a": SimulatedKernel(0.010), "b": SimulatedKernel(0.030), "c": SimulatedKernel(0.012)}
"""b takes part in every second sweep."""
BIMODAL = SimulatedKernel(0.010, slow_share=0.2)
MOSTLY_SLOW = SimulatedKernel(0.010, slow_share=0.9)
"""Its slow rounds show in the lower decile."""


@dataclass(frozen=True)
class Simulated:
    """Many races in which others disturb in the same way."""

    races: list[Race]

    @property
    def count_all(self) -> list[Race]:
        """Those where the first round of each sweep counts, disturbed or not."""
        return [one for one in self.races if one.launch_results[0].counts_all]

    @property
    def leave_out(self) -> list[Race]:
        return [one for one in self.races if not one.launch_results[0].counts_all]

    @property
    def disturbed(self) -> float:
        """Share of the sweeps."""
        launches = [of_race for one in self.races for of_race in one.launch_results]
        timed = sum(len(one.samples["a"].rounds) + len(one.samples["a"].disturbed_rounds) for one in launches)
        return sum(one.disturbed for one in launches) / timed


def simulated(
    disturbance: Callable[[Random], Disturbance],
    kernels: Mapping[str, SimulatedKernel] = KERNELS,
    races: int = RACES,
    drift: float = 0.0,
    equal_periods: bool = False,
) -> Simulated:
    rng = Random(1)
    return Simulated(
        [
            race(
                [
                    launch(number, kernels, disturbance(rng), rng, SECONDS, drift, equal_periods)
                    for number in range(LAUNCHES)
                ]
            )
            for _ in range(races)
        ]
    )


def logs(races: list[Race]) -> list[float]:
    """log(time of b / time of a), of each launch."""
    return [value for one in races for value in one.log_ratios("a", over="b")]


def error(values: list[float]) -> float:
    """The standard error of their mean."""
    return stdev(values) / sqrt(len(values))


TRUTH = log(3)
HONEST: dict[str, Callable[[Random], Disturbance]] = {
    "nobody disturbs": lambda _rng: never,
    "bursts that depend on nothing": lambda rng: Bursts(rng, 0.4, 0.05),
    "more often in the rounds of one kernel": lambda _rng: in_rounds(
        lambda kernel, _seconds, _slow: 0.3 if kernel == "b" else 0.05
    ),
    "more often in long rounds": lambda _rng: in_rounds(lambda _kernel, seconds, _slow: 10 * seconds),
    "in the second half": lambda rng: Bursts(rng, 0.4, 0.05, begin=1.5),
}


@pytest.mark.parametrize("drift", [0.0, 0.02], ids=["constant", "drifting"])
@pytest.mark.parametrize("case", HONEST)
def test_the_ratio_is_unbiased_or_all_sweeps_count(case: str, drift: float) -> None:
    result = simulated(HONEST[case], drift=drift)
    assert (result.disturbed > 0.03) is (case != "nobody disturbs")
    values = logs(result.leave_out)
    assert len(values) > 100
    assert fmean(values) == pytest.approx(TRUTH, abs=4 * error(values))
    assert 4 * error(values) < 0.005


def test_if_disturbed_rounds_counted_the_ratio_would_be_biased() -> None:
    """Otherwise the tests here would find nothing."""
    result = simulated(HONEST["more often in the rounds of one kernel"])
    values = logs([one.with_disturbed() for one in result.races])
    assert fmean(values) > TRUTH + 4 * error(values)


def test_the_guard_raises_no_alarm_where_disturbances_depend_on_nothing() -> None:
    """Its promise is one in a thousand; the exact interval of what is seen contains that."""
    result = simulated(HONEST["bursts that depend on nothing"], races=100)
    assert statistics.proportion(len(result.count_all), len(result.races)).low <= 1e-3


def test_a_machine_that_is_never_quiet_has_sweeps_that_all_count() -> None:
    result = launch(0, KERNELS, Bursts(Random(1), 1e-9, 1e9), Random(1), SECONDS)
    assert result.counts_all.startswith("others were busy: 0 of ")
    sweeps = 1 + max(one.sweeps[-1] for one in result.samples.values())
    for one in result.samples.values():
        assert one.sweeps == tuple(range(one.sweeps[0], sweeps, one.period))
        assert one.sweeps[0] < one.period
    # the first one was repeated, after all the time for waiting
    assert {sweep for one in result.samples.values() for sweep in one.disturbed_sweeps} == {0}
    assert result.disturbed == sweeps + 1


@pytest.mark.parametrize(
    "others",
    [{"b": SimulatedKernel(0.01)}, {"b": SimulatedKernel(0.03)}, {n: KERNELS[n] for n in "bc"}],
    ids=["an equal one", "a slower one", "two"],
)
def test_a_kernel_that_disturbs_its_own_slow_rounds_is_found(others: dict[str, SimulatedKernel]) -> None:
    result = simulated(own_slow_rounds, {"a": BIMODAL} | others, races=10)
    assert len(result.count_all) == 10
    for one in result.races:
        assert one.launch_results[0].counts_all == "disturbances met a far more often than others"


def own_slow_rounds(_rng: Random) -> Disturbance:
    return in_rounds(lambda _kernel, _seconds, slow: float(slow))


@pytest.mark.parametrize("equal_periods", [True, False])
def test_a_kernel_gains_nothing_by_disturbing_its_own_slow_rounds(equal_periods: bool) -> None:
    """Nine of ten of its rounds are slow: with disturbances it seems no faster than without."""
    kernels = KERNELS | {"a": MOSTLY_SLOW}
    cheating = logs(simulated(own_slow_rounds, kernels, equal_periods=equal_periods).races)
    honest = logs(simulated(lambda _rng: never, kernels, equal_periods=equal_periods).races)
    assert fmean(honest) < TRUTH - 4 * error(honest)  # its slow rounds show
    assert fmean(cheating) < fmean(honest) + 4 * (error(cheating) ** 2 + error(honest) ** 2) ** 0.5


def test_an_honest_bimodal_kernel_is_not_suspected() -> None:
    """Bursts that depend on nothing hit its slow rounds more often, since they are longer."""
    result = simulated(HONEST["bursts that depend on nothing"], KERNELS | {"a": BIMODAL}, races=20)
    assert not result.count_all


def test_where_the_guard_speaks_the_ratio_is_that_of_all_rounds() -> None:
    """One of eleven kernels is hit in every disturbed sweep, and the others never."""
    kernels = {f"k{number}": SimulatedKernel(0.012) for number in range(10)} | {"a": SimulatedKernel(0.01)}
    rng = Random(1)
    launches = [
        launch(n, kernels, in_rounds(lambda kernel, *_: 0.3 * (kernel == "a")), rng, 1.0, equal_periods=True)
        for n in range(LAUNCHES)
    ]
    counting = race(launches)
    for before, after in zip(launches, counting.launch_results, strict=True):
        assert after.counts_all == "disturbances met a far more often than others"
        assert not any(sample.disturbed_rounds for sample in after.samples.values())
        pair = [before.samples[name].with_disturbed() for name in ("k0", "a")]
        value = statistics.log_ratio(*(sample.rounds for sample in pair))
        assert value in counting.log_ratios("a", over="k0")
    assert median(launches[0].samples["a"].disturbed_rounds) > 1.5 * median(launches[0].samples["a"].rounds)
