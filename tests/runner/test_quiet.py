"""What makes a sweep a disturbed one: with processes that a test invents, however busy this machine is."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from bench.host.foreign import ForeignProcesses, Scan
from bench.runner import quiet
from bench.runner.quiet import DISTURBED, ForeignWatch, SweepUsage
from tests.support.foreign_processes import helper


@dataclass
class Machine:
    """A clock, and one foreign process that uses a share of a core from one time on to another."""

    now: float = 1000.0
    share: float = 0.0
    busy_from: float = 0.0
    busy_until: float = float("inf")
    can_tell: bool = True
    stolen_share: float = 0.0
    slept: list[float] = field(default_factory=list)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_time(seconds)

    def clocks(self) -> dict[int, float]:
        if not self.can_tell:
            raise FileNotFoundError("/proc")
        return {7: self.share * max(0.0, min(self.now, self.busy_until) - self.busy_from)}

    def scan(self) -> Scan:
        return Scan(self.clocks(), {}, self.stolen_share * self.now)

    def busiest(self, before: Scan, after: Scan) -> str:
        return "compiler" if after.clocks[7] > before.clocks[7] else ""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(quiet, "time", SimpleNamespace(perf_counter=lambda: made.now, sleep=made.sleep))
    return made


def watch_of(machine: Machine) -> ForeignWatch:
    return ForeignWatch(cast(ForeignProcesses, machine))


def swept(machine: Machine, rounds: dict[str, float]) -> SweepUsage | None:
    """The usage of a sweep with rounds of so many seconds."""
    watch = watch_of(machine)
    watch.begin_sweep()
    for kernel, seconds in rounds.items():
        machine.pass_time(seconds)
        watch.after_round(kernel)
    return watch.end_sweep()


def test_a_busy_process_makes_a_sweep_disturbed_and_is_counted_where_it_was_busy(machine: Machine) -> None:
    machine.share, machine.busy_from, machine.busy_until = 0.8, machine.now + 0.25, machine.now + 0.75
    usage = swept(machine, {"a": 0.5, "b": 0.5, "c": 1.0})
    assert usage
    assert usage.is_disturbed
    assert usage.share == pytest.approx(0.8 * 0.5 / 2.0)
    assert usage.foreign == pytest.approx({"a": 0.2, "b": 0.2, "c": 0.0})
    assert usage.exposure == pytest.approx({"a": 0.5, "b": 0.5, "c": 1.0})


@pytest.mark.parametrize(("share", "disturbed"), [(0.0, False), (0.9 * DISTURBED, False), (1.1 * DISTURBED, True)])
def test_a_little_is_always_used(machine: Machine, share: float, disturbed: bool) -> None:
    machine.share = share
    usage = swept(machine, {"a": 1.0})
    assert usage
    assert usage.is_disturbed is disturbed


def test_what_the_host_takes_disturbs_as_well(machine: Machine) -> None:
    machine.stolen_share = 0.5
    usage = swept(machine, {"a": 1.0})
    assert usage
    assert usage.is_disturbed
    assert usage.foreign == {"a": 0.0}


def test_where_the_system_cannot_tell_no_sweep_has_a_usage(machine: Machine) -> None:
    machine.can_tell = False
    assert swept(machine, {"a": 1.0}) is None


def test_it_waits_until_others_have_been_quiet_and_says_who_is_busy(machine: Machine) -> None:
    machine.share, machine.busy_until, busy = 1.0, machine.now + 0.32, list[str]()
    waited = watch_of(machine).wait(10.0, busy.append)
    assert waited == pytest.approx(0.4)  # the first 50 ms that are quiet from beginning to end
    assert busy == ["compiler"] * 7
    assert machine.slept == [0.05] * 8


@pytest.mark.parametrize("most", [0.0, 0.05, 0.32])
def test_it_waits_no_longer_than_it_may(machine: Machine, most: float) -> None:
    machine.share = 1.0
    waited = watch_of(machine).wait(most, lambda _name: None)
    assert most <= waited < most + 0.05 + 1e-9
    assert len(machine.slept) == round(waited / 0.05)


def test_a_quiet_machine_is_waited_for_once(machine: Machine) -> None:
    assert watch_of(machine).wait(10.0, pytest.fail) == pytest.approx(0.05)


@pytest.mark.skipif(not ForeignProcesses().can_tell, reason="the system does not show other processes")
def test_a_real_process_makes_a_sweep_disturbed() -> None:
    with helper(orphan=True) as busy:
        watch = ForeignWatch()
        watch.begin_sweep()
        used = busy.do("busy 0.1")
        watch.after_round("a")
        usage = watch.end_sweep()
        assert usage
        assert usage.is_disturbed
        assert usage.foreign["a"] >= 0.1 - 5e-3
        assert usage.exposure["a"] >= 0.1
        assert used >= 0.1
