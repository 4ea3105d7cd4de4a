"""`python -m bench explain`: check and time a kernel in one worker, inspect it in another, print the findings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.exit_codes import FAILED, OK

if TYPE_CHECKING:
    from bench.commands.explain.findings import Findings
    from bench.workloads.catalog import Workload

_SECONDS = 0.2
"""Of rounds: for orientation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("kernel", metavar="KERNEL", help="as for check")
    parser.add_argument(
        "--workload",
        metavar="W",
        default="10000x32-f64",
        help="a name or MxN, such as lecture or descend:lecture (default: %(default)s)",
    )


def explain(chosen: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from rich.console import Console

    from bench.commands.explain.text import show
    from bench.worker.messages import WorkerFailed
    from kernels.registry import identify

    try:
        findings = findings_of(chosen.kernel, chosen.workload)
    except WorkerFailed as failure:
        print(f"{identify(chosen.kernel)} on {chosen.workload}: {failure.outcome}: {failure.reason}")
        return FAILED
    show(Console(highlight=False), findings)
    return OK


def findings_of(kernel: str, workload: str) -> Findings:
    """What is known about the kernel on the workload, both named as on the command line.

    Raises ValueError for an unknown name and for several; WorkerFailed if the kernel does not pass its checks, is
    unavailable, or fails while it is inspected; DatasetUnavailable.
    """
    from bench.commands.explain.findings import combine
    from bench.race import race
    from bench.runner.selection import choose_kernels, choose_workloads
    from bench.worker.messages import WorkerFailed

    (chosen, *more) = choose_workloads(workload)
    if more:
        raise ValueError(f"explain takes one workload; {workload!r} names {1 + len(more)}")
    (candidate, *others) = choose_kernels(kernel, operations=[chosen.definition.name])
    if others:
        raise ValueError(f"explain takes one kernel; {kernel!r} names {1 + len(others)}")
    raced = race([candidate], chosen, launches=1, seconds=_SECONDS)
    (record,), (launch_result,) = raced.records, raced.launch_results
    if record.outcome != "ok":
        raise WorkerFailed(record.outcome, record.reason)
    return combine(record, candidate.spec, launch_result.noise, _inspect(candidate.spec, chosen))


def _inspect(spec: str, workload: Workload) -> dict[str, Any]:
    """Inspect the kernel in a process of its own, which compiles it anew. Raises WorkerFailed."""
    import tempfile

    from bench.host import resources
    from bench.runner.settings import TIMEOUT_SECONDS
    from bench.worker import environment
    from bench.worker.messages import Request
    from bench.worker.process import Limits, WorkerProcess

    with tempfile.TemporaryDirectory(prefix="logitbench-") as cache:
        variables = environment.of_worker(resources.usable_cores(), Path(cache))
        limits = Limits(TIMEOUT_SECONDS, resources.available_bytes())
        process = WorkerProcess(variables, None, limits, service="bench.commands.explain.inspect_kernel")
        try:
            return process.request(Request("inspect", {"spec": spec, "workload": workload.name}))
        finally:
            process.kill()
