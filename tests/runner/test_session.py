"""What a session decides from launch results written by hand: no clock, no process."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from bench.runner.launch import Launch
from bench.runner.race_setup import RaceSetup
from bench.runner.run_results import WallTime
from bench.runner.session import Session
from bench.runner.settings import FEWEST_LAUNCHES, Settings
from tests.support.races import LECTURE, samples


def session(launches: int, settings: Settings | None = None) -> Session:
    """A session with so many equal launches of two kernels."""
    made = Session([Candidate("loops"), Candidate("numpy")], [LECTURE], settings or Settings(seconds=10.0))
    made.choose([("lecture", "loops"), ("lecture", "numpy")], baselines=False)
    by_kernel = {"loops": samples(1.0), "numpy": samples(1.0)}
    made.launch_results = [LaunchResult("lecture", 2, number, by_kernel) for number in range(launches)]
    return made


def test_a_precise_race_ends_after_the_fewest_launches_or_the_requested_number() -> None:
    for ran in range(1, FEWEST_LAUNCHES + 2):
        assert session(ran).is_finished("lecture", 2, ran - 1)
        assert session(ran).is_finished("lecture", 2, ran) is (ran >= FEWEST_LAUNCHES)
        assert not session(ran, Settings(launches=9)).is_finished("lecture", 2, ran)
    assert not session(9).is_finished("lecture", 1, 0)  # the launches had another number of threads


def test_wall_time_that_is_neither_start_up_nor_rounds_is_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.runner.run_results.time", SimpleNamespace(monotonic=lambda: 100.0))
    wall_time = WallTime(began=0.0)
    seconds = {"start": 10.0, "prepare": 20.0, "rounds": 25.0, "verify": 5.0}
    wall_time.add(LaunchResult("lecture", 2, 0, {}, seconds=seconds))
    assert wall_time.budget() == {
        "start_seconds": 30.0,
        "rounds_seconds": 25.0,
        "cold_seconds": 0.0,
        "rest_seconds": 45.0,
    }


def test_a_kernel_that_failed_is_not_started_again() -> None:
    made, started = session(1), list[str]()

    def measure(setup: RaceSetup, *_: Any) -> LaunchResult:
        started.extend(setup.specs)
        return LaunchResult("lecture", 2, 1, {})

    wrong = KernelSamples("wrong", "data: db is nan")
    first = made.launch_results[0]
    made.launch_results[0] = replace(first, samples={**first.samples, "loops": wrong})
    made._measure(cast(Launch, SimpleNamespace(number=1, measure=measure)), "lecture", 2, lambda _step: None)
    assert started == ["numpy", CONTROL.format("numpy")]
