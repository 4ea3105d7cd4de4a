"""One session of the self-test: a kernel against itself and against itself slowed, and what its races found."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from math import exp

from bench.analysis import statistics
from bench.analysis.race import Race
from bench.commands.selftest import noisy_neighbour
from bench.commands.selftest.plan import PlannedRaces
from bench.commands.selftest.summary import Trial
from bench.results.samples import LaunchResult
from bench.runner.inputs import InputCache
from bench.runner.session import Session
from bench.workloads import catalog


def race(planned: PlannedRaces, input_cache: InputCache) -> list[Trial]:
    """Make the planned races. Raises ValueError, in one line, if a kernel was not timed."""
    sizes = [catalog.named(size) for size in planned.sizes]
    session = Session(planned.candidates, sizes, planned.settings, input_cache)
    cells = [(size.name, candidate.name) for size in sizes for candidate in planned.candidates]
    session.choose(cells, baselines=False)
    with noisy_neighbour.running() if planned.neighbour else nullcontext():
        session.run()
    return [_trial(result, planned) for result in session.races]


def _trial(result: Race, planned: PlannedRaces) -> Trial:
    same = result.ratio(planned.again, over=planned.kernel)
    slowed = result.ratio(planned.slow, over=planned.kernel)
    if same is None or slowed is None:
        outcomes = {candidate.name: result.outcome(candidate.name) for candidate in result.candidates}
        raise ValueError(f"{planned.kernel} on {result.workload.name} was not timed: {outcomes}")
    logs = result.log_ratios(planned.again, planned.kernel)
    launches = result.launch_results
    return Trial(
        planned.kernel,
        result.workload.name,
        planned.neighbour,
        len(launches),
        round(sum(sum(launch.seconds.values()) for launch in launches), 2),
        asdict(same),
        asdict(slowed),
        tuple(round(value, 5) for value in logs),
        tuple(round(value, 5) for value in result.log_ratios(planned.slow, planned.kernel)),
        statistics.spread([exp(value) for value in logs]) or 0.0,
        result.threads,
        sum(map(_sweeps, launches)),
        sum(launch.disturbed for launch in launches),
        tuple(dict.fromkeys(launch.counts_all for launch in launches if launch.counts_all)),
    )


def _sweeps(launch: LaunchResult) -> int:
    """How many sweeps were timed: those of the kernel that took part in most."""
    return max(len(samples.rounds) + len(samples.disturbed_rounds) for samples in launch.samples.values())
