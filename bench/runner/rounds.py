"""A workload's kernels, admitted by the gate and then timed in interleaved rounds.

While rounds are timed every worker but the one at work is suspended, whose pools would spin otherwise. Each
round has all kernels in a new random order, on the same core where a kernel computes on one: cores of one
machine differ by 6-9%, so the rounds rotate over them, rivals together. All have the same parameters in it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.runner.kernel_run import KernelRun, WorkerHandle, checked_result, number, number_or_none
from bench.runner.settings import FEWEST_ROUNDS
from bench.worker.messages import WARMUP_SECONDS, Request, Response, WorkerFailed
from bench.workloads.parameters import CALIBRATION_DRAW, ROUND_DRAW


def calibrate(kernel_run: KernelRun, known: Mapping[str, Any]) -> Generator[Request, Response, None]:
    """How many calls make a round, and how many threads compute in it; while nobody else computes. Raises Ended."""
    reply = yield Request("calibrate", {"draw": CALIBRATION_DRAW, "iterations": known.get("iterations")})
    calls = int(number(reply, "iterations"))
    one = number(reply, "call_seconds") + number(reply, "placing_seconds")
    kernel_run.round_seconds = one * calls + max(one, WARMUP_SECONDS)
    busy = known["busy_threads"] if known else number(reply, "busy_threads")
    kernel_run.single_threaded = busy == 1
    seen = {"cores_used": number(reply, "cores_used"), "busy_threads": busy}
    kernel_run.entry = replace(kernel_run.entry, iterations=calls, seen=kernel_run.entry.seen | seen)


def calibrate_all(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    known: Mapping[str, Mapping[str, Any]],
    specs: Mapping[str, str],
) -> Iterator[tuple[str, WorkerFailed]]:
    """Suspend all, and calibrate one after another: who computes beside others counts too few calls for a round.

    Workers of one kernel have the same number of calls: where each counted its own, NumPy
    differed from itself, with nearly all launches on one side.
    """
    chosen: dict[str, Mapping[str, Any]] = {}
    for name in kernel_runs:
        workers[name].suspend()
    for name, kernel_run in kernel_runs.items():
        workers[name].resume()
        steps = calibrate(kernel_run, known.get(name) or chosen.get(specs[name], {}))
        try:
            order = next(steps)
            while True:
                order = steps.send(workers[name].request(order))
        except StopIteration:
            workers[name].suspend()
            its = {"iterations": kernel_run.entry.iterations, "busy_threads": kernel_run.entry.seen["busy_threads"]}
            chosen.setdefault(specs[name], its)
        except WorkerFailed as ended:
            workers[name].kill()
            kernel_run.ended(ended)
            yield name, ended


def round_count(kernel_runs: Mapping[str, KernelRun], seconds: float) -> int:
    """How many rounds take about so many seconds of each of the kernels together."""
    whole = sum(kernel_run.round_seconds for kernel_run in kernel_runs.values())
    return max(FEWEST_ROUNDS, round(seconds * len(kernel_runs) / whole)) if whole else 0


def interleave(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    rounds: int,
    threads: int,
    cores: Sequence[int] | None,
    random: random.Random,
    tick: Callable[[int], None] = lambda _round: None,
) -> Iterator[tuple[str, WorkerFailed]]:
    """Time the rounds of workers that are suspended; yields who came to an end meanwhile, and the others go on.

    In half of the rounds the call whose result comes back is the last, which must be there at once; in the
    others it is any. Which round's results will be judged is not yet known.
    """
    running = list(kernel_runs)
    for round_number in range(rounds):
        tick(round_number)
        core = [cores[round_number % len(cores)]] if cores else None
        chance = random.random()
        order = random.sample(running, len(running))
        for place, name in enumerate(order):
            kernel_run, worker = kernel_runs[name], workers[name]
            calls = kernel_run.entry.iterations
            arguments = {
                "draw": ROUND_DRAW + round_number,
                "iterations": calls,
                "sampled": calls - 1 if round_number % 2 else int(chance * calls),
                "cores": core if kernel_run.single_threaded or threads == 1 else None,
            }
            worker.resume()
            try:
                reply = worker.request(Request("round", arguments))
                kernel_run.responses.append(_round(reply) | {"draw": arguments["draw"], "call": arguments["sampled"]})
                kernel_run.places.append(place)
            except WorkerFailed as ended:
                worker.kill()
                running.remove(name)
                kernel_run.ended(ended)
                yield name, ended
                continue
            worker.suspend()
    for name in running:
        workers[name].resume()


_ROUND_NUMBERS = (
    "seconds",
    "placing_seconds",
    "copying_seconds",
    "spin_seconds",
    "cpu_seconds",
    "page_faults",
    "switches",
)


def _round(reply: Response) -> Response:
    """What a round came to, every number checked to be one."""
    checked: Response = {key: number(reply, key) for key in _ROUND_NUMBERS}
    if checked["seconds"] <= 0:
        raise WorkerFailed("crashed", "it reported a round of no time")
    if reply.get("mutated") is not False:
        raise WorkerFailed("wrong", "timed: it wrote into w, which is read-only")
    return checked | {
        "result_wait_seconds": number_or_none(reply, "result_wait_seconds"),
        "result": checked_result(reply),
    }
