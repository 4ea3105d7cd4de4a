"""python -m bench explain: the gate and a few rounds in a worker, a look inside in another, and the words."""

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
    """Of the command."""
    parser.add_argument("kernel", metavar="KERNEL", help="as for check")
    parser.add_argument(
        "--workload", metavar="W", default="10000x32-f64", help="a name or MxN (default: %(default)s)"
    )


def explain(chosen: argparse.Namespace) -> int:
    """Why a kernel is as fast as it is."""
    from rich.console import Console

    from bench.commands.explain.text import show
    from bench.worker.messages import WorkerFailed
    from kernels.registry import identify

    try:
        found = findings_of(chosen.kernel, chosen.workload)
    except WorkerFailed as ended:
        print(f"{identify(chosen.kernel)} on {chosen.workload}: {ended.outcome}: {ended.reason}")
        return FAILED
    show(Console(highlight=False), found)
    return OK


def findings_of(kernel: str, workload: str) -> Findings:
    """What is found of the kernel on the workload, both as on the command line.

    Raises ValueError for unknown and for several names, and Ended where the kernel does not pass the gate, is
    unavailable, or fails when it is looked at; DatasetUnavailable.
    """
    from bench.commands.explain.findings import gathered
    from bench.race import race
    from bench.runner.selection import choose_kernels, choose_workloads
    from bench.worker.messages import WorkerFailed

    (candidate, *more) = choose_kernels(kernel)
    if more:
        raise ValueError(f"explain takes one kernel; {kernel!r} names {1 + len(more)}")
    (chosen, *others) = choose_workloads(workload)
    if others:
        raise ValueError(f"explain takes one workload; {workload!r} names {1 + len(others)}")
    raced = race([candidate], chosen, launches=1, seconds=_SECONDS)
    (record,), (block,) = raced.records, raced.blocks
    if record.outcome != "ok":
        raise WorkerFailed(record.outcome, record.reason)
    return gathered(record, block.noise, _look(candidate.spec, chosen))


def _look(spec: str, workload: Workload) -> dict[str, Any]:
    """What is seen from inside of a process of its own, which compiles anew. Raises Ended."""
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
            return process.request(Request("look", {"spec": spec, "workload": workload.name}))
        finally:
            process.kill()
