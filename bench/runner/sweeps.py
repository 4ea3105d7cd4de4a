"""The interleaved timed rounds of a launch: one sweep after another, again where it was disturbed.

A *sweep* is one round of each kernel that takes part in it, in a new random order and with the same parameters. While
a worker is timed, all others are suspended: their thread pools would spin otherwise. Kernels that compute in one
thread get the same core in a sweep, and the sweeps change cores, since cores of one machine differ by 6-9%.

A sweep during which foreign processes computed is repeated, as long as the time for that lasts. It is kept, and does
not count. If too few sweeps were undisturbed, the first timing of each counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from time import perf_counter

from bench.analysis.statistics import rounds_that_decide
from bench.runner import clock
from bench.runner.kernel_run import KernelRun, TimedRound, WorkerHandle
from bench.runner.plan import LONGEST_PERIOD, Plan
from bench.runner.quiet import SweepUsage, Watch
from bench.worker.messages import WARMUP_SECONDS, Request, RoundResponse, WarmUpResponse, WorkerFailed, parse
from bench.workloads.parameters import ROUND_DRAW

_SHORTEST_CALL = 1e-9
"""Seconds. A loop in Python calls the kernel, and then a function that waits: each takes over ten times as long."""
_SHORTEST_SPIN = 1e-7
"""Seconds, of two thousand iterations of a loop in Python: no processor makes one in 0.05 ns."""
_LAST_SHARE = 0.5
"""Of the rounds whose sampled call is the last one."""
_REPEAT_SHARE = 1.2
"""How long disturbed sweeps and waiting for quiet may take, relative to the planned sweeps."""
_LEAST_UNDISTURBED = 0.5
"""Share of the planned rounds of a kernel. If fewer are undisturbed, they are too few to tell how it fares."""


_UNCHECKED_SHARE = 0.75
"""Of the launches. Of twelve rounds, two are checked at random in any case: a kernel that is wrong in just the two
that decide passes a launch with probability 0.68 · 0.75, and six in 1.8% of the cases."""


@dataclass(frozen=True)
class SweepSettings:
    """How sweeps are timed on this machine."""

    threads: int
    cores: Sequence[int] | None
    """That the workers may use; None where a process cannot be pinned."""


def time_sweeps(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    plan: Plan,
    settings: SweepSettings,
    rng: Random,
    watch: Watch,
    on_failure: Callable[[str], None],
    tick: Callable[[str], None] = lambda _step: None,
) -> list[SweepUsage | None]:
    """Time all sweeps of the plan. Each round is a request for the untimed calls, and one for the timed ones, which
    run timing.begin_round and timing.time_round. Only the second has the seed of the arguments.

    The workers must be suspended. When a kernel fails, `on_failure` is called with its name; the others continue.
    About half of a kernel's rounds, chosen at random, return the result of the last call, to test that it exists when
    the call returns, and the rest that of a random call. The rounds whose results are checked are chosen later.

    Returns what foreign processes used in each sweep, in order of time, those that were repeated as well.
    """
    running, repeat_seconds = list(kernel_runs), _REPEAT_SHARE * plan.seconds
    usages: list[SweepUsage | None] = []

    def fail(name: str, failure: WorkerFailed) -> None:
        workers[name].kill()
        running.remove(name)
        kernel_runs[name].fail(failure)
        on_failure(name)

    def wait(name: str) -> None:
        tick(f"waiting for quiet: {name} is busy" if name else "waiting for quiet")

    sweep = 0
    while sweep < plan.sweeps and running:
        names = [name for name in plan.taking_part(sweep) if name in running]
        tick(f"round {sweep + 1} of {plan.sweeps}")
        began, core = perf_counter(), _core_of(sweep, settings.cores)
        timed = []
        watch.begin_sweep()
        for name, one in _one_sweep(names, kernel_runs, workers, (sweep, len(usages)), core, settings, rng):
            watch.after_round(name)
            if isinstance(one, WorkerFailed):
                fail(name, one)
            else:
                timed.append((name, one))
        usages.append(usage := watch.end_sweep())
        disturbed = usage is not None and usage.is_disturbed
        for position, (name, one) in enumerate(timed):
            kernel_runs[name].rounds.append(replace(one, position=position, disturbed=disturbed))
        if disturbed and repeat_seconds > 0:
            repeat_seconds -= perf_counter() - began
            repeat_seconds -= watch.wait(max(0.0, repeat_seconds), wait)
            continue
        sweep += 1
    for name in running:
        workers[name].resume()
    return usages


def _one_sweep(
    names: Sequence[str],
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    numbers: tuple[int, int],
    core: list[int] | None,
    settings: SweepSettings,
    rng: Random,
) -> Iterator[tuple[str, TimedRound | WorkerFailed]]:
    """Each kernel of a sweep, in random order: its round, or how it failed.

    numbers: of the sweep, without and with those that were repeated
    """
    sweep, draw = numbers[0], ROUND_DRAW + numbers[1]
    seed, sampled_fraction, last = rng.randrange(1, 2**32), rng.random(), rng.random() < _LAST_SHARE
    for name in rng.sample(names, len(names)):
        kernel_run, worker = kernel_runs[name], workers[name]
        iterations, rounds = kernel_run.samples.iterations, kernel_run.rounds
        untimed_calls = kernel_run.untimed_calls
        # of two rounds, one is of either kind: both kinds are checked
        of_last_call = not rounds[0].of_last_call if len(rounds) == 1 else last
        sampled_call = iterations - 1 if of_last_call else int(sampled_fraction * iterations)
        cores = core if kernel_run.single_threaded or settings.threads == 1 else None
        warm_up = Request("warm_up", {"draw": draw, "cores": cores, "untimed_calls": untimed_calls})
        arguments = {"draw": draw, "seed": seed, "iterations": iterations, "sampled_call": sampled_call}
        worker.resume()
        start = perf_counter()
        try:
            spin = _spin_seconds(
                parse(WarmUpResponse, worker.request(warm_up)), perf_counter() - start, untimed_calls
            )
            begun = perf_counter()
            response = parse(RoundResponse, worker.request(Request("round", arguments)))
            _validate(response, kernel_run, perf_counter() - begun)
        except WorkerFailed as failure:
            yield name, failure
            continue
        worker.suspend()
        kernel_run.awake_seconds += perf_counter() - start
        yield name, TimedRound(response, spin, sampled_call, of_last_call, draw, seed, sweep)


def _core_of(sweep: int, cores: Sequence[int] | None) -> list[int] | None:
    """The core of a sweep. A kernel of any period gets every core equally often in so many of the longest periods.

    With each of the longest periods it is the next core, and within it one more for each bit of the sweep's number.
    """
    if not cores:
        return None
    number, within = divmod(sweep, LONGEST_PERIOD)
    return [cores[(number + within.bit_count()) % len(cores)]]


def count_all_if_few(kernel_runs: Mapping[str, KernelRun], plan: Plan) -> str:
    """Count the first timing of each sweep, disturbed or not, if too few rounds of a kernel would count otherwise.

    Returns why, or an empty text.
    """
    for name, kernel_run in kernel_runs.items():
        counted, planned = sum(not one.disturbed for one in kernel_run.rounds), plan.sweeps // plan.periods[name]
        if counted < _LEAST_UNDISTURBED * planned:
            for other in kernel_runs.values():
                first = {one.sweep: one for one in reversed(other.rounds)}
                other.counts_all = True
                other.rounds = [replace(one, disturbed=one is not first[one.sweep]) for one in other.rounds]
            return f"others were busy: {counted} of {planned} rounds of {name} were undisturbed"
    return ""


def checked_rounds(kernel_runs: Mapping[str, KernelRun], rng: Random) -> dict[str, list[TimedRound]]:
    """Kernel → two of its rounds, one of which returned the result of its last call; every fourth time a third one,
    of those that decide its time.

    Kernels get rounds of the same sweeps where they can: those that were sampled at the same call share a reference.
    A reference of a deciding round is the kernel's own: to check one each time would take as long as timing.
    """
    draws = list(dict.fromkeys(one.draw for run in kernel_runs.values() for one in run.rounds))
    rank = {draw: position for position, draw in enumerate(rng.sample(draws, len(draws)))}
    chosen = {name: _one_of_each(run.rounds, rank) for name, run in kernel_runs.items()}
    return {name: chosen[name] + _deciding(run.rounds, chosen[name], rng) for name, run in kernel_runs.items()}


def _deciding(rounds: Sequence[TimedRound], chosen: Sequence[TimedRound], rng: Random) -> list[TimedRound]:
    """Every fourth time one of the rounds that decide the kernel's time, at random, if it is not chosen already."""
    counted = sorted((one for one in rounds if not one.disturbed), key=lambda one: one.response.seconds)
    deciding = counted[: rounds_that_decide(len(counted))]
    if not deciding or rng.random() < _UNCHECKED_SHARE:
        return []
    return [one for one in [rng.choice(deciding)] if one not in chosen]


