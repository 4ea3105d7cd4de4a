"""Before the rounds: place, compile, verify. After them: verify again."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from bench.correctness import checks
from bench.runner.inputs import WorkloadInputs
from bench.runner.kernel_run import KernelRun, checked_result, number, number_or_none
from bench.worker.messages import Request, Response
from bench.workloads.parameters import COMPILE_DRAW, FIRST_DRAW


def prepare(
    kernel_run: KernelRun, inputs: WorkloadInputs, known: Mapping[str, Any], timed: bool
) -> Generator[Request, Response, None]:
    """Place, compile, call and check; several workers may be at it at once. Raises Ended.

    known: of an earlier launch, `iterations` and `busy_threads`; then the probes have been passed, too.
    """
    cold = dict(kernel_run.entry.cold)
    reply = yield inputs.place()
    cold["placement_seconds"] = number(reply, "placement_seconds")
    huge_pages = reply.get("huge_pages") if isinstance(reply.get("huge_pages"), bool) else None
    reply = yield Request("compile", {"draw": COMPILE_DRAW})
    cold |= {key: number_or_none(reply, key) for key in ("lower_seconds", "compile_seconds")}
    cold["from_cache"] = reply.get("from_cache")
    reply = yield Request("call", {"draw": FIRST_DRAW})
    cold["first_call_seconds"] = number(reply, "seconds")
    kernel_run.entry = replace(kernel_run.entry, cold=cold)
    for case in (inputs.data, *(() if known else inputs.probes)) if kernel_run.is_kernel else ():
        reply = yield case.order()
        kernel_run.found(case.judge(checked_result(reply)))
    kernel_run.entry = replace(kernel_run.entry, seen={"huge_pages": huge_pages})
    if not timed and kernel_run.is_kernel:
        reply = yield inputs.unseen.order()
        kernel_run.found(inputs.unseen.judge(checked_result(reply)))


def verify_and_release(
    kernel_run: KernelRun, inputs: WorkloadInputs, sampled: Sequence[int]
) -> Generator[Request, Response, None]:
    """Judge the results of the sampled rounds, check once more, and let the workload go. Raises Ended."""
    if kernel_run.is_kernel:
        for sample in (kernel_run.responses[number] for number in sampled):
            kernel_run.found(inputs.timed(sample["draw"], sample["call"]).judge(sample["result"]))
        reply = yield inputs.unseen.order()
        kernel_run.found(inputs.unseen.judge(checked_result(reply)))
    reply = yield Request("release", {})
    seconds = [reply["seconds"] for reply in kernel_run.responses]
    if not seconds:
        return
    call = median(seconds) / kernel_run.entry.iterations
    # the least of all rounds: what disturbs only adds, and who works there does so in each
    placing, copying = (
        min(answer[f"{kind}_seconds"] for answer in kernel_run.responses) for kind in ("placing", "copying")
    )
    result_wait = min(
        (s for answer in kernel_run.responses if (s := answer["result_wait_seconds"]) is not None), default=0.0
    )
    alone = number(reply, "placing_alone_seconds")
    kernel_run.found(checks.check_untimed_work("placed", "placing parameters", placing, alone, call))
    kernel_run.found(checks.check_untimed_work("at-once", "bringing a result back", result_wait, copying, call))
    totals = {
        key: sum(answer[key] for answer in kernel_run.responses) for key in ("page_faults", "switches", "cpu_seconds")
    }
    calls = len(seconds) * kernel_run.entry.iterations
    kernel_run.entry = replace(
        kernel_run.entry,
        rounds=tuple(round_seconds / kernel_run.entry.iterations for round_seconds in seconds),
        places=tuple(kernel_run.places),
        seen=kernel_run.entry.seen
        | {
            "cores_used": max(kernel_run.entry.seen["cores_used"], totals["cpu_seconds"] / sum(seconds)),
            "page_faults_per_call": totals["page_faults"] / calls,
            "switches_per_round": totals["switches"] / len(seconds),
            "spin_seconds": median(answer["spin_seconds"] for answer in kernel_run.responses),
            "compiled_again": number_or_none(reply, "compiled_again"),
            "pools": reply.get("pools"),
            "threads": number_or_none(reply, "threads"),
            "cores": [int(core) for core in reply.get("cores") or () if isinstance(core, int)],
            "peak_bytes": number_or_none(reply, "peak_bytes"),
        },
    )
