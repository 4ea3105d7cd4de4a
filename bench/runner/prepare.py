"""Before the rounds: place the data, compile, check. After them: check again.

These are generators, which yield a request and are sent its response. One thread serves all workers. So two checks
never run at the same time, and Ctrl-C has no thread to wait for.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from statistics import median

from bench.analysis import statistics
from bench.correctness import checks
from bench.correctness.checks import CheckResult
from bench.host import procfs
from bench.runner.inputs import CheckCase, WorkloadInputs
from bench.runner.kernel_run import KernelRun, TimedRound
from bench.runner.plan import FEWEST_ROUNDS
from bench.worker.messages import (
    CallResponse,
    CheckResponse,
    CompileResponse,
    PlaceResponse,
    ReleaseResponse,
    Request,
    Response,
    RoundResponse,
    parse,
)
from bench.workloads.parameters import COMPILE_DRAW, FIRST_DRAW
from kernels.backends import NUMPY

_LONG_CALL_SECONDS = 2e-4
"""A conversion is interrupted for a quarter of so long a call in one round of hundreds: not in several of a launch,
nor in just those that decide the kernel's time. That of a shorter call's result may be."""
_VERY_LONG_CALL_SECONDS = 0.1
"""No interruption takes a quarter of so long a call, also where a kernel has few rounds (bench/runner/plan.py)."""
_INTERRUPTED_SHARE, _BUSY_INTERRUPTED_SHARE = 1 / 6, 1 / 4
"""Of the rounds: two of twelve where others are quiet, three where they are busy. Beside two busy processes on two
cores one reading in twenty of NumPy's results was interrupted. By chance that is three of twelve in one launch of 50,
four in one of 450."""


def prepare(
    kernel_run: KernelRun, inputs: WorkloadInputs, probes: Sequence[CheckCase], timed: bool
) -> Generator[Request, Response, None]:
    """Place the data, compile, call once and check, on these probes as well. Raises WorkerFailed."""
    placed = parse(PlaceResponse, (yield inputs.place_request(kernel_run.is_kernel)))
    compiled = parse(CompileResponse, (yield Request("compile", {"draw": COMPILE_DRAW})))
    first_call = parse(CallResponse, (yield Request("call", {"draw": FIRST_DRAW})))
    cold = kernel_run.samples.cold | {
        "placement_seconds": placed.placement_seconds,
        "build_seconds": compiled.build_seconds,
        "lower_seconds": compiled.lower_seconds,
        "compile_seconds": compiled.compile_seconds,
        "from_cache": compiled.from_cache,
        "first_call_seconds": first_call.seconds,
    }
    kernel = kernel_run.samples.kernel | {"compiles": compiled.compiles}
    kernel_run.samples = replace(kernel_run.samples, kernel=kernel, cold=cold)
    if kernel_run.is_kernel:
        for case in (inputs.data, *probes):
            if case.change and kernel["backend"] != NUMPY.name:
                continue
            kernel_run.add_check((yield from _checked(case, inputs)))
    kernel_run.samples = replace(kernel_run.samples, counters={"huge_pages": placed.huge_pages})
    if kernel_run.is_kernel and not timed:
        kernel_run.add_check((yield from _checked(inputs.unseen, inputs)))


def _checked(case: CheckCase, inputs: WorkloadInputs) -> Generator[Request, Response, CheckResult]:
    """The result of one check. Raises WorkerFailed."""
    response = parse(CheckResponse, (yield case.request()))
    return case.judge(inputs.form.require(response.result))


def _reading(responses: Sequence[RoundResponse], iterations: int, quiet: bool) -> tuple[float, float, float]:
    """What reading a result took, what reading a complete one took, and a call, from the rounds that count.

    Both are of one round, since a core that is slow is so for both: the middle round by how late its result was; of
    two the earlier, since one may be interrupted. Of long calls it is also the middle one of the rounds that decide
    the kernel's time, and the one that all rounds but the share that may be interrupted do not exceed: whichever is
    latest.

    quiet: whether others were, during these rounds
    """
    responses = sorted(responses, key=lambda one: one.seconds)
    seconds = [one.seconds for one in responses]
    call = statistics.lower_decile(seconds) / iterations

    def lateness(one: RoundResponse) -> float:
        return one.result_wait_seconds - checks.allowed_reading(one.copying_seconds, call)

    by_lateness = sorted(responses, key=lateness)
    chosen = [by_lateness[(len(responses) - 1) // 2]]
    interrupted = _INTERRUPTED_SHARE if quiet else _BUSY_INTERRUPTED_SHARE
    middle = median(seconds) / iterations  # not the fastest: a kernel that is late seems to make short calls
    if middle >= (_LONG_CALL_SECONDS if len(responses) >= FEWEST_ROUNDS else _VERY_LONG_CALL_SECONDS):
        deciding = sorted(responses[: statistics.rounds_that_decide(len(responses))], key=lateness)
        chosen += [deciding[(len(deciding) - 1) // 2], by_lateness[-1 - int(interrupted * len(responses))]]
    latest = max(chosen, key=lateness)
    return latest.result_wait_seconds, latest.copying_seconds, call


def verify_and_release(
    kernel_run: KernelRun, inputs: WorkloadInputs, checked_rounds: Sequence[TimedRound]
) -> Generator[Request, Response, None]:
    """Check the results of some rounds and with unseen arguments, then release the data. Raises WorkerFailed."""
    responses = [one.response for one in kernel_run.rounds]
    counted = [one for one in kernel_run.rounds if not one.disturbed]
    if kernel_run.is_kernel:
        for one in checked_rounds:
            case = inputs.timed(one.draw, one.seed, one.sampled_call)
            kernel_run.add_check(case.judge(one.response.result))
        kernel_run.add_check((yield from _checked(inputs.unseen, inputs)))
    released = parse(ReleaseResponse, (yield Request("release", {})))
    if not responses:
        return
    seconds = [response.seconds for response in responses]
    iterations = kernel_run.samples.iterations
    reading = _reading([one.response for one in counted], iterations, quiet=not kernel_run.counts_all)
    kernel_run.add_check(checks.check_at_once(*reading))
    if kernel_run.watched:  # after at-once: work that goes on when the call returns delays the worker's answer, too
        kernel_run.add_check(checks.check_clock(kernel_run.watched))
    lag = 0.0 if kernel_run.single_threaded or kernel_run.threads == 1 else procfs.TICK_SECONDS
    cores_used = sum(max(0.0, response.cpu_seconds - lag) for response in responses) / sum(seconds)
    if kernel_run.threads:
        used = cores_used, kernel_run.cpu_seconds, kernel_run.awake_seconds
        kernel_run.add_check(checks.check_threads(kernel_run.threads, *used))
    calls = len(seconds) * iterations
    disturbed = [one for one in kernel_run.rounds if one.disturbed]
    kernel_run.samples = replace(
        kernel_run.samples,
        rounds=tuple(one.response.seconds / iterations for one in counted),
        sweeps=tuple(one.sweep for one in counted),
        positions=tuple(one.position for one in counted),
        disturbed_rounds=tuple(one.response.seconds / iterations for one in disturbed),
        disturbed_sweeps=tuple(one.sweep for one in disturbed),
        counters=kernel_run.samples.counters
        | {
            "cores_used": max(kernel_run.samples.counters["cores_used"], cores_used),
            "page_faults_per_call": sum(response.page_faults for response in responses) / calls,
            "switches_per_round": sum(response.switches for response in responses) / len(responses),
            "spin_seconds": median(one.spin_seconds for one in kernel_run.rounds),
            "compiled_again": released.compiled_again,
            "pools": released.pools,
            "threads": released.threads,
            "cores": released.cores,
            "peak_bytes": released.peak_bytes,
            "placed_bytes": released.placed_bytes,
            "call_bytes": released.call_bytes,
        },
    )
