"""What races and records make of the rounds of disturbed sweeps: launches made by hand, no clock, no process."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest

from bench.analysis.race import Race
from bench.analysis.race_json import race_json
from bench.results.samples import Candidate, KernelSamples, LaunchResult
from tests.support.races import LECTURE, race, samples


def disturbed(seconds: float, factor: float, sweeps: tuple[int, ...] = (2, 4)) -> KernelSamples:
    """Samples with rounds of these sweeps that do not count, so many times as long."""
    return samples(seconds, disturbed_rounds=(seconds * factor,) * len(sweeps), disturbed_sweeps=sweeps)


def test_a_record_shows_what_the_disturbed_rounds_would_change() -> None:
    """Six of seven rounds were disturbed, and numpy's took three times as long in them."""
    sweeps = (0, 1, 2, 3, 4, 5)
    launch = {"loops": disturbed(8e-3, 1.0, sweeps), "numpy": disturbed(2e-3, 3.0, sweeps)}
    result = race([launch] * 5)
    loops, numpy = result.records
    assert (numpy.rounds, numpy.disturbed_rounds, loops.disturbed_rounds) == (35, 30, 30)
    assert numpy.seconds
    assert numpy.seconds.estimate == pytest.approx(2e-3)
    assert numpy.speedup
    assert numpy.speedup.estimate == pytest.approx(4)
    assert numpy.seconds_with_disturbed
    assert numpy.seconds_with_disturbed.estimate > 1.001 * numpy.seconds.estimate
    assert numpy.speedup_with_disturbed
    assert numpy.speedup_with_disturbed.estimate < 4 / 1.1
    assert numpy.speedup_with_disturbed.baseline == "loops"
    assert loops.speedup_with_disturbed
    assert loops.speedup_with_disturbed.estimate == 1


def test_without_disturbed_rounds_a_record_says_nothing_of_them() -> None:
    _, numpy = race([{"loops": samples(8e-3), "numpy": samples(2e-3)}] * 2).records
    assert (numpy.disturbed_rounds, numpy.seconds_with_disturbed, numpy.speedup_with_disturbed) == (0, None, None)


def test_disturbed_rounds_of_a_kernel_that_failed_are_not_counted() -> None:
    wrong = KernelSamples("wrong", "unseen: db is nan")
    _, numpy = race([{"loops": samples(8e-3), "numpy": disturbed(2e-3, 3.0)}, {"numpy": wrong}]).records
    assert (numpy.outcome, numpy.disturbed_rounds, numpy.seconds_with_disturbed) == ("wrong", 0, None)


def test_with_disturbed_rounds_the_sweeps_are_in_order_and_all_count() -> None:
    whole = disturbed(1.0, 9.0, (0, 2, 6)).with_disturbed()
    assert list(whole.sweeps) == sorted(whole.sweeps)
    assert (set(whole.sweeps), whole.disturbed_rounds, whole.disturbed_sweeps) == (set(range(7)), (), ())
    assert {sweep for sweep, seconds in zip(whole.sweeps, whole.rounds, strict=True) if seconds == 9} == {0, 2, 6}
    assert whole.with_disturbed().rounds == whole.rounds


def test_kernels_of_different_periods_have_a_ratio() -> None:
    every, fourth = samples(1.0, rounds=(1.0,) * 12), samples(2.0, rounds=(2.0,) * 3, sweeps=(3, 7, 11), period=4)
    result = race([{"loops": fourth, "numpy": every}] * 2)
    assert result.log_ratios("numpy", "loops") == [pytest.approx(log(2))] * 2
    stored = {part["kernel"]: part for part in race_json(result, set())["rounds"]}
    assert (stored["loops"]["sweeps"], stored["loops"]["period"]) == ([3, 7, 11], 4)
    assert (stored["numpy"]["sweeps"], stored["numpy"]["seconds"]) == (list(range(12)), [1.0] * 12)


def test_the_file_has_what_was_disturbed() -> None:
    result = race([{"loops": disturbed(8e-3, 2.0), "numpy": samples(2e-3)}])
    launch = replace(result.launch_results[0], foreign=(0.01, 0.5), disturbed=2, counts_all="others were busy")
    made = race_json(replace(result, launch_results=(launch,)), set())
    assert made["sweeps"] == [{"disturbed": 2, "counts_all": "others were busy", "foreign": [0.01, 0.5]}]
    assert made["rounds"][0]["disturbed_sweeps"] == [2, 4]
    assert made["rounds"][0]["disturbed_seconds"] == [16e-3, 16e-3]
    assert made["rounds"][1]["disturbed_seconds"] == []


@pytest.mark.parametrize(("hits", "found"), [(5.0, True), (0.5, False)])
def test_a_race_whose_disturbances_met_one_kernel_too_often_counts_them_all(hits: float, found: bool) -> None:
    """One of eleven kernels, in three launches with five disturbed sweeps each."""
    others = {f"k{number}": [(5 - hits) / 10, 5 / 11, 5.0] for number in range(10)}
    launch_results = [
        LaunchResult(
            "lecture", 2, number, {"loops": disturbed(8e-3, 2.0), "numpy": samples(2e-3)},
            disturbed=5, hits={"numpy": [hits, 5 / 11, 5.0], **others},
        )
        for number in range(3)
    ]  # fmt: skip
    result = Race.of(LECTURE, 2, launch_results, (Candidate("loops"), Candidate("numpy")))
    expected = "disturbances met numpy far more often than others" if found else ""
    assert {launch.counts_all for launch in result.launch_results} == {expected}
    assert bool(result.samples("loops")[0].disturbed_rounds) is not found
    assert max(result.rounds("loops")) > 0.015 if found else max(result.rounds("loops")) < 0.01