def _one_of_each(rounds: Sequence[TimedRound], rank: Mapping[int, int]) -> list[TimedRound]:
    """Of the rounds of a random call, and of those of the last one, the first by the rank of its draw."""
    parts = ([one for one in rounds if one.of_last_call is last] for last in (False, True))
    return [min(part, key=lambda one: rank[one.draw]) for part in parts if part]


def _spin_seconds(response: WarmUpResponse, passed: float, untimed_calls: bool) -> float:
    """What an empty loop took. Raises WorkerFailed for what cannot be. passed: seconds of the request"""
    if response.spin_seconds < _SHORTEST_SPIN:
        raise WorkerFailed("crashed", f"it sent {response.spin_seconds:g} for spin_seconds")
    clock.require_possible(response.spin_seconds + WARMUP_SECONDS * untimed_calls, passed)
    return response.spin_seconds


def _validate(response: RoundResponse, kernel_run: KernelRun, passed: float) -> None:
    """Raise WorkerFailed for a round that cannot count. passed: seconds between request and response"""
    iterations = kernel_run.samples.iterations
    if response.seconds < iterations * _SHORTEST_CALL:
        raise WorkerFailed("crashed", f"it sent {response.seconds:g} for seconds, of a round of {iterations} calls")
    clock.require_possible(response.placing_seconds * iterations + response.seconds, passed)
    if response.mutated:
        raise WorkerFailed("wrong", "timed: it wrote into its arguments, which are read-only")
    if kernel_run.form:
        kernel_run.form.require(response.result)
