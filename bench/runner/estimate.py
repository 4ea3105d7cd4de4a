"""How long a run will take, before anything is made or started.

A sum of what was measured on two cores of 2024, part by part: making the data and its references, starting workers,
compiling, then for each launch placing, checking and timing. Apart from the plan because these are one machine's
numbers, and the plan is the same on all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.results.samples import Candidate
from bench.runner.settings import FEWEST_ROUNDS, Settings, Together, skip_reason
from bench.workloads.catalog import Workload, nominal_seconds, preparation_seconds

_CALLS = {
    "numpy": (2.8e-9, 9e-11),
    "numpy-blocked": (3e-9, 8e-11),
    "numba-loops": (4e-9, 1e-10),
    "numba": (1.6e-10, 4e-11),
    "jax": (3e-9, 1e-10),
    "jax-autodiff": (3e-9, 1e-10),
    "jax-blocked": (1e-9, 9e-11),
    "sklearn": (4e-9, 1.1e-10),
    "torch": (3e-9, 1e-10),
    "torch-compile": (2e-9, 1e-10),
}
"""Seconds of a call, for each byte of y and for each of X, where X lies in memory; in a cache all are fast enough."""
_UNKNOWN_CALL = (3e-9, 1e-10)
_LOOPING = 0.8
"""Of the nominal time of the kernels that loop in Python, which is on the safe side."""
_ONE_THREAD = 1.5
"""How much longer a call takes on one thread than on two, over all kernels."""
_CEILINGS, _CEILING_CALL, _CEILING_BYTE = 4, 0.004, 4e-11
"""How many race, what a call of one takes, and for each byte of X where they are more than it repeats itself for."""
_STARTS = {"sklearn": 0.8, "torch": 1.3, "torch-compile": 3.5}
_START = 0.25
"""Of one worker among several: its process and imports, two at a time."""
_COMPILING = {"numba-loops": 0.8, "numba": 7.0, "numba-serial": 6.0, "numba-parallel": 7.0}
_COMPILING_CEILINGS = 6.0
_COMPILING_SHAPES = {"jax": 0.3, "jax-autodiff": 0.3, "jax-blocked": 0.7, "torch-compile": 4.0}
"""With nothing kept: Numba's once for each dtype and order (the ceilings, together, for each number of threads),
the others for each shape."""
_ADMISSION = 0.05
"""Of one worker on a workload in each launch, beside calls: its orders, loading what is compiled, counting calls."""
_PLACED_BYTES_PER_SECOND = 2.5e9
_FIRST_CALLS, _LATER_CALLS = 12, 5  # of a kernel in the first launch and in each later one, beside the rounds
_WAKING = 2.0  # a round is the calls that are timed, and as many untimed where one takes long
_AROUND_SHORT, _AROUND_LONG = 1.25, 1.1  # stopping, going on, placing parameters and bringing results back
_CHECKED_ROW, _CHECKED_ELEMENT = 2.5e-7, 2e-8  # references of the results that are sampled in a launch


def run_seconds(
    plan: Mapping[str, Sequence[Candidate]],
    workloads: Mapping[str, Workload],
    settings: Settings,
    launches: Iterable[Together],
) -> float:
    """How long it all takes. plan: the entrants of each workload."""
    races = sum(
        race_seconds(candidates, workloads[name], settings, threads)
        for name, candidates in plan.items()
        for threads in settings.threads_of(name)
    )
    made = sum(preparation_seconds(workloads[name]) for name in plan)
    starts = sum(
        start_seconds({candidate.spec for name in one.workloads for candidate in plan[name]}) for one in launches
    )
    kinds = {name: (str(workloads[name].dtype), workloads[name].order) for name in plan}
    compiled = {(candidate.spec, *kinds[name]) for name, candidates in plan.items() for candidate in candidates}
    ceilings = {(*kinds[name], threads) for name in plan for threads in settings.threads_of(name)}
    compiling = sum(_COMPILING.get(spec, 0.0) for spec, *_ in compiled)
    return races + made + starts + compiling + _COMPILING_CEILINGS * len(ceilings) * settings.ceilings


def race_seconds(candidates: Sequence[Candidate], workload: Workload, settings: Settings, threads: int) -> float:
    """All launches on one workload, once its data is there and what depends on its dtype alone is compiled."""
    racing = [candidate.spec for candidate in candidates if not skip_reason(candidate, workload)]
    launches, timed = settings.most_launches, bool(settings.seconds)
    calls = [call_seconds(spec, workload, threads) for spec in racing]
    admitted = sum(calls) * (_FIRST_CALLS + _LATER_CALLS * (launches - 1))
    kernel_runs = len(calls)
    if timed:
        calls.append(min(calls, default=0.0))  # the control
        if settings.ceilings:
            calls += [_CEILING_CALL + _CEILING_BYTE * workload.bytes_of_x] * _CEILINGS
        kernel_runs = len(calls)
        short = _AROUND_SHORT * settings.block_seconds * kernel_runs
        admitted += launches * max(short, _AROUND_LONG * FEWEST_ROUNDS * _WAKING * sum(calls))
    each = _ADMISSION + workload.bytes_of_x / _PLACED_BYTES_PER_SECOND
    checked = workload.m * (_CHECKED_ROW + workload.n * _CHECKED_ELEMENT) * timed
    compiled = sum(_COMPILING_SHAPES.get(spec, 0.0) for spec in racing)
    return admitted + launches * (kernel_runs * each + checked) + compiled


def call_seconds(spec: str, workload: Workload, threads: int) -> float:
    """Of one call, at most about: what is in a cache is not told from what is in memory."""
    if looping := nominal_seconds(spec, workload):
        return _LOOPING * looping
    of_y, of_x = _CALLS.get(spec, _UNKNOWN_CALL)
    slower = _ONE_THREAD if threads == 1 else 1.0
    return slower * (workload.m * workload.dtype.itemsize * of_y + workload.bytes_of_x * of_x)


def start_seconds(specs: Iterable[str]) -> float:
    """Starting a worker for each of the kernels, for the control and the ceilings."""
    return sum(_STARTS.get(spec, _START) for spec in specs) + (1 + _CEILINGS) * _START
