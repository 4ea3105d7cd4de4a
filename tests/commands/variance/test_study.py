"""The plan, and what a study keeps when it ends early: with units that take no time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.commands.variance import plan as planning, study
from bench.commands.variance.causes import CAUSES, IDLE
from bench.commands.variance.document import Unit
from bench.commands.variance.plan import Key, Plan
from bench.results.samples import Candidate, KernelSamples, LaunchResult
from bench.workloads import catalog
from tests.support.races import samples

PLAN = Plan([Candidate("numpy", requested=True)], [catalog.named("50x3")], (1, 2), (IDLE, "cpu", "cold"), 2, 5)
ROW = {"workload": "50x3-f64", "launch": 0, "kernel": "numpy"}


def test_idle_runs_stand_between_the_planted_causes() -> None:
    assert [key.condition for key in replace(PLAN, threads=(1,)).keys] == [IDLE, "cpu", "cold", IDLE]
    three = replace(PLAN, threads=(1,), runs=3)
    assert [key.condition for key in three.keys] == [IDLE, "cpu", IDLE, "cold", IDLE]
    assert [key.condition for key in replace(PLAN, threads=(1,), runs=1).keys] == [IDLE, "cpu", "cold"]
    assert len(PLAN.keys) == len(set(PLAN.keys)) == 2 * (2 + 2)
    assert {key.run for key in three.keys if key.condition == IDLE} == {0, 1, 2}


@pytest.mark.parametrize("runs", [1, 2, 3, 4, 9])
def test_every_cause_is_planted_once_for_each_number_of_threads(runs: int) -> None:
    keys = replace(PLAN, conditions=tuple(CAUSES), runs=runs).keys
    planted = [key for key in keys if key.condition != IDLE]
    assert sorted(planted) == sorted(Key(name, threads, 0) for name in CAUSES if name != IDLE for threads in (1, 2))
    assert sum(key.condition == IDLE for key in keys) == 2 * runs


def test_a_unit_takes_longer_with_more_launches_and_with_new_inputs() -> None:
    large = replace(PLAN, workloads=[catalog.named("1000000x32-f32")])
    idle = large.seconds(Key(IDLE, 1, 0))
    assert 5 < idle < 600
    assert replace(large, launches=10).seconds(Key(IDLE, 1, 0)) > 1.3 * idle
    assert large.seconds(Key("new-inputs", 1, 0)) > idle > large.seconds(Key("cold", 1, 0))


def test_the_time_decides_on_the_number_of_launches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "seconds", lambda self, _key: 2.0 * self.launches)
    units = len(PLAN.keys)
    assert planning.with_launches(PLAN, 2.0 * 7.9 * units).launches == 7
    assert planning.with_launches(PLAN, 0.0).launches == planning.FEWEST_LAUNCHES
    assert planning.with_launches(PLAN, 1e9).launches == planning.MOST_LAUNCHES


def measured(monkeypatch: pytest.MonkeyPatch, act: Callable[[Key], bool]) -> list[Key]:
    """Units are measured by `act`, which returns whether one is complete; the list of those that were begun."""
    begun: list[Key] = []

    def measure(_plan: Plan, key: Key, unit: Unit, *_: Any) -> bool:
        begun.append(key)
        unit["rounds"]["rows"].append(dict(ROW))
        return act(key)

    monkeypatch.setattr(study, "_measure", measure)
    return begun


def run(units: list[Unit], saved: list[int], deadline: float = float("inf")) -> bool:
    return study.run(PLAN, units, deadline, lambda: saved.append(len(units)), lambda *_: None)


def test_every_unit_is_saved_when_it_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, units, saved = measured(monkeypatch, lambda _: True), list[Unit](), list[int]()
    assert run(units, saved)
    assert begun == PLAN.keys == [study.key_of(unit) for unit in units]
    assert saved == list(range(1, len(PLAN.keys) + 1))
    assert all(unit["complete"] for unit in units)


def test_an_interrupted_study_keeps_its_unit_and_goes_on_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(key: Key) -> bool:
        if key == PLAN.keys[2]:
            raise KeyboardInterrupt
        return True

    units, saved = list[Unit](), list[int]()
    measured(monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(units, saved)
    assert saved == [1, 2, 3]
    assert [unit["complete"] for unit in units] == [True, True, False]
    assert units[2]["rounds"]["rows"] == [ROW]
    begun = measured(monkeypatch, lambda _: True)
    assert run(units, saved)
    assert begun == PLAN.keys[2:]
    assert [study.key_of(unit) for unit in units] == PLAN.keys


def test_a_study_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def ten_seconds(_key: Key) -> bool:
        now[0] += 10.0
        return True

    begun = measured(monkeypatch, ten_seconds)
    assert not run([], [], deadline=25.0)
    assert len(begun) == 3


def test_a_session_that_was_stopped_is_not_complete(tmp_path: Path) -> None:
    """The deadline has passed: the session stops after its first launch, whose rounds are kept."""
    unit = study._empty(Key(IDLE, 1, 0))
    plan = replace(PLAN, threads=(1,), launches=2)
    assert not study._measure(plan, Key(IDLE, 1, 0), unit, tmp_path, 0.0, lambda *_: None)
    assert {row["launch"] for row in unit["rounds"]["rows"]} == {0}
    assert not unit["calls"]["rows"]


def test_a_real_unit_has_rounds_launches_and_calls(tmp_path: Path) -> None:
    unit, steps = study._empty(Key(IDLE, 1, 0)), list[str]()
    plan = replace(PLAN, launches=2)
    assert study._measure(plan, Key(IDLE, 1, 0), unit, tmp_path, float("inf"), lambda step, _: steps.append(step))
    rounds, launches, calls = unit["rounds"]["rows"], unit["launches"]["rows"], unit["calls"]["rows"]
    assert {(row["kernel"], row["launch"]) for row in rounds} == {
        (kernel, launch) for kernel in ("loops", "numpy") for launch in (0, 1)
    }
    assert all(len(row["seconds"]) == len(row["sweeps"]) >= 5 for row in rounds)
    assert [row["launch"] for row in launches] == [0, 1]
    assert all(row["wall_seconds"] > row["rounds_seconds"] > 0 for row in launches)
    assert {row["kernel"] for row in calls} == {"loops", "numpy"}
    assert not unit["failures"]
    assert any("timing calls" in step for step in steps)


def test_a_cold_unit_is_timed_call_by_call_in_every_launch(tmp_path: Path) -> None:
    unit = study._empty(Key("cold", 1, 0))
    assert study._measure(replace(PLAN, launches=2), Key("cold", 1, 0), unit, tmp_path, float("inf"), lambda *_: None)
    assert not unit["rounds"]["rows"]
    assert {row["launch"] for row in unit["calls"]["rows"]} == {0, 1}


def test_a_kernel_that_fails_is_named_with_its_reason() -> None:
    unit = study._empty(Key(IDLE, 1, 0))

    class Ended:
        plan = {"50x3-f64": PLAN.kernels}  # noqa: RUF012
        launch_results = [  # noqa: RUF012
            LaunchResult("50x3-f64", 1, 0, {"numpy": samples(1e-3), "numpy (control)": samples(1e-3)}),
            LaunchResult("50x3-f64", 1, 1, {"numpy": KernelSamples("wrong", "data: dw[0]")}),
        ]

    study._add_session(unit, Ended())  # type: ignore[arg-type]
    assert unit["failures"] == {"numpy on 50x3-f64": "wrong: data: dw[0]"}
    assert [row["kernel"] for row in unit["rounds"]["rows"]] == ["numpy"]
    assert len(unit["launches"]["rows"]) == 2
