"""Launches on a simulated machine, whose kernels have known times and where others compute now and then.

The sweeps are timed by the code that times real ones; only the clock, the workers and the watch are simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from random import Random

import pytest

from bench.analysis import guard
from bench.analysis.race import Race
from bench.results.samples import Candidate, KernelSamples, LaunchResult
from bench.runner import clock, sweeps
from bench.runner.kernel_run import KernelRun
from bench.runner.plan import Share, plan
from bench.runner.quiet import SweepUsage
from bench.runner.sweeps import SweepSettings, count_all_if_few, time_sweeps
from bench.worker.messages import Request, Response
from tests.support.fake_workers import RESPONSE, WARM_UP
from tests.support.races import COUNTERS, KERNEL, LECTURE

OVERHEAD = 4e-3
"""Seconds of a round besides its call."""


@dataclass(frozen=True)
class SimulatedKernel:
    """A kernel whose rounds have one call."""

    seconds: float
    """The median of its undisturbed rounds; of the fast ones if some are slow."""
    noise: float = 0.03
    """The standard deviation of their logarithms."""
    slow_share: float = 0.0
    """Of its rounds."""
    slow_factor: float = 1.5


@dataclass
class Machine:
    """The state of the simulation, and the random numbers that it is made of."""

    rng: Random
    now: float = 0.0
    used: float = 0.0
    """Seconds of processor time that others have used so far."""


Disturbance = Callable[[Machine, str, float, bool], float]
"""What others use during a round: machine, kernel, seconds that the round would take alone, is it a slow one → their
seconds."""


def never(_machine: Machine, _kernel: str, _seconds: float, _slow: bool) -> float:
    return 0.0


def in_rounds(probability: Callable[[str, float, bool], float]) -> Disturbance:
    """A burst hits a round with this probability, and takes all of it.

    probability: of kernel, seconds, and whether it is a slow round
    """

    def disturbance(machine: Machine, kernel: str, seconds: float, slow: bool) -> float:
        return seconds if machine.rng.random() < probability(kernel, seconds, slow) else 0.0

    return disturbance


@dataclass
class Bursts:
    """Bursts that begin at random times and last long, in a part of the time; they depend on nothing else."""

    rng: Random
    quiet_seconds: float
    """Their mean distance."""
    burst_seconds: float
    """Their mean length."""
    begin: float = 0.0
    """There is none before."""
    bursts: list[tuple[float, float]] = field(default_factory=list)

    def __call__(self, machine: Machine, _kernel: str, seconds: float, _slow: bool) -> float:
        return self.during(machine.now, machine.now + seconds)

    def during(self, start: float, end: float) -> float:
        """The seconds of bursts between two times."""
        last = self.bursts[-1][1] if self.bursts else self.begin
        while last < end:
            first = last + self.rng.expovariate(1 / self.quiet_seconds)
            last = first + self.rng.expovariate(1 / self.burst_seconds)
            self.bursts.append((first, last))
        return sum(max(0.0, min(end, last) - max(start, first)) for first, last in self.bursts)


@dataclass
class SimulatedWorker:
    """Answers requests for a round in simulated time."""

    machine: Machine
    name: str
    kernel: SimulatedKernel
    disturbance: Disturbance
    drift: float
    """How much slower the machine gets in a second."""
    pid: int = 7

    def suspend(self) -> None: ...

    def resume(self) -> None: ...

    def kill(self) -> None: ...

    def request(self, request: Request) -> Response:
        machine, kernel = self.machine, self.kernel
        if request.name == "warm_up":
            machine.now += OVERHEAD
            return WARM_UP
        slow = machine.rng.random() < kernel.slow_share
        seconds = kernel.seconds * exp(machine.rng.gauss(0.0, kernel.noise) + self.drift * machine.now)
        seconds *= kernel.slow_factor if slow else 1.0
        used = self.disturbance(machine, self.name, seconds, slow)
        seconds += used  # they get the core for as long
        machine.now += seconds + 1e-5
        machine.used += used
        return RESPONSE | {"seconds": seconds}


@dataclass
class SimulatedWatch:
    """Knows what others used."""

    machine: Machine
    disturbance: Disturbance

    def begin_sweep(self) -> None:
        self._used, self._began = self.machine.used, self.machine.now
        self._round_used, self._round_began = self._used, self._began
        self._foreign, self._exposure = dict[str, float](), dict[str, float]()

    def after_round(self, kernel: str) -> None:
        machine = self.machine
        self._foreign[kernel] = machine.used - self._round_used
        self._exposure[kernel] = machine.now - self._round_began
        self._round_used, self._round_began = machine.used, machine.now

    def end_sweep(self) -> SweepUsage:
        share = (self.machine.used - self._used) / (self.machine.now - self._began)
        return SweepUsage(share, self._foreign, self._exposure)

    def wait(self, seconds: float, busy: Callable[[str], None]) -> float:
        """For 50 ms without a burst."""
        busy("a burst")
        waited = 0.0
        while waited < seconds:
            start = self.machine.now
            self.machine.now += 0.05
            waited += 0.05
            if not isinstance(self.disturbance, Bursts) or not self.disturbance.during(start, start + 0.05):
                break
        return waited


def launch(
    number: int,
    kernels: Mapping[str, SimulatedKernel],
    disturbance: Disturbance,
    rng: Random,
    seconds: float,
    drift: float = 0.0,
    equal_periods: bool = False,
) -> LaunchResult:
    """One launch of about so many seconds, with the results that a real one has.

    equal_periods: each kernel takes part in every sweep
    """
    machine = Machine(rng)
    shares = {name: Share((0.01 if equal_periods else kernel.seconds) + OVERHEAD) for name, kernel in kernels.items()}
    planned = plan(shares, seconds, rng)
    kernel_runs = {
        name: KernelRun(
            KernelSamples("ok", kernel=KERNEL, iterations=1, period=planned.periods[name], counters=COUNTERS)
        )
        for name in kernels
    }
    workers = {name: SimulatedWorker(machine, name, one, disturbance, drift) for name, one in kernels.items()}
    with pytest.MonkeyPatch.context() as patch:
        for module in (sweeps, clock):
            patch.setattr(module, "perf_counter", lambda: machine.now)
        watch = SimulatedWatch(machine, disturbance)
        usages = time_sweeps(kernel_runs, workers, planned, SweepSettings(2, [0, 1]), rng, watch, pytest.fail)
    disturbed = [usage for usage in usages if usage and usage.is_disturbed]
    counts_all = count_all_if_few(kernel_runs, planned)
    exposure = guard.usual(usage.exposure for usage in usages if usage)
    hits = guard.total(guard.of_sweep(usage.foreign, exposure) for usage in disturbed)
    return LaunchResult(
        LECTURE.name, 2, number, {name: _samples(kernel_run) for name, kernel_run in kernel_runs.items()},
        disturbed=len(disturbed), counts_all=counts_all,
        hits={name: [of.hits, of.expected, of.sweeps] for name, of in hits.items()},
    )  # fmt: skip


def _samples(kernel_run: KernelRun) -> KernelSamples:
    """As bench/runner/prepare.py makes them of the rounds."""
    counted, disturbed = ([one for one in kernel_run.rounds if one.disturbed is is_so] for is_so in (False, True))
    fields = vars(kernel_run.samples) | {
        "rounds": tuple(one.response.seconds for one in counted),
        "sweeps": tuple(one.sweep for one in counted),
        "disturbed_rounds": tuple(one.response.seconds for one in disturbed),
        "disturbed_sweeps": tuple(one.sweep for one in disturbed),
    }
    return KernelSamples(**fields)


def race(launches: Sequence[LaunchResult]) -> Race:
    """The race of these launches, as a session makes it."""
    return Race.of(LECTURE, 2, launches, [Candidate(name) for name in launches[0].samples])
