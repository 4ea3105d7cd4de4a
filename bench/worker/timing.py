"""The loop that measures: draw parameters, warm up, calibrate, time a round.

Timed is exactly `backend.wait(kernel.gradient(X, y, w, b))` on arrays that are already placed, and no timed call gets
parameters that its worker has seen. Separate from worker.py, which answers requests.
"""

from __future__ import annotations

import gc
import os
import resource
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from bench.host import procfs
from bench.worker import shared_arrays
from bench.worker.messages import WARMUP_SECONDS
from bench.workloads.parameters import parameters
from kernels import Gradient, Kernel

ROUND_SECONDS = 0.005
"""A round lasts at least this long: 10⁵ times the timer's grain, and more than a scheduler's tick of 4 ms."""
_SPIN_COUNT = 2000
"""Of an empty Python loop: some 50 µs, to see a core change its speed."""
_PLACING_SECONDS = 0.5
"""A round whose parameters take longer than this to place is long enough: such a kernel computes while it places."""
_TRIALS = 3
"""Of a number of calls, the shortest of which counts: it was too few where a neighbour was busy, down to a half."""
_SETTLING_SECONDS = 0.04
"""Of untimed calls before a round's are counted: ten slices of the scheduler. Two threads that were kept to one core
for another workload share it for some slices more; counted then, a call took 4 ms in place of 40 µs."""
_WATCHED_SECONDS = 0.05
"""For so long a kernel's threads are watched: ten ticks, since the system counts a running thread by ticks."""
_BUSY = 0.02
"""A thread that ran for this share of the time counts as one that computes."""


@dataclass
class PlacedKernel:
    """A kernel and the workload that is placed for it."""

    kernel: Kernel
    workload: str
    launch_seed: int
    n: int
    dtype: np.dtype[Any]
    X: Any = None
    y: Any = None
    drawn: np.ndarray = field(default_factory=lambda: np.empty(0))
    """The weights of the last draw, of which the kernel has no copy."""
    given: list[np.ndarray] = field(default_factory=list)
    """The same weights, as the kernel was given them."""

    def draw_parameters(self, draw: int, count: int, seed: int | None = None) -> tuple[list[tuple[Any, Any]], float]:
        """New parameters for each of so many calls, placed, and the seconds that placing one took."""
        asarray = self.kernel.backend.asarray
        seed = self.launch_seed if seed is None else seed
        w, b = parameters(self.workload, self.n, self.dtype, draw, count, seed)
        self.drawn, self.given = w, [shared_arrays.aligned(row) for row in w]
        start = perf_counter()
        placed = [(asarray(w), asarray(b)) for w, b in zip(self.given, b, strict=True)]
        return placed, (perf_counter() - start) / count

    def time_calls(self, placed: list[tuple[Any, Any]]) -> float:
        """Seconds of a call with each of the parameters."""
        gradient, wait, X, y = self.kernel.gradient, self.kernel.backend.wait, self.X, self.y
        start = perf_counter()
        for w, b in placed:
            wait(gradient(X, y, w, b))
        return perf_counter() - start

    def warm_up(self, draw: int, seconds: float) -> tuple[Any, Any]:
        """Untimed calls for so long, one at least. Returns the parameters that they had."""
        (warm,), _ = self.draw_parameters(draw, 1, seed=0)  # other parameters than the timed ones
        spent = 0.0
        while spent < seconds:
            spent += self.time_calls([warm])
        return warm

    def to_numpy(self, result: Any) -> tuple[list[np.ndarray] | str, float]:
        """A result as NumPy, and the seconds that this took."""
        start = perf_counter()
        back = to_numpy(self.kernel, result, self.n, self.dtype)
        return back, perf_counter() - start


def calibrate(subject: PlacedKernel, draw: int, iterations: int | None) -> dict[str, Any]:
    """How many calls make a round, if that is not known yet, and how many threads compute in them."""
    gc.collect()
    gc.freeze()  # compiling leaves much behind: to look at it again took 27 ms of each round with Numba
    gc.disable()  # until the workload is released: nothing is collected while it is timed
    calls, rounds = iterations or 1, 1
    if iterations is None:
        subject.warm_up(draw, _SETTLING_SECONDS)
        elapsed, placing = _trial(subject, draw, calls)
        while elapsed < ROUND_SECONDS and calls * placing < _PLACING_SECONDS:
            # tenfold at most: a first call is slower than the rest
            calls = ceil(calls * min(10.0, 1.1 * ROUND_SECONDS / elapsed))
            draw += _TRIALS
            elapsed, placing = _trial(subject, draw, calls)
        rounds = ceil(_WATCHED_SECONDS / elapsed) if calls * placing < _PLACING_SECONDS else 1
    placed, placing = subject.draw_parameters(draw + _TRIALS, calls * rounds)
    threads, start, cpu = procfs.thread_seconds(), perf_counter(), process_time()
    passes, elapsed = 0, 0.0
    while not passes or (rounds > 1 and elapsed < _WATCHED_SECONDS):
        passes, elapsed = passes + 1, elapsed + subject.time_calls(placed)
    elapsed, cpu = perf_counter() - start, process_time() - cpu
    ran = [after - threads.get(task, 0.0) for task, after in procfs.thread_seconds().items()]
    return {
        "iterations": calls,
        "call_seconds": elapsed / (calls * rounds * passes),
        "placing_seconds": placing,
        "cores_used": cpu / elapsed,
        "busy_threads": None if iterations else sum(seconds > _BUSY * elapsed for seconds in ran),
    }


