"""How long a run will take, estimated before it makes any data or starts any worker.

The estimate adds up the parts of a run with costs that were measured on two cores of a server of 2024: making data
and references, starting workers, compiling, and in each launch placing the data, checking and timing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from bench.results.samples import Candidate
from bench.runner.calibration import has_untimed_calls, reading_seconds
from bench.runner.plan import Share, plan
from bench.runner.settings import PlannedLaunch, Settings, skip_reason
from bench.workloads.catalog import Workload
from kernels.ceilings.specs import MATMUL, amounts


@dataclass(frozen=True)
class Cost:
    """What one kernel costs, in seconds. The defaults are about right for most kernels."""

    call_y_byte: float = 3e-9
    """Of a call, for each byte of y; with X in memory. With X in a cache all kernels are fast enough to ignore."""
    call_x_byte: float = 1e-10
    """Of a call, for each byte of X."""
    call_x_byte_by_columns: float = 0.0
    """The same where X is stored by columns; 0 where that makes little difference."""
    call_value_byte: float = 5e-10
    """Of a call, for each byte of the values of a network's layers and their derivatives."""
    start: float = 0.25
    """Starting a worker and importing the kernel, two workers at a time."""
    compile_dtype: float = 0.0
    """Compiling for each dtype and order."""
    compile_shape: float = 0.0
    """Compiling for each workload."""


_COSTS = {
    "numba-loops": Cost(4e-9, 1.5e-10, 1e-9, compile_dtype=0.8),
    "numba": Cost(1.6e-10, 4e-11, call_value_byte=3e-11, compile_dtype=2.7),
    "numba-serial": Cost(compile_dtype=2.7),
    "numba-parallel": Cost(compile_dtype=2.7),
    "jax": Cost(compile_shape=0.3),
    "jax-autodiff": Cost(compile_shape=0.3),
    "jax-blocked": Cost(1e-9, 5e-11, compile_shape=0.7),
    "sklearn": Cost(5e-9, start=0.8),
    "torch": Cost(start=1.3),
    "torch-compile": Cost(start=3.5, compile_shape=4.0),
    "onedal": Cost(start=1.0),
}
_LOOP_FACTOR = 0.8
"""Kernels that loop in Python take this part of their nominal time, which is an upper bound."""
_ONE_THREAD_FACTOR = 1.5
"""A call takes so much longer on one thread than on two, on average over the kernels."""
_CEILINGS, _CEILING_CALL, _CEILING_X_BYTE = 5, 0.004, 4e-11
"""The programs that measure ceilings: how many, and seconds of a call, and more for each byte of X."""
_CEILINGS_COMPILE = 6.0
"""Compiling all ceilings, for each dtype, order and number of threads."""
_FLOPS = {4: 2e11, 8: 1e11}
"""Of products of matrices, in a second, by the bytes of a number."""
_PREPARE = 0.05
"""Of one worker, on each workload in each launch, besides calls: its requests and loading compiled code."""
_PLACE_X_BYTE = 4e-10
_FIRST_CALLS, _LATER_CALLS = 12, 5
"""Calls outside the rounds: in the first launch, and in each later one."""
_ROUND_SECONDS, _OVERHEAD_SECONDS = 0.006, 0.005
"""A round of short calls, and what a round takes besides: waking, drawing and placing parameters, copying results."""
_AGAIN = 1.3
"""Rounds that are timed, over those that count: where other processes disturb a sweep, it is timed again."""
_CHECK_EXAMPLE, _CHECK_ELEMENT, _CHECK_VALUE = 5.5e-8, 2e-9, 5e-8
"""Checking one kernel's sampled results in a launch: each example, element of X and value of a network's layer."""


