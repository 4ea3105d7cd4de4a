"""Race kernels from your own program.

from bench.race import race

result = race(["numpy", "jax", "mine.py:gradient"], "1000000x32-f32")
result.ratio("jax", over="numpy")    # Ratio(estimate=1.05, low=1.03, high=1.08, verdict="faster", ...)
result.records                       # one for each kernel, as in a results file
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.analysis.race import Race
from bench.results.samples import Candidate
from bench.runner import numbers, selection
from bench.runner.session import Session
from bench.runner.settings import SECONDS, TIMEOUT_SECONDS, Settings
from bench.workloads import catalog
from bench.workloads.catalog import Workload
from kernels import registry


def race(
    kernels: Sequence[str | Candidate],
    workload: str | Workload,
    launches: int | None = None,
    seconds: float = SECONDS,
    threads: int | None = None,
    timeout: float = TIMEOUT_SECONDS,
    ceilings: bool = False,
) -> Race:
    """Check and time kernels side by side on one workload. No baseline is added.

    kernels: specs as for `kernels.load`, or Candidates, whose labels allow a kernel to race against itself
    workload: a name as on the command line, such as 10000x32-f32 or descend:lecture, or a Workload
    launches: how often the workers are started; None: at least 5, until every ratio over the workload's baseline
        is known to ±2% or the seconds are used up
    seconds: about how long each kernel is timed, all launches together; 0: check correctness only
    threads: for every kernel; None: all usable cores
    timeout: seconds that a kernel may take for one step
    ceilings: whether the machine's ceilings are measured as well

    A kernel that fails has its outcome in its record. Raises ValueError, in one line, for a number that makes no
    sense, for an unknown workload or kernel, for a workload that does not fit into memory, for a kernel with a name
    that does not compute the workload's operation, and DatasetUnavailable.
    """
    if isinstance(kernels, str) or not kernels:
        raise ValueError(f"kernels is {kernels!r:.60}; expected a list with at least one name")
    numbers.SECONDS.require("seconds", seconds)
    numbers.TIMEOUT.require("timeout", timeout)
    if launches is not None:
        numbers.LAUNCHES.require("launches", launches)
    if threads is not None:
        numbers.threads().require("threads", threads)
    candidates = [
        replace(kernel, requested=True) if isinstance(kernel, Candidate) else Candidate(kernel, requested=True)
        for kernel in kernels
    ]
    chosen = catalog.named(workload) if isinstance(workload, str) else workload
    chosen.require()
    catalog.require_memory(chosen, len(candidates))
    selection.require_names(candidates)
    for candidate in candidates:
        if candidate.spec in registry.all_names():  # what a user's own kernel computes, its worker finds
            selection.require_operation(candidate, [chosen.definition.name])
    thread_counts = () if threads is None else (threads,)
    session = Session(candidates, [chosen], Settings(seconds, launches, thread_counts, timeout, ceilings))
    session.choose([(chosen.name, candidate.name) for candidate in candidates], baselines=False)
    session.run()
    return session.races[0]
