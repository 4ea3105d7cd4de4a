"""A kernel that slows the clock of its worker, in real workers: the race's own clock shows it."""

from __future__ import annotations

import re

import pytest

from bench.analysis.race import Race
from bench.host.checkout import CHECKOUT
from bench.race import race

CLOCKS = CHECKOUT / "tests" / "support" / "clocks.py"


@pytest.fixture(scope="module")
def raced() -> Race:
    names = ("half_speed", "half_speed_long", "sleeping", "calling")
    return race([f"{CLOCKS}:{name}" for name in names], "lecture", launches=1, seconds=0.05)


@pytest.mark.parametrize("name", ["half_speed", "half_speed_long"])
def test_a_clock_at_half_speed_is_detected_for_short_calls_and_for_long_ones(raced: Race, name: str) -> None:
    outcome, reason = raced.outcome(f"clocks:{name}")
    assert outcome == "wrong"
    took = re.fullmatch(r"clock: a round took (\S+) ms by the race's clock, and (\S+) ms by the worker's", reason)
    assert took
    assert float(took[1]) > 1.5 * float(took[2])


@pytest.mark.parametrize("name", ["sleeping", "calling"])
def test_an_honest_clock_passes(raced: Race, name: str) -> None:
    assert raced.outcome(f"clocks:{name}") == ("ok", "")
    (samples,) = raced.samples(f"clocks:{name}")
    (clock,) = (one for one in samples.check_results if one["check"] == "clock")
    assert 0 <= clock["bound_fraction"] <= 1