def run_seconds(
    chosen: Mapping[str, Sequence[Candidate]],
    workloads: Mapping[str, Workload],
    settings: Settings,
    launches: Iterable[PlannedLaunch],
) -> float:
    """The whole run. chosen: workload → its candidates."""
    races = sum(
        race_seconds(candidates, workloads[name], settings, threads)
        for name, candidates in chosen.items()
        for threads in settings.threads_of(name)
    )
    data = sum(workloads[name].preparation_seconds for name in chosen)
    starts = sum(
        start_seconds({candidate.spec for name in launch.workloads for candidate in chosen[name]})
        for launch in launches
    )
    types = {name: (str(workloads[name].dtype), workloads[name].order) for name in chosen}
    compiled = {(candidate.spec, *types[name]) for name, candidates in chosen.items() for candidate in candidates}
    compiling = sum(cost(spec).compile_dtype for spec, *_ in compiled)
    if settings.ceilings:
        compiling += _CEILINGS_COMPILE * len(
            {(*types[name], threads) for name in chosen for threads in settings.threads_of(name)}
        )
    return races + data + starts + compiling


def race_seconds(candidates: Sequence[Candidate], workload: Workload, settings: Settings, threads: int) -> float:
    """All launches on one workload, without what `run_seconds` adds for data, starts and compiling for a dtype."""
    racing = [candidate.spec for candidate in candidates if not skip_reason(candidate, workload)]
    launches = settings.most_launches
    calls = [call_seconds(spec, workload, threads) for spec in racing]
    total = sum(cost(spec).compile_shape for spec in racing)
    total += sum(calls) * (_FIRST_CALLS + _LATER_CALLS * (launches - 1))
    if settings.seconds:
        calls.append(min(calls, default=0.0))  # the control
        shares = [Share(_round_seconds(call, workload)) for call in calls]
        if settings.ceilings:
            calls += [_CEILING_CALL + _CEILING_X_BYTE * workload.bytes_of_x] * _CEILINGS
            shares += [Share(_round_seconds(call, workload), is_kernel=False) for call in calls[-_CEILINGS:]]
        by_number = {str(number): share for number, share in enumerate(shares)}
        total += launches * _AGAIN * plan(by_number, settings.seconds_per_launch * len(shares), Random(0)).seconds
        total += launches * len(racing) * _check_seconds(workload)
    return total + launches * len(calls) * (_PREPARE + _PLACE_X_BYTE * workload.bytes_of_x)


def _round_seconds(call: float, workload: Workload) -> float:
    """A round of calls of so many seconds, with all that is untimed in it."""
    is_long = call > _ROUND_SECONDS
    untimed = call if is_long and has_untimed_calls(1, call, reading_seconds(workload.bytes_of_x)) else 0.0
    return max(call, _ROUND_SECONDS) + untimed + _OVERHEAD_SECONDS


def call_seconds(spec: str, workload: Workload, threads: int) -> float:
    """One call, at most about: X is taken to be in memory, even where it fits into a cache."""
    if looping := workload.nominal_seconds(spec):
        return _LOOP_FACTOR * looping
    of_kernel = cost(spec.removesuffix("-compiled"))
    factor = _ONE_THREAD_FACTOR if threads == 1 else 1.0
    bytes_of_y = workload.m * workload.dtype.itemsize
    work = workload.work
    passes = work.ceilings["read"] / amounts(*workload.size)["read"] if work else workload.definition.passes
    by_columns = workload.order == "F" and of_kernel.call_x_byte_by_columns
    x_byte = by_columns or of_kernel.call_x_byte
    seconds = passes * (bytes_of_y * of_kernel.call_y_byte + workload.bytes_of_x * x_byte)
    if work and work.matrices:
        seconds += work.ceilings[MATMUL] / _FLOPS[workload.dtype.itemsize]
        seconds += of_kernel.call_value_byte * workload.definition.held_bytes(workload.size, workload.static)
    return factor * seconds


def _check_seconds(workload: Workload) -> float:
    """Of one kernel in one launch."""
    m, n, _ = workload.size
    values = sum(units for _, units in workload.work.matrices) if workload.work else 0
    return m * (_CHECK_EXAMPLE + n * _CHECK_ELEMENT + values * _CHECK_VALUE)


def start_seconds(specs: Iterable[str]) -> float:
    """Starting one worker for each kernel, for the control and for the ceilings."""
    return sum(cost(spec).start for spec in specs) + (1 + _CEILINGS) * Cost.start


def cost(spec: str) -> Cost:
    """The kernel's cost; the defaults for a kernel of the user's."""
    return _COSTS.get(spec, Cost())
