"""Real workers that send rubbish: the outcome names the field, and the others are measured."""

from __future__ import annotations

import pytest

from bench.analysis.race import Race
from bench.host.checkout import CHECKOUT
from bench.race import race

FORGERS = CHECKOUT / "tests" / "support" / "forgers.py"
REASONS = {
    "huge_passes": ("crashed", "it sent no number for passes"),
    "nameless_backend": ("crashed", "it sent no text for backend"),
    "cores_are_a_number": ("crashed", "it sent no list for cores"),
    "pools_have_nan": ("crashed", "it sent no number for pools"),
    "a_round_of_a_day": ("wrong", "clock: it reported 86400.00"),
    "answers_twice": ("crashed", "it sent more than one response in its first call"),
    "fails_with_a_list": ("crashed", "it sent no text for reason"),
    "fails_at_length": ("raised", "RuntimeError: no luck no luck "),
}


@pytest.fixture(scope="module")
def raced() -> Race:
    return race([*(f"{FORGERS}:{name}" for name in REASONS), "numpy"], "lecture", launches=1, seconds=0.01)


@pytest.mark.parametrize("name", REASONS)
def test_rubbish_is_the_outcome_of_its_kernel(name: str, raced: Race) -> None:
    outcome, reason = REASONS[name]
    actual_outcome, actual_reason = raced.outcome(f"forgers:{name}")
    assert (actual_outcome, actual_reason[: len(reason)]) == (outcome, reason)
    assert len(actual_reason) <= 500


def test_the_others_are_measured(raced: Race) -> None:
    assert raced.outcome("numpy") == ("ok", "")
    assert raced.rounds("numpy")
