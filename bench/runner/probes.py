"""Which probes each kernel is asked in a launch, and which kernels a workload is too large for.

A kernel may say that it is right up to some score only (`Kernel.largest_score`): then it gets smaller probes, and is
not raced where the workload's own scores may be larger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bench.runner.inputs import CheckCase, WorkloadInputs
from bench.runner.kernel_run import KernelRun
from bench.worker.messages import WorkerFailed


def refuse(kernel_runs: Mapping[str, KernelRun], inputs: WorkloadInputs) -> None:
    """Skip the kernels that say they are not right for all scores of the workload."""
    for kernel_run in kernel_runs.values():
        if kernel_run.samples.outcome == "ok" and (reason := inputs.why_not_raced(kernel_run.largest_score)):
            kernel_run.fail(WorkerFailed("skipped", reason))


def probes_of(kernel_run: KernelRun, inputs: WorkloadInputs, again: float, is_later: bool) -> list[CheckCase]:
    """All probes in a kernel's first launch; later one, which `again` chooses, from 0 to 1.

    Which of them are left out is kept in the kernel's samples.
    """
    probes, left_out = inputs.probes_up_to(kernel_run.largest_score)
    if left_out:
        kernel_run.samples = replace(kernel_run.samples, kernel=kernel_run.samples.kernel | {"left_out": left_out})
    if not is_later:
        return probes
    unchanged = [case for case in probes if not case.change]
    return unchanged[int(again * len(unchanged)) :][:1]
