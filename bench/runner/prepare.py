"""Before the rounds: place, compile, verify. After them: verify again."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from bench.correctness import checks
from bench.runner.inputs import Material
from bench.runner.kernel_run import Lane, checked_result, number, number_or_none
from bench.worker.messages import Order, Reply
from bench.workloads.parameters import COMPILE_DRAW, FIRST_DRAW


def prepare(lane: Lane, material: Material, known: Mapping[str, Any], timed: bool) -> Generator[Order, Reply, None]:
    """Place, compile, call and check; several workers may be at it at once. Raises Ended.

    known: of an earlier launch, `iterations` and `busy_threads`; then the probes have been passed, too.
    """
    cold = dict(lane.entry.cold)
    reply = yield material.place()
    cold["placement_seconds"] = number(reply, "placement_seconds")
    huge_pages = reply.get("huge_pages") if isinstance(reply.get("huge_pages"), bool) else None
    reply = yield Order("compile", {"draw": COMPILE_DRAW})
    cold |= {key: number_or_none(reply, key) for key in ("lower_seconds", "compile_seconds")}
    cold["from_cache"] = reply.get("from_cache")
    reply = yield Order("call", {"draw": FIRST_DRAW})
    cold["first_call_seconds"] = number(reply, "seconds")
    lane.entry = replace(lane.entry, cold=cold)
    for question in (material.data, *(() if known else material.probes)) if lane.checked else ():
        reply = yield question.order()
        lane.found(question.judge(checked_result(reply)))
    lane.entry = replace(lane.entry, seen={"huge_pages": huge_pages})
    if not timed and lane.checked:
        reply = yield material.unseen.order()
        lane.found(material.unseen.judge(checked_result(reply)))


def verify_and_release(lane: Lane, material: Material, sampled: Sequence[int]) -> Generator[Order, Reply, None]:
    """Judge the results of the sampled rounds, check once more, and let the workload go. Raises Ended."""
    if lane.checked:
        for sample in (lane.replies[number] for number in sampled):
            lane.found(material.timed(sample["draw"], sample["call"]).judge(sample["result"]))
        reply = yield material.unseen.order()
        lane.found(material.unseen.judge(checked_result(reply)))
    reply = yield Order("release", {})
    seconds = [reply["seconds"] for reply in lane.replies]
    if not seconds:
        return
    call = median(seconds) / lane.entry.iterations
    # the least of all rounds: what disturbs only adds, and who works there does so in each
    placing, copying = (min(answer[f"{kind}_seconds"] for answer in lane.replies) for kind in ("placing", "copying"))
    result_wait = min((s for answer in lane.replies if (s := answer["result_wait_seconds"]) is not None), default=0.0)
    alone = number(reply, "placing_alone_seconds")
    lane.found(checks.outside("placed", "placing parameters", placing, alone, call))
    lane.found(checks.outside("at-once", "bringing a result back", result_wait, copying, call))
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
            "compiled_again": number_or_none(reply, "compiled_again"),
            "pools": reply.get("pools"),
            "threads": number_or_none(reply, "threads"),
            "cores": [int(core) for core in reply.get("cores") or () if isinstance(core, int)],
            "peak_bytes": number_or_none(reply, "peak_bytes"),
        },
    )