def time_round(
    subject: PlacedKernel, draw: int, iterations: int, sampled: int, cores: list[int] | None
) -> dict[str, Any]:
    """So many timed calls after a few untimed ones; the result of call number `sampled` goes back."""
    allowed = os.sched_getaffinity(0) if cores else set()
    if cores:
        pin_threads(cores)
    gc.collect()  # it is off meanwhile, and what was imported is left alone
    start = perf_counter()
    for _ in range(_SPIN_COUNT):
        pass
    spin = perf_counter() - start
    warm = subject.warm_up(draw, WARMUP_SECONDS)
    placed, placing = subject.draw_parameters(draw, iterations)  # only now, that nothing of it can be done before
    before, sample, after = placed[:sampled], placed[sampled], placed[1 + sampled :]
    gradient, wait, X, y = subject.kernel.gradient, subject.kernel.backend.wait, subject.X, subject.y
    usage, cpu = resource.getrusage(resource.RUSAGE_SELF), process_time()
    start = perf_counter()
    for w, b in before:
        wait(gradient(X, y, w, b))
    result = wait(gradient(X, y, *sample))
    for w, b in after:
        wait(gradient(X, y, w, b))
    end = perf_counter()
    cpu, used = process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF)
    plain = _like(result, *warm)
    subject.to_numpy(plain)  # that what follows finds its code in cache
    _, copying = subject.to_numpy(plain)
    back, result_wait = subject.to_numpy(result)
    if len(allowed) > 1:  # else it has one core at a time, and stays where it is
        os.sched_setaffinity(0, allowed)
    return {
        "seconds": end - start,
        "result": back,
        "result_wait_seconds": result_wait if not after else None,
        "copying_seconds": copying,
        "placing_seconds": placing,
        "spin_seconds": spin,
        "cpu_seconds": cpu,
        "page_faults": used.ru_minflt - usage.ru_minflt,
        "switches": used.ru_nivcsw - usage.ru_nivcsw,
        "mutated": any(not np.array_equal(w, drawn) for w, drawn in zip(subject.given, subject.drawn, strict=True)),
    }


def _trial(subject: PlacedKernel, draw: int, calls: int) -> tuple[float, float]:
    """Seconds that so many calls take at least, and that placing one takes; a busy neighbour only adds."""
    trials = []
    for trial in range(_TRIALS):
        placed, placing = subject.draw_parameters(draw + trial, calls)
        trials.append((subject.time_calls(placed), placing))
        if trials[0][0] >= ROUND_SECONDS * _TRIALS:
            break  # a long call needs no second look
    return min(seconds for seconds, _ in trials), min(placing for _, placing in trials)


def to_numpy(kernel: Kernel, result: Any, n: int, dtype: np.dtype[Any]) -> list[np.ndarray] | str:
    """cost, dw and db as NumPy, copied at once, or what is wrong with their form."""
    if not isinstance(result, (tuple, list)) or len(result) != len(Gradient._fields):
        size = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
        return f"it returned a {type(result).__name__}{size}; expected (cost, dw, db)"
    arrays = []
    for name, part, shape in zip(Gradient._fields, result, ((), (n,), ()), strict=True):
        try:
            found = kernel.backend.asnumpy(part, dtype)
        except (TypeError, ValueError) as error:
            return f"{name} is {error}".partition("\n")[0]
        if found.dtype != dtype:
            return f"{name} is {found.dtype}; expected {dtype}"
        if found.shape != shape:
            return f"{name} has shape {found.shape}; expected {shape}"
        arrays.append(np.array(found))  # a copy: what is filled in later does not count
    return arrays


def _like(result: Any, w: Any, b: Any) -> tuple[Any, Any, Any]:
    """What looks like the result and is there already: a Python float takes longer to bring back than NumPy's."""
    three = isinstance(result, (tuple, list)) and len(result) == len(Gradient._fields)
    cost, db = (float(b) if three and type(result[place]) is float else b for place in (0, 2))
    return cost, w, db


def pin_threads(cores: list[int]) -> None:
    """Go to these cores: the thread that calls, and all others where they had one core to share."""
    together = len(os.sched_getaffinity(0)) == 1
    os.sched_setaffinity(0, cores)
    for task in Path("/proc/self/task").glob("*") if together else ():
        with suppress(OSError):
            os.sched_setaffinity(int(task.name), cores)
