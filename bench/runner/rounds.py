"""A workload's kernels, admitted by the gate and then timed in interleaved rounds.

While rounds are timed every worker but the one at work is suspended, whose pools would spin otherwise. Each
round has all kernels in a new random order, on the same core where a kernel computes on one: cores of one
machine differ by 6-9%, so the rounds rotate over them, rivals together. All have the same parameters in it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from statistics import median
from typing import Any, Protocol

from bench.analysis.statistics import FEWEST_ROUNDS
from bench.correctness import checks
from bench.correctness.checks import Finding
from bench.results.journal import Entry
from bench.runner.inputs import CALIBRATION_DRAW, COMPILE_DRAW, FIRST_DRAW, ROUND_DRAW, Material
from bench.worker import messages
from bench.worker.process import Ended, Order, Reply
from bench.worker.worker import WAKING_SECONDS


class Racer(Protocol):
    """What the rounds need of a worker; the tests have one without a process."""

    def suspend(self) -> None:
        """Stop it."""

    def resume(self) -> None:
        """Let it go on."""

    def ask(self, order: Order) -> Reply:
        """Give an order and wait for the answer. Raises Ended."""

    def kill(self) -> None:
        """End it."""


@dataclass
class Lane:
    """One worker's way through a block."""

    entry: Entry
    """What is known of it so far."""
    calls_seconds: float = 0.0
    """Of a round and the untimed calls before it, when it was calibrated."""
    single: bool = False
    """It computes in one thread."""
    checked: bool = True
    """It is a kernel; what measures a ceiling returns nobody's gradient."""
    replies: list[Reply] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def ended(self, ended: Ended) -> None:
        """It came to an end: what it was timed at is withdrawn."""
        self.entry = replace(self.entry, outcome=ended.outcome, reason=ended.reason, iterations=0)
        self.replies, self.places = [], []

    def found(self, finding: Finding) -> None:
        """Keep what a check found."""
        plain = {key: value for key, value in asdict(finding).items() if value != float("inf")}
        self.entry = replace(self.entry, findings=(*self.entry.findings, plain))
        if finding.failure:
            raise Ended("wrong", finding.failure)


def admit(lane: Lane, material: Material, known: Mapping[str, Any], timed: bool) -> Generator[Order, Reply, None]:
    """Place, compile, call and check; several workers may be at it at once. Raises Ended.

    known: of an earlier launch, `iterations` and `busy_threads`; then the probes have been passed, too.
    """
    cold = dict(lane.entry.cold)
    reply = yield material.place()
    cold["placement_seconds"] = _number(reply, "placement_seconds")
    huge_pages = reply.get("huge_pages") if isinstance(reply.get("huge_pages"), bool) else None
    reply = yield Order("compile", {"draw": COMPILE_DRAW})
    cold |= {key: _number_or_none(reply, key) for key in ("lower_seconds", "compile_seconds")}
    cold["from_cache"] = reply.get("from_cache")
    reply = yield Order("call", {"draw": FIRST_DRAW})
    cold["first_call_seconds"] = _number(reply, "seconds")
    lane.entry = replace(lane.entry, cold=cold)
    for question in (material.data, *(() if known else material.probes)) if lane.checked else ():
        reply = yield question.order()
        lane.found(question.judge(_result(reply)))
    lane.entry = replace(lane.entry, seen={"huge_pages": huge_pages})
    if not timed and lane.checked:
        reply = yield material.unseen.order()
        lane.found(material.unseen.judge(_result(reply)))


def calibrate(lane: Lane, known: Mapping[str, Any]) -> Generator[Order, Reply, None]:
    """How many calls make a round, and how many threads compute in it; while nobody else computes. Raises Ended."""
    reply = yield Order("calibrate", {"draw": CALIBRATION_DRAW, "iterations": known.get("iterations")})
    calls = int(_number(reply, "iterations"))
    one = _number(reply, "call_seconds") + _number(reply, "placing_seconds")
    lane.calls_seconds = one * calls + max(one, WAKING_SECONDS)
    busy = known["busy_threads"] if known else _number(reply, "busy_threads")
    lane.single = busy == 1
    seen = {"cores_used": _number(reply, "cores_used"), "busy_threads": busy}
    lane.entry = replace(lane.entry, iterations=calls, seen=lane.entry.seen | seen)


