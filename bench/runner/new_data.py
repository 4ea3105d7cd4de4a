"""After the rounds: is a kernel as fast, and as right, on data that it has not seen?

In an operation whose results are the same for all fresh arguments, as those of a fit are for all starts, a kernel
that remembers the workload's result would be right and fast. So it is called on the same data in a mirror (`Mirror`
in kernels/contract.py), which is drawn only now, and the call is timed. The other workers are suspended, as in the
sweeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from statistics import median
from time import perf_counter

from bench.correctness import checks
from bench.runner import clock
from bench.runner.calibration import one_at_a_time
from bench.runner.inputs import WorkloadInputs
from bench.runner.kernel_run import KernelRun, WorkerHandle
from bench.worker.messages import MirroredResponse, Request, parse

_MOST_TRIES = 6
"""Each with another mirror: a kernel has seen none of them. One try is enough, since others may disturb some."""


def check_new_data(
    kernel_runs: Mapping[str, KernelRun],
    workers: Mapping[str, WorkerHandle],
    inputs: WorkloadInputs,
    first_draw: int,
    random: Random,
    on_failure: Callable[[str], None],
) -> None:
    """Time each kernel on new data, until a call takes no longer than on known ones, and judge that call's result.

    Calls `on_failure` with the name of a kernel that fails. Nothing is done for an operation without a mirror.
    """
    if inputs.workload.definition.mirror is None:
        return

    def time(name: str) -> None:
        kernel_run, worker = kernel_runs[name], workers[name]
        call = median(one.response.seconds for one in kernel_run.rounds) / kernel_run.samples.iterations
        for attempt in range(_MOST_TRIES):
            seed, start = random.randrange(1, 2**32), perf_counter()
            request = Request("mirrored", {"draw": first_draw + attempt, "seed": seed})
            response = parse(MirroredResponse, worker.request(request))
            clock.require_possible(response.seconds + response.known_seconds, perf_counter() - start)
            if response.seconds <= checks.allowed_on_new_data(response.known_seconds, call):
                break
        result = kernel_run.form.require(response.result) if kernel_run.form else response.result
        kernel_run.add_check(inputs.judge_mirrored(seed, result))
        kernel_run.add_check(checks.check_new_data(response.seconds, response.known_seconds, call))

    for name in one_at_a_time(time, kernel_runs, workers, on_failure):
        workers[name].resume()
