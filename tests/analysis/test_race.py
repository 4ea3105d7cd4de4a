"""From blocks made by hand to records: no clock, no process."""

from __future__ import annotations

from math import log
from typing import Any

import pytest

from bench.analysis import race as race_analysis
from bench.analysis.race import Race
from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from tests.support.races import LECTURE, SEEN, entry, race


def test_records_of_a_race() -> None:
    found = race([{"loops": entry(8e-3 * drift), "numpy": entry(2e-3 * drift)} for drift in (1, 1.5, 0.7, 1, 1.2)])
    loops, numpy = found.records
    assert (loops.id, numpy.id) == ("gradient/lecture/loops/2", "gradient/lecture/numpy/2")
    assert numpy.speedup is not None
    assert numpy.seconds is not None
    assert loops.speedup is not None
    assert loops.speedup.estimate == 1.0
    # the drift from launch to launch moves both alike
    assert (numpy.speedup.estimate, numpy.speedup.low, numpy.speedup.high) == pytest.approx((4, 4, 4))
    assert (numpy.speedup.verdict, numpy.speedup.baseline, numpy.speedup.launches) == ("faster", "loops", 5)
    assert numpy.seconds.median == pytest.approx(2e-3, rel=0.05)
    assert numpy.launch_spread == pytest.approx(0.29, abs=0.02)
    assert (numpy.launches, numpy.rounds, numpy.iterations, numpy.outliers) == (5, 35, 10, 0)
    assert numpy.gigabytes_per_second == pytest.approx(LECTURE.bytes_per_call / numpy.seconds.median / 1e9)
    assert numpy.error is not None
    assert (numpy.error.max_ulps, numpy.error.bound_fraction) == (4.0, 0.1)
    assert found.ratio("loops", over="numpy") is not None
    assert found.ratio("loops", over="numpy").verdict == "slower"  # type: ignore[union-attr]


def test_one_launch_has_an_estimate_and_no_interval() -> None:
    _, numpy = race([{"loops": entry(8e-3), "numpy": entry(2e-3)}]).records
    assert numpy.speedup is not None
    assert (numpy.speedup.estimate, numpy.speedup.low) == (pytest.approx(4), None)


def test_who_fails_in_a_later_launch_loses_all_times() -> None:
    wrong = KernelSamples("wrong", "unseen: db is nan")
    found = race([{"loops": entry(1.0), "numpy": entry(1.0)}] * 2 + [{"loops": entry(1.0), "numpy": wrong}])
    _, numpy = found.records
    assert (numpy.outcome, numpy.reason, numpy.seconds, numpy.speedup) == ("wrong", "unseen: db is nan", None, None)
    assert found.rounds("numpy") == []
    assert {part["kernel"] for part in found.as_json(set())["rounds"]} == {"loops"}


def test_who_was_not_reached_is_skipped() -> None:
    found = Race(LECTURE, 2, (), (Candidate("numpy"),)).records[0]
    assert (found.outcome, found.reason) == ("skipped", "the run ended before it")


def test_the_control_is_the_fastest_compiled() -> None:
    block = LaunchResult("lecture", 2, 0, {"a": entry(3.0, True), "b": entry(2.0, True), "c": entry(1.0)})
    assert race_analysis.control_for([block]) == "b"
    assert race_analysis.control_for([LaunchResult("lecture", 2, 0, {"c": entry(1.0), "d": entry(2.0)})]) == "c"
    assert race_analysis.control_for([]) is None


@pytest.mark.parametrize(("factor", "trusted"), [(1.0, True), (1.1, False)])
def test_a_control_that_differs_makes_the_race_untrustworthy(factor: float, trusted: bool) -> None:
    wobble = (0.999, 1.0, 1.001, 1.0005, 0.9995)
    spins = iter((2e-5, 2e-5, 3e-5, 2e-5, 2e-5))
    launches = [
        {
            "numpy": entry(1.0, seen={**SEEN, "spin_seconds": next(spins)}),
            CONTROL.format("numpy"): entry(factor * w),
        }
        for w in wobble
    ]
    found = race(launches, "numpy")
    control = found.control(race_analysis.untrusted_races([found]))
    assert control is not None
    assert control.trustworthy is trusted
    assert control.estimate == pytest.approx(1 / factor, rel=1e-3)
    assert bool(control.causes) is not trusted
    assert trusted or "the cores' speed changed by 50%" in control.causes[0]


def test_cold_and_cached_compilation_are_apart_and_break_even_counts_the_cold_one() -> None:
    first = {"compile_seconds": 9.0, "from_cache": False, "first_call_seconds": 2.0, "lower_seconds": None}
    later = {**first, "compile_seconds": 0.5, "from_cache": True}
    slow = {"first_call_seconds": 3.0, "compile_seconds": None, "from_cache": None}
    launches = [{"numpy": entry(3.0, cold=slow), "jax": entry(1.0, cold=cold)} for cold in (first, later, later)]
    numpy, jax = race(launches).records
    assert (jax.cold.compile_seconds, jax.cold.compile_cached_seconds) == (9.0, 0.5)
    assert (numpy.cold.compile_seconds, numpy.cold.compile_cached_seconds) == (None, None)
    # 9 + (2 − 1) + N · 1 < N · 3 from N = 5 on
    assert (jax.break_even, numpy.break_even) == ({"numpy": 5}, {})
    launches = [{"numpy": entry(1.0, cold=slow), "jax": entry(3.0, cold=first)}] * 3
    assert race(launches).records[1].break_even == {"numpy": None}
    # whatever the order they were chosen in, it is that of the ladder, and a user's own kernel comes after it
    mixed = [{name: block[name] for name in ("jax", "numpy")} | {"mine:f": entry(1.0)} for block in launches]
    assert [list(one.break_even or ()) for one in race(mixed).records] == [["numpy"], [], ["numpy", "jax"]]


@pytest.mark.parametrize(
    ("seen", "over"),
    [({}, False), ({"cores_used": 2.9}, True), ({"cores": [0, 1, 2]}, True), ({"cores_used": 2.1}, False)],
)
def test_who_took_more_than_was_given_is_marked(seen: dict[str, Any], over: bool) -> None:
    found = race([{"numpy": entry(1.0, seen={**SEEN, **seen})}] * 2).records[0]
    assert found.seen is not None
    assert found.seen["over_used"] is over


def test_half_widths_are_of_ratios() -> None:
    found = race([{"loops": entry(s), "numpy": entry(1.0)} for s in (2.0, 2.1, 1.9, 2.0, 2.0)])
    assert set(found.half_widths) == {"numpy"}
    assert 0.03 < found.half_widths["numpy"] < 0.06
    assert found.log_ratios("numpy", "loops")[0] == pytest.approx(log(2.0))