def dismiss(lane: Lane, material: Material, sampled: Sequence[int]) -> Generator[Order, Reply, None]:
    """Judge the results of the sampled rounds, check once more, and let the workload go. Raises Ended."""
    if lane.checked:
        for sample in (lane.replies[number] for number in sampled):
            lane.found(material.timed(sample["draw"], sample["call"]).judge(sample["result"]))
        reply = yield material.unseen.order()
        lane.found(material.unseen.judge(_result(reply)))
    reply = yield Order("release", {})
    seconds = [reply["seconds"] for reply in lane.replies]
    if not seconds:
        return
    call = median(seconds) / lane.entry.iterations
    # the least of all rounds: what disturbs only adds, and who works there does so in each
    placing, copying = (min(answer[f"{kind}_seconds"] for answer in lane.replies) for kind in ("placing", "copying"))
    settling = min((s for answer in lane.replies if (s := answer["settling_seconds"]) is not None), default=0.0)
    alone = _number(reply, "placing_alone_seconds")
    lane.found(checks.outside("placed", "placing parameters", placing, alone, call))
    lane.found(checks.outside("at-once", "bringing a result back", settling, copying, call))
    totals = {key: sum(answer[key] for answer in lane.replies) for key in ("page_faults", "switches", "cpu_seconds")}
    calls = len(seconds) * lane.entry.iterations
    lane.entry = replace(
        lane.entry,
        rounds=tuple(round_seconds / lane.entry.iterations for round_seconds in seconds),
        places=tuple(lane.places),
        seen=lane.entry.seen
        | {
            "cores_used": max(lane.entry.seen["cores_used"], totals["cpu_seconds"] / sum(seconds)),
            "page_faults_per_call": totals["page_faults"] / calls,
            "switches_per_round": totals["switches"] / len(seconds),
            "spin_seconds": median(answer["spin_seconds"] for answer in lane.replies),
            "compiled_again": _number_or_none(reply, "compiled_again"),
            "pools": reply.get("pools"),
            "threads": _number_or_none(reply, "threads"),
            "cores": [int(core) for core in reply.get("cores") or () if isinstance(core, int)],
            "peak_bytes": _number_or_none(reply, "peak_bytes"),
        },
    )


def one_by_one(
    lanes: Mapping[str, Lane],
    racers: Mapping[str, Racer],
    known: Mapping[str, Mapping[str, Any]],
    specs: Mapping[str, str],
) -> Iterator[tuple[str, Ended]]:
    """Suspend all, and calibrate one after another: who computes beside others counts too few calls for a round.

    Workers of one kernel have the same number of calls: where each counted its own, NumPy
    differed from itself, with nearly all launches on one side.
    """
    chosen: dict[str, Mapping[str, Any]] = {}
    for name in lanes:
        racers[name].suspend()
    for name, lane in lanes.items():
        racers[name].resume()
        steps = calibrate(lane, known.get(name) or chosen.get(specs[name], {}))
        try:
            order = next(steps)
            while True:
                order = steps.send(racers[name].ask(order))
        except StopIteration:
            racers[name].suspend()
            its = {"iterations": lane.entry.iterations, "busy_threads": lane.entry.seen["busy_threads"]}
            chosen.setdefault(specs[name], its)
        except Ended as ended:
            racers[name].kill()
            lane.ended(ended)
            yield name, ended


def rounds_in(lanes: Mapping[str, Lane], seconds: float) -> int:
    """How many rounds take about so many seconds of each of the kernels together."""
    whole = sum(lane.calls_seconds for lane in lanes.values())
    return max(FEWEST_ROUNDS, round(seconds * len(lanes) / whole)) if whole else 0


def interleave(
    lanes: Mapping[str, Lane],
    racers: Mapping[str, Racer],
    rounds: int,
    threads: int,
    cores: Sequence[int] | None,
    random: random.Random,
    tick: Callable[[int], None] = lambda _round: None,
) -> Iterator[tuple[str, Ended]]:
    """Time the rounds of workers that are suspended; yields who came to an end meanwhile, and the others go on.

    In half of the rounds the call whose result comes back is the last, which must be there at once; in the
    others it is any. Which round's results will be judged is not yet known.
    """
    running = list(lanes)
    for number in range(rounds):
        tick(number)
        core = [cores[number % len(cores)]] if cores else None
        chance = random.random()
        order = random.sample(running, len(running))
        for place, name in enumerate(order):
            lane, racer = lanes[name], racers[name]
            calls = lane.entry.iterations
            arguments = {
                "draw": ROUND_DRAW + number,
                "iterations": calls,
                "sampled": calls - 1 if number % 2 else int(chance * calls),
                "cores": core if lane.single or threads == 1 else None,
            }
            racer.resume()
            try:
                reply = racer.ask(Order("round", arguments))
                lane.replies.append(_round(reply) | {"draw": arguments["draw"], "call": arguments["sampled"]})
                lane.places.append(place)
            except Ended as ended:
                racer.kill()
                running.remove(name)
                lane.ended(ended)
                yield name, ended
                continue
            racer.suspend()
    for name in running:
        racers[name].resume()


_ROUND_NUMBERS = (
    "seconds",
    "placing_seconds",
    "copying_seconds",
    "spin_seconds",
    "cpu_seconds",
    "page_faults",
    "switches",
)


def _round(reply: Reply) -> Reply:
    """What a round came to, every number checked to be one."""
    checked: Reply = {key: _number(reply, key) for key in _ROUND_NUMBERS}
    if checked["seconds"] <= 0:
        raise Ended("crashed", "it reported a round of no time")
    if reply.get("mutated") is not False:
        raise Ended("wrong", "timed: it wrote into w, which is read-only")
    return checked | {
        "settling_seconds": _number_or_none(reply, "settling_seconds"),
        "result": _result(reply),
    }


def _number(reply: Reply, key: str) -> float:
    value = reply.get(key)
    if not isinstance(value, (int, float)) or not isfinite(value):
        raise Ended("crashed", f"it sent no number for {key}")
    return float(value)


def _number_or_none(reply: Reply, key: str) -> float | None:
    return None if reply.get(key) is None else _number(reply, key)


def _result(reply: Reply) -> Any:
    """cost, dw and db, or what was wrong with their form."""
    result = reply.get("result")
    if isinstance(result, str):
        return result
    try:
        return [messages.array(part) for part in result or ()]
    except (messages.Garbled, TypeError) as error:
        raise Ended("crashed", f"it sent {error}") from None
