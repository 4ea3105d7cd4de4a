"""How the time of a launch is shared among its kernels: no process, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from random import Random

import pytest
from hypothesis import given, strategies as st

from bench.results.samples import KernelSamples
from bench.runner.kernel_run import KernelRun
from bench.runner.plan import (
    FEWEST_CEILING_ROUNDS,
    FEWEST_LONG_ROUNDS,
    FEWEST_ROUNDS,
    LONGEST_PERIOD,
    Plan,
    Share,
    plan,
    plan_launch,
)

shares_of = st.lists(
    st.builds(Share, st.floats(1e-3, 10.0), st.floats(0.25, 4.0), st.integers(1, 2), st.booleans()),
    min_size=1,
    max_size=16,
).map(lambda shares: {f"kernel {number}": share for number, share in enumerate(shares)})
seconds_of = st.floats(0.0, 100.0)
KANTOROVICH = (1 + 2) ** 2 / (4 * 2)
"""A number of rounds that is rounded to another one over a power of two is off by a factor from 1/√2 to √2. By
Kantorovich's inequality (Σ aᵢ)(Σ bᵢ) ≤ (1 + q)²/(4q) (Σ √(aᵢ bᵢ))² where aᵢ/bᵢ is within a factor of q: here the
time of a kernel and its variance, and q = 2. So rounding costs at most an eighth of the time."""


def rounds(planned: Plan, name: str) -> int:
    return sum(name in planned.taking_part(sweep) for sweep in range(planned.sweeps))


def variance(shares: Mapping[str, Share], rounds_of: Mapping[str, float]) -> float:
    """Σ σ²/r, with each σ² as often as it counts."""
    return sum(share.counts * share.spread**2 / rounds_of[name] for name, share in shares.items())


def time(shares: Mapping[str, Share], rounds_of: Mapping[str, float]) -> float:
    return sum(share.seconds * rounds_of[name] for name, share in shares.items())


def planned_rounds(planned: Plan) -> dict[str, float]:
    return {name: planned.sweeps / period for name, period in planned.periods.items()}


@given(shares_of, seconds_of, st.integers(0, 100))
def test_a_plan_is_of_whole_blocks_with_the_fewest_rounds_of_each(
    shares: dict[str, Share], seconds: float, seed: int
) -> None:
    planned = plan(shares, seconds, Random(seed))
    assert planned.periods.keys() == planned.offsets.keys() == shares.keys()
    assert set(planned.periods.values()) <= {1, 2, 4, 8}
    assert min(planned.periods.values()) == 1
    assert planned.sweeps % max(planned.periods.values()) == 0
    for name, share in shares.items():
        assert 0 <= planned.offsets[name] < planned.periods[name]
        assert rounds(planned, name) == planned.sweeps // planned.periods[name]
        long = max(FEWEST_LONG_ROUNDS, int(2.0 / share.seconds))
        assert rounds(planned, name) >= (min(FEWEST_ROUNDS, long) if share.is_kernel else FEWEST_CEILING_ROUNDS)
    assert planned.seconds == pytest.approx(time(shares, planned_rounds(planned)))


@given(shares_of, seconds_of, st.floats(1.0, 100.0))
def test_a_slow_kernel_never_takes_part_more_often_than_an_equal_fast_one(
    shares: dict[str, Share], seconds: float, slower: float
) -> None:
    fast = shares["kernel 0"]
    both = shares | {"slow": replace(fast, seconds=fast.seconds * slower)}
    planned = plan(both, seconds, Random(1))
    assert planned.periods["slow"] >= planned.periods["kernel 0"]


@given(shares_of, st.floats(1.0, 1e4))
def test_the_plan_takes_about_the_time_that_was_asked_for(shares: dict[str, Share], seconds: float) -> None:
    """To the nearest sweep, and then to the next whole block; more only where the fewest rounds take more."""
    planned = plan(shares, seconds, Random(1))
    sweep, longest = planned.seconds / planned.sweeps, max(planned.periods.values())
    fewest = max(share.fewest for share in shares.values())
    most = max(seconds + sweep / 2, fewest * sweep) + (longest - 1) * sweep
    assert seconds - sweep / 2 <= planned.seconds * (1 + 1e-9)
    assert planned.seconds <= most * (1 + 1e-9)
    if seconds >= fewest * LONGEST_PERIOD * sweep:  # it has all that its rounds may cost
        assert planned.seconds / seconds <= 1 + (longest - 0.5) / (fewest * LONGEST_PERIOD)


@given(shares_of)
def test_rounding_to_powers_of_two_costs_at_most_an_eighth(shares: dict[str, Share]) -> None:
    """Of the time, for the same variance: within the longest period, with time for more than the fewest rounds."""
    most = max(share.weight for share in shares.values())
    near = {n: one for n, one in shares.items() if most / one.weight <= LONGEST_PERIOD * sqrt(2) and one.is_kernel}
    if not near or max(one.weight for one in near.values()) < most:
        near = {"kernel": Share(1.0)}
    planned = plan(near, 1e6 * max(one.seconds for one in near.values()), Random(1))
    least = sum(sqrt(one.counts * one.seconds) * one.spread for one in near.values()) ** 2
    of_plan = planned_rounds(planned)
    assert least * (1 - 1e-9) <= variance(near, of_plan) * time(near, of_plan) <= KANTOROVICH * least * (1 + 1e-9)


NINE = {f"fast {number}": Share(9e-3) for number in range(9)}


@pytest.mark.parametrize(
    ("shares", "periods", "gain"),
    [
        # at 10000x32 the rounds of `loops` take 60 ms, those of ten others 8 or 9 ms
        ({"loops": Share(60e-3), "numpy": Share(8e-3, counts=2)} | NINE, {"loops": 4, "numpy": 1, "fast 0": 2}, 1.15),
        ({"loops": Share(60e-3, counts=2), "numpy": Share(8e-3)} | NINE, {"loops": 2, "numpy": 1, "fast 0": 1}, 1.05),
        ({"loops": Share(60e-3), "numpy": Share(8e-3)} | NINE, {"loops": 2, "numpy": 1, "fast 0": 1}, 1.1),
    ],
)
def test_ratios_are_narrower_than_with_equal_numbers_of_rounds(
    shares: dict[str, Share], periods: dict[str, int], gain: float
) -> None:
    planned = plan(shares, 10.0, Random(1))
    assert {name: planned.periods[name] for name in periods} == periods
    equal = planned.seconds / sum(share.seconds for share in shares.values())
    before, after = variance(shares, dict.fromkeys(shares, equal)), variance(shares, planned_rounds(planned))
    assert before >= gain * after * (1 - 1e-9)


def test_a_noisy_kernel_takes_part_more_often() -> None:
    shares = {"noisy": Share(0.01, spread=4.0), "usual": Share(0.01), "quiet": Share(0.01, spread=0.5)}
    assert plan(shares, 10.0, Random(1)).periods == {"noisy": 1, "usual": 4, "quiet": 8}


def test_a_ceiling_takes_part_half_as_often() -> None:
    shares = {"numpy": Share(0.01), "(read-sum)": Share(0.01, is_kernel=False)}
    planned = plan(shares, 0.0, Random(1))
    assert (planned.sweeps, planned.periods) == (FEWEST_ROUNDS, {"numpy": 1, "(read-sum)": 2})


def test_kernels_with_less_time_than_the_fewest_rounds_take_part_in_every_sweep() -> None:
    shares = {"fast": Share(0.001), "slow": Share(0.1), "slower": Share(0.15)}
    assert plan(shares, 1000.0, Random(1)).periods == {"fast": 1, "slow": 8, "slower": 8}
    planned = plan(shares, 0.001, Random(1))
    assert (planned.sweeps, set(planned.periods.values())) == (FEWEST_ROUNDS, {1})


def test_offsets_are_random() -> None:
    shares = {"fast": Share(0.01), "slow": Share(1.0)}
    offsets = {plan(shares, 100.0, Random(seed)).offsets["slow"] for seed in range(200)}
    assert offsets == set(range(8))


def test_an_empty_plan() -> None:
    assert plan({}, 1.0, Random(1)) == Plan(0, {}, {}, 0.0)
    assert plan_launch({}, "numpy", 1.0, {}, Random(1)) == Plan(0, {}, {}, 0.0)


def test_the_plan_of_a_launch() -> None:
    """Each kernel for a second, where a round takes 10 ms and 30 ms: 80 rounds of the one and 40 of the other."""
    kernel_runs = {
        name: KernelRun(KernelSamples("ok"), round_seconds=seconds) for name, seconds in (("a", 0.01), ("b", 0.03))
    }
    planned = plan_launch(kernel_runs, "none", 1.0, {}, Random(1))
    assert (planned.sweeps, planned.seconds) == (80, pytest.approx(2.0))
    assert {name: run.samples.period for name, run in kernel_runs.items()} == planned.periods == {"a": 1, "b": 2}
    assert plan_launch(kernel_runs, "none", 0.001, {}, Random(1)).sweeps == FEWEST_ROUNDS


def test_the_plan_of_a_launch_knows_the_baseline_the_ceilings_and_the_spreads() -> None:
    kernel_runs = {
        name: KernelRun(KernelSamples("ok"), round_seconds=0.01, is_kernel="(" not in name)
        for name in ("a", "b", "c", "d", "e", "(read-sum)")
    }
    # a third of what b has: √2 for the baseline, 1/12, 1 and 1/2
    planned = plan_launch(kernel_runs, "a", 10.0, {"b": 3.0, "c": 0.25}, Random(1))
    assert planned.periods == {"a": 2, "b": 1, "c": 8, "d": 4, "e": 4, "(read-sum)": 8}
    assert planned.seconds == pytest.approx(60.0, rel=0.01)


@pytest.mark.parametrize(("seconds", "fewest"), [(0.1, 12), (0.16, 12), (0.2, 10), (0.5, 4), (1.0, 3), (60.0, 3)])
def test_a_kernel_with_long_rounds_has_fewer_and_the_others_no_fewer(seconds: float, fewest: int) -> None:
    planned = plan({"long": Share(seconds), "short": Share(0.01)}, 0.001, Random(1))
    assert fewest <= rounds(planned, "long") <= 2 * fewest  # it takes part in every sweep, or in half of them, ...
    assert rounds(planned, "short") >= FEWEST_ROUNDS
