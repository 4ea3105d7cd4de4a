"""Which calls are sampled: no kernel can know it, and of two rounds each kind has one. With fake workers."""

from __future__ import annotations

from random import Random

import pytest

from bench.results.samples import KernelSamples
from bench.runner.kernel_run import KernelRun, TimedRound
from bench.runner.plan import Plan
from bench.runner.quiet import SweepUsage
from bench.runner.sweeps import SweepSettings, checked_rounds, time_sweeps
from tests.support.fake_workers import FakeWorker, use_their_clock


class Quiet:
    """A watch that sees nothing."""

    def begin_sweep(self) -> None: ...

    def after_round(self, kernel: str) -> None: ...

    def end_sweep(self) -> SweepUsage | None:
        return None

    def wait(self, seconds: float, busy: object) -> float:
        raise AssertionError((seconds, busy))


def rounds_of(seed: int, sweeps: int, monkeypatch: pytest.MonkeyPatch) -> KernelRun:
    use_their_clock(monkeypatch)
    kernel_run = KernelRun(KernelSamples("ok", iterations=4))
    plan, settings = Plan(sweeps, {"a": 1}, {"a": 0}, 9.0), SweepSettings(1, [0])
    time_sweeps(
        {"a": kernel_run},
        {"a": FakeWorker("a", [])},
        plan,
        settings,
        Random(seed),
        Quiet(),
        print,
        lambda _step: None,
    )
    return kernel_run


def kinds(rounds: list[TimedRound]) -> tuple[bool, ...]:
    return tuple(one.of_last_call for one in rounds)


def test_the_first_two_rounds_are_one_of_each_kind_and_no_other_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [rounds_of(seed, 4, monkeypatch) for seed in range(100)]
    seen = {kinds(run.rounds) for run in runs}
    assert {first[:2] for first in seen} == {(True, False), (False, True)}
    assert {one[:2] + rest for one in seen for rest in [(x, y) for x in (True, False) for y in (True, False)]} == seen
    for run in runs:
        (checked,) = checked_rounds({"a": run}, Random(1)).values()
        assert kinds(checked) == (False, True)


def test_where_one_kind_is_missing_a_round_of_the_other_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    run = rounds_of(3, 6, monkeypatch)
    for kind in (True, False):
        run.rounds = [one for one in rounds_of(3, 6, monkeypatch).rounds if one.of_last_call is kind]
        (checked,) = checked_rounds({"a": run}, Random(1)).values()
        assert kinds(checked) == (kind,)
