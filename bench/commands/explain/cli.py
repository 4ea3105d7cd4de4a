"""python -m bench explain: the gate and a few rounds in a worker, a look inside in another, and the words."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bench.commands.explain.findings import Findings, gathered
from bench.host import resources
from bench.race import race
from bench.runner.selection import choose_kernels, choose_workloads
from bench.runner.settings import TIMEOUT_SECONDS
from bench.worker import environment
from bench.worker.messages import Ended, Order
from bench.worker.process import Limits, Process
from bench.workloads.catalog import Workload

_SECONDS = 0.2
"""Of rounds: for orientation."""


def explain(kernel: str, workload: str) -> Findings:
    """What is found of the kernel on the workload, both as on the command line.

    Raises ValueError for unknown and for several names, and Ended where the kernel does not pass the gate, is
    unavailable, or fails when it is looked at; DatasetUnavailable.
    """
    (entrant, *more) = choose_kernels(kernel)
    if more:
        raise ValueError(f"explain takes one kernel; {kernel!r} names {1 + len(more)}")
    (chosen, *others) = choose_workloads(workload)
    if others:
        raise ValueError(f"explain takes one workload; {workload!r} names {1 + len(others)}")
    raced = race([entrant], chosen, launches=1, seconds=_SECONDS)
    (record,), (block,) = raced.records, raced.blocks
    if record.outcome != "ok":
        raise Ended(record.outcome, record.reason)
    return gathered(record, block.noise, _look(entrant.spec, chosen))


def _look(spec: str, workload: Workload) -> dict[str, Any]:
    """What is seen from inside of a process of its own, which compiles anew. Raises Ended."""
    with tempfile.TemporaryDirectory(prefix="logitbench-") as cache:
        variables = environment.of_worker(resources.usable_cores(), Path(cache))
        limits = Limits(TIMEOUT_SECONDS, resources.available_bytes())
        process = Process(variables, None, limits, service="bench.commands.explain.inspect_kernel")
        try:
            return process.ask(Order("look", {"spec": spec, "workload": workload.name}))
        finally:
            process.kill()
