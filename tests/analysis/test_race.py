"""From launches made by hand to records: no clock, no process."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from typing import Any

import pytest

from bench.analysis import next_launch, race as race_analysis
from bench.analysis.race import Race
from bench.analysis.race_json import race_json
from bench.results.record import Error
from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from bench.workloads import catalog
from tests.support.races import COUNTERS, LECTURE, race, samples


def test_records_of_a_race() -> None:
    result = race(
        [{"loops": samples(8e-3 * drift), "numpy": samples(2e-3 * drift)} for drift in (1, 1.5, 0.7, 1, 1.2)]
    )
    loops, numpy = result.records
    assert (loops.id, numpy.id) == ("gradient/lecture/loops/2", "gradient/lecture/numpy/2")
    assert numpy.speedup is not None
    assert numpy.seconds is not None
    assert loops.speedup is not None
    assert loops.speedup.estimate == 1.0
    # the drift from launch to launch changes both kernels equally
    assert (numpy.speedup.estimate, numpy.speedup.low, numpy.speedup.high) == pytest.approx((4, 4, 4))
    assert (numpy.speedup.verdict, numpy.speedup.baseline, numpy.speedup.launches) == ("faster", "loops", 5)
    assert numpy.seconds.estimate == pytest.approx(2e-3, rel=0.05)
    assert numpy.launch_spread == pytest.approx(0.29, abs=0.02)
    assert (numpy.launches, numpy.rounds, numpy.iterations, numpy.outliers) == (5, 35, 10, 0)
    assert numpy.gigabytes_per_second == pytest.approx(numpy.bytes_per_call / numpy.seconds.estimate / 1e9)
    assert numpy.bytes_per_call == 8 * (1000 * 2 + 1000 + 2 + 2)
    assert numpy.work == {"read": 8 * 3000, "sigmoid": 1000, "multiply": 8000}
    assert numpy.error == Error(0.1, {"ulps": 4.0})
    assert numpy.error.max_ulps == 4.0
    assert result.ratio("loops", over="numpy") is not None
    assert result.ratio("loops", over="numpy").verdict == "slower"  # type: ignore[union-attr]


def test_a_ratio_takes_what_was_given_to_the_race() -> None:
    launches = [{"a:f": samples(8e-3), "numpy": samples(2e-3), "x": samples(1e-3), "y": samples(1e-3)}]
    own, numpy = Candidate("folder/a.py:f"), Candidate("numpy")
    x, y = (Candidate("folder/b.py:g", label=label) for label in "xy")
    result = replace(race(launches), candidates=(own, numpy, x, y))
    expected = result.ratio("a:f", over="numpy")
    assert expected is not None
    assert expected.estimate == pytest.approx(1 / 4)
    assert result.ratio("folder/a.py:f", over="numpy") == result.ratio(own, over=numpy) == expected
    assert result.ratio(x, over="y") is not None
    for unknown in ("jax", "a.py:f", "folder/b.py:g", Candidate("jax")):  # the third has two names
        for pair in ((unknown, "numpy"), ("numpy", unknown)):
            with pytest.raises(
                ValueError, match=r"^no kernel of this race is called '.*'; expected a:f, numpy, x, y$"
            ):
                result.ratio(*pair)


def test_the_ratio_of_a_kernel_that_was_not_timed_is_none() -> None:
    result = race([{"numpy": samples(2e-3), "loops": KernelSamples("wrong", "data: db is nan")}])
    assert result.ratio("loops", over="numpy") is None
    assert result.ratio("numpy", over="loops") is None
    untimed = Race(LECTURE, 2, (), (Candidate("numpy"), Candidate("loops")))
    assert untimed.ratio("numpy", over="loops") is None


def test_one_launch_has_an_estimate_and_no_interval() -> None:
    _, numpy = race([{"loops": samples(8e-3), "numpy": samples(2e-3)}]).records
    assert numpy.speedup is not None
    assert (numpy.speedup.estimate, numpy.speedup.low) == (pytest.approx(4), None)


def test_a_kernel_that_fails_in_a_later_launch_has_no_times() -> None:
    wrong = KernelSamples("wrong", "unseen: db is nan")
    result = race([{"loops": samples(1.0), "numpy": samples(1.0)}] * 2 + [{"loops": samples(1.0), "numpy": wrong}])
    _, numpy = result.records
    assert (numpy.outcome, numpy.reason, numpy.seconds, numpy.speedup) == ("wrong", "unseen: db is nan", None, None)
    assert result.rounds("numpy") == []
    assert {part["kernel"] for part in race_json(result, set())["rounds"]} == {"loops"}


def test_a_kernel_without_a_launch_is_skipped() -> None:
    record = Race(LECTURE, 2, (), (Candidate("numpy"),)).records[0]
    assert (record.outcome, record.reason) == ("skipped", "the run ended before it")


def test_the_control_is_the_fastest_compiled_kernel() -> None:
    launch = LaunchResult("lecture", 2, 0, {"a": samples(3.0, True), "b": samples(2.0, True), "c": samples(1.0)})
    assert next_launch.choose_control([launch]) == "b"
    assert next_launch.choose_control([LaunchResult("lecture", 2, 0, {"c": samples(1.0), "d": samples(2.0)})]) == "c"
    assert next_launch.choose_control([]) is None


@pytest.mark.parametrize(("factor", "trusted"), [(1.0, True), (1.1, False)])
def test_a_control_that_differs_makes_the_race_untrustworthy(factor: float, trusted: bool) -> None:
    wobble = (0.999, 1.0, 1.001, 1.0005, 0.9995)
    spins = iter((2e-5, 2e-5, 3e-5, 2e-5, 2e-5))
    launches = [
        {
            "numpy": samples(1.0, counters={**COUNTERS, "spin_seconds": next(spins)}),
            CONTROL.format("numpy"): samples(factor * w),
        }
        for w in wobble
    ]
    result = race(launches, "numpy")
    control = result.control(race_analysis.untrusted_races([result]))
    assert control is not None
    assert control.trustworthy is trusted
    assert control.estimate == pytest.approx(1 / factor, rel=1e-3)
    assert bool(control.causes) is not trusted
    assert trusted or "the cores' speed changed by 50%" in control.causes[0]


def test_only_kernels_with_one_busy_thread_measure_the_cores_speed() -> None:
    """Another thread of the same kernel, on the same physical core, slows the spin."""
    for threads, reported in ((1, True), (2, False)):
        counters = [
            {**COUNTERS, "busy_threads": threads, "spin_seconds": spin} for spin in (2e-5, 2e-5, 3e-5, 2e-5, 2e-5)
        ]
        launches = [{"numpy": samples(1.0, counters=own), CONTROL.format("numpy"): samples(1.1)} for own in counters]
        result = race(launches, "numpy")
        control = result.control({result.key})
        assert control is not None
        assert any("the cores' speed changed" in cause for cause in control.causes) is reported


def test_the_error_is_the_largest_on_the_workloads_own_data() -> None:
    def check_result(check: str, ulps: float) -> dict[str, Any]:
        return {"check": check, "figures": {"ulps": ulps, "steps": 3}, "bound_fraction": ulps / 100, "failure": ""}

    first = samples(
        1.0, check_results=(check_result("data", 4.0), check_result("rows", 50.0), check_result("unseen", 6.0))
    )
    (numpy,) = race([{"numpy": first}, {"numpy": samples(1.0, check_results=(check_result("unseen", 5.0),))}]).records
    assert numpy.error == Error(0.06, {"ulps": 6.0, "steps": 3})


def test_a_kernel_that_did_not_get_there_has_a_time_and_enters_no_ratio() -> None:
    missed = ({"check": "data", "failure": ""}, {"check": "unseen", "failure": "", "reached": False})
    launch = {
        "loops": samples(9e-4),
        "numpy": samples(1e-4),
        "jax": samples(1e-6, check_results=missed),
        "numba": samples(5e-5),
    }
    loops, numpy, jax, numba = race([launch, launch]).records
    assert jax.seconds
    assert (jax.outcome, jax.reached, jax.speedup, jax.over_numpy, jax.break_even) == ("ok", False, None, None, None)
    assert numba.break_even == {"loops": 1, "numpy": 1}
    assert numba.speedup
    assert numba.speedup.estimate == pytest.approx(18)
    assert "jax" not in race([launch, launch]).half_widths
    loops, numpy, *_ = race([launch | {"loops": samples(9e-4, check_results=missed)}] * 2).records
    assert (loops.speedup, numpy.speedup, numpy.break_even) == (None, None, {})


def test_cold_and_cached_compilation_are_separate_and_break_even_uses_the_cold_one() -> None:
    first = {"compile_seconds": 9.0, "from_cache": False, "first_call_seconds": 2.0, "lower_seconds": None}
    later = {**first, "compile_seconds": 0.5, "from_cache": True}
    slow = {"first_call_seconds": 3.0, "compile_seconds": None, "from_cache": None}
    launches = [{"numpy": samples(3.0, cold=slow), "jax": samples(1.0, cold=cold)} for cold in (first, later, later)]
    numpy, jax = race(launches).records
    assert (jax.cold.compile_seconds, jax.cold.compile_cached_seconds) == (9.0, 0.5)
    assert (numpy.cold.compile_seconds, numpy.cold.compile_cached_seconds) == (None, None)
    parts_cached = {**first, "compile_seconds": 3.0}  # it keeps no copy of itself, but its parts do
    again = race([{"jax": samples(1.0, cold=cold)} for cold in (first, parts_cached, parts_cached)]).records[0].cold
    assert (again.compile_seconds, again.compile_cached_seconds) == (9.0, None)
    # 9 + (2 − 1) + N · 1 < N · 3 from N = 5 on
    assert (jax.break_even, numpy.break_even) == ({"numpy": 5}, {})
    launches = [{"numpy": samples(1.0, cold=slow), "jax": samples(3.0, cold=first)}] * 3
    assert race(launches).records[1].break_even == {"numpy": None}
    # the order is that of the ladder, not of the selection, and a user's own kernel comes last
    mixed = [{name: launch[name] for name in ("jax", "numpy")} | {"mine:f": samples(1.0)} for launch in launches]
    assert [list(one.break_even or ()) for one in race(mixed).records] == [["numpy"], [], ["numpy", "jax"]]


@pytest.mark.parametrize(
    ("counters", "over"),
    [({}, False), ({"cores_used": 2.9}, True), ({"cores": [0, 1, 2]}, True), ({"cores_used": 2.1}, False)],
)
def test_a_kernel_that_used_more_cores_than_allowed_is_marked(counters: dict[str, Any], over: bool) -> None:
    record = race([{"numpy": samples(1.0, counters={**COUNTERS, **counters})}] * 2).records[0]
    assert record.counters is not None
    assert record.counters["over_used"] is over


def test_a_race_is_precise_enough_if_every_ratio_is() -> None:
    narrow = [{"loops": samples(2.0), "numpy": samples(1.0)} for _ in range(5)]
    wide = [{**entries, "jax": samples(s)} for entries, s in zip(narrow, (1.0, 1.1, 0.9, 1.0, 1.0), strict=True)]
    assert race_analysis.is_precise_enough(race(narrow))
    assert not race_analysis.is_precise_enough(race(wide))


def test_half_widths_are_of_ratios() -> None:
    result = race([{"loops": samples(s), "numpy": samples(1.0)} for s in (2.0, 2.1, 1.9, 2.0, 2.0)])
    assert set(result.half_widths) == {"numpy"}
    assert 0.03 < result.half_widths["numpy"] < 0.06
    assert result.log_ratios("numpy", "loops")[0] == pytest.approx(log(2.0))


def test_spreads_of_rounds_are_relative_to_the_usual_one_and_limited() -> None:
    def noisy(deviation: float) -> KernelSamples:
        return samples(1.0, rounds=tuple(exp(deviation * step) for step in (-2, -1, 0, 1, 2)))

    launch = {"a": noisy(0.01), "b": noisy(0.02), "c": noisy(0.04), "d": noisy(1.0), "e": noisy(1e-6)}
    result = race([launch, launch | {"b": noisy(0.02)}])
    spreads = next_launch.round_spreads(result.launch_results)
    assert spreads == pytest.approx({"a": 0.5, "b": 1.0, "c": 2.0, "d": 4.0, "e": 0.25})
    assert next_launch.round_spreads([]) == {}
    assert next_launch.round_spreads(race([{"a": samples(1.0, rounds=(1.0,))}]).launch_results) == {}
    same = {"a": samples(1.0, rounds=(1.0,) * 5)}
    assert next_launch.round_spreads(race([same]).launch_results) == {}


def test_a_kernel_that_stands_before_the_baseline_is_compared_with_it() -> None:
    """A fit's baseline is a library's, and comes later on the ladder: 7 s of compiling have paid after 8 calls."""
    cold = {
        "from_cache": False,
        "compile_seconds": 7.0,
        "build_seconds": 0.0,
        "lower_seconds": 0.0,
        "first_call_seconds": 0.1,
    }
    timed = {
        "numba": samples(0.1, compiles=True, cold=cold),
        "sklearn-newton-cholesky": samples(1.0),
        "numba-newton": samples(0.05),
    }
    records = {
        record.kernel: record
        for record in replace(race([timed, timed]), workload=catalog.named("fit:lecture")).records
    }
    assert records["numba"].break_even == {"sklearn-newton-cholesky": 8}
    assert records["sklearn-newton-cholesky"].break_even == {"numba": 1}
    assert set(records["numba-newton"].break_even or {}) == {"numba", "sklearn-newton-cholesky"}
