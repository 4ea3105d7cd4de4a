"""One kernel in a process of its own, for one launch: it does what the race orders, one order at a time.

    load → ( place → compile → call → check... → calibrate → round... → check → release ) for each workload

Timed is exactly `backend.wait(kernel.gradient(X, y, w, b))` on arrays already placed, and no timed call gets
parameters that the kernel has seen. It judges nothing: results go back as they are, and what times and
results mean is decided where the kernel cannot reach.
"""

from __future__ import annotations

import gc
import os
import resource
import socket
from contextlib import suppress
from dataclasses import asdict
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np

from bench.host import procfs
from bench.worker import shared_arrays
from bench.worker.compilation import compile_ahead, compiled
from bench.worker.messages import Line, array
from bench.workloads.parameters import parameters
from kernels import BackendUnavailable, Gradient, Kernel, load
from kernels.registry import told

ROUND_SECONDS = 0.005
"""A round lasts at least this long: 10⁵ times the timer's grain, and more than a scheduler's tick of 4 ms."""
WAKING_SECONDS = 0.002
"""Of untimed calls before each round: what ran in between has cooled the caches. Woken after 10 ms, NumPy at 10000x32
took 772, 385, 255, 221 and 206 µs for its first calls, and 188 for the later ones."""
_SPIN_COUNT = 2000
"""Of an empty Python loop: some 50 µs, to see a core change its speed."""
_PLACING_SECONDS = 0.5
"""A round whose parameters take longer than this to place is long enough: such a kernel computes while it places."""
_PLACINGS = 15
"""Parameters placed before any data is, to know what that costs by itself."""
_TRIALS = 3
"""Of a number of calls, the shortest of which counts: it was too few where a neighbour was busy, down to a half."""
_SETTLING_SECONDS = 0.04
"""Of untimed calls before a round's are counted: ten slices of the scheduler. Two threads that were kept to one core
for another workload share it for some slices more; counted then, a call took 4 ms in place of 40 µs."""
_WATCHED_SECONDS = 0.05
"""For so long a kernel's threads are watched: ten ticks, since the system counts a running thread by ticks."""
_BUSY = 0.02
"""A thread that ran for this share of the time counts as one that computes."""


def serve(descriptor: int) -> None:
    """Do what arrives on this socket until it closes."""
    line = Line(socket.socket(fileno=descriptor))
    worker = Worker()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            message, descriptors = line.receive()
            line.send(_answer(worker, message, descriptors))


def _answer(worker: Worker, message: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
    """What came of an order; whatever the kernel raised is an outcome."""
    order = message.pop("order")
    try:
        if descriptors:
            message["descriptor"] = descriptors[0]
        answer: dict[str, Any] = getattr(worker, order)(**message)
    except BackendUnavailable as unavailable:
        return {"outcome": "unavailable", "reason": str(unavailable)}
    except MemoryError:
        return {"outcome": "out-of-memory", "reason": "it asked for more memory than there is for it"}
    except BaseException as error:  # a kernel may raise anything
        invalid = order == "load" and type(error) is ValueError
        reason = str(error) if invalid else told(error)
        return {"outcome": "raised", "reason": reason, "invalid": invalid}
    return answer


class Worker:
    """The orders are its methods; what they return goes back."""

    def __init__(self) -> None:
        self.kernel: Kernel
        self.shared: dict[str, np.ndarray] = {}
        self.X: Any = None
        self.y: Any = None
        self.probe_X: Any = None
        self.name, self.salt, self.n, self.dtype = "", 0, 0, np.dtype(np.float64)
        self.placing_seconds = 0.0
        self.compiled: int | None = None
        self._drawn, self._w = np.empty(0), [np.empty(0)]

    def load(self, spec: str, data_limit: int | None) -> dict[str, Any]:
        """Import the kernel and start its backend. data_limit: bytes, for kernels on the CPU."""
        start = perf_counter()
        self.kernel = load(spec)
        seconds = perf_counter() - start
        gc.collect()
        gc.freeze()  # what was imported stays, and need not be looked at again
        backend = self.kernel.backend
        if data_limit is not None and backend.device == "cpu":
            _, most = resource.getrlimit(resource.RLIMIT_DATA)
            limit = data_limit if most == resource.RLIM_INFINITY else min(data_limit, most)
            resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
        return {
            "import_seconds": seconds,
            "backend": backend.name,
            "device": backend.device,
            "passes": self.kernel.passes,
            "compiles": compiled(self.kernel.gradient) is not None,
        }

    def place(self, name: str, salt: int, table: dict[str, Any], descriptor: int) -> dict[str, Any]:
        """Take the workload's arrays from shared memory, and put X and y where the kernel computes."""
        try:
            self.shared = shared_arrays.mapped(descriptor, table)
            X, y = (self._own(descriptor, table, name) for name in ("X", "y"))
        finally:
            os.close(descriptor)
        self.name, self.salt, self.n, self.dtype = name, salt, X.shape[1], X.dtype
        placings = [self._placed(0, 1)[1] for _ in range(_PLACINGS)]
        self.placing_seconds = median(placings)
        asarray = self.kernel.backend.asarray
        start = perf_counter()
        self.X, self.y = asarray(X), asarray(y)
        return {"placement_seconds": perf_counter() - start, "huge_pages": procfs.huge_pages(X)}

    def _own(self, descriptor: int, table: dict[str, Any], name: str) -> np.ndarray:
        """The shared array where it lies on huge pages, or will not be read; else a copy of its own."""
        shared = self.shared[name]
        if self.kernel.passes == 0 or (shared.nbytes >= shared_arrays.HUGE_PAGE and procfs.huge_pages(shared)):
            return shared
        return shared_arrays.private(descriptor, table[name])

    def compile(self, draw: int) -> dict[str, Any]:
        """Compile for this workload, where the kernel can be asked to."""
        ((w, b),), _ = self._placed(draw, 1)
        return asdict(compile_ahead(self.kernel.gradient, (self.X, self.y, w, b)))

    def call(self, draw: int) -> dict[str, Any]:
        """The first call, timed."""
        placed, _ = self._placed(draw, 1)
        return {"seconds": self._timed(placed)}

    def check(self, X: str, y: str, w: dict[str, Any], b: dict[str, Any], probe: bool = False) -> dict[str, Any]:
        """One call, and what it returned. X, y: names in the shared memory; `X` is the placed one."""
        asarray = self.kernel.backend.asarray
        if probe:
            if self.probe_X is None:
                self.probe_X = asarray(self.shared[X])
            placed_X, placed_y = self.probe_X, asarray(self.shared[y])
        else:
            self.probe_X = None
            placed_X, placed_y = self.X, self.y
        pair = asarray(array(w)), asarray(array(b)[()])
        result = self.kernel.backend.wait(self.kernel.gradient(placed_X, placed_y, *pair))
        return {"result": brought_back(self.kernel, result, self.n, self.dtype)}

    def calibrate(self, draw: int, iterations: int | None) -> dict[str, Any]:
        """How many calls make a round, if that is not known yet, and how many threads compute in them."""
        self.probe_X = None
        gc.collect()
        gc.freeze()  # compiling leaves much behind: to look at it again took 27 ms of each round with Numba
        gc.disable()  # until the workload is released: nothing is collected while it is timed
        calls, rounds = iterations or 1, 1
        if iterations is None:
            self._wake(draw, _SETTLING_SECONDS)
            elapsed, placing = self._trial(draw, calls)
            while elapsed < ROUND_SECONDS and calls * placing < _PLACING_SECONDS:
                # tenfold at most: a first call is slower than the rest
                calls = ceil(calls * min(10.0, 1.1 * ROUND_SECONDS / elapsed))
                draw += _TRIALS
                elapsed, placing = self._trial(draw, calls)
            rounds = ceil(_WATCHED_SECONDS / elapsed) if calls * placing < _PLACING_SECONDS else 1
        placed, placing = self._placed(draw + _TRIALS, calls * rounds)
        threads, start, cpu = procfs.thread_seconds(), perf_counter(), process_time()
        passes, elapsed = 0, 0.0
        while not passes or (rounds > 1 and elapsed < _WATCHED_SECONDS):
            passes, elapsed = passes + 1, elapsed + self._timed(placed)
        elapsed, cpu = perf_counter() - start, process_time() - cpu
        ran = [after - threads.get(task, 0.0) for task, after in procfs.thread_seconds().items()]
        self.compiled = compiled(self.kernel.gradient)
        return {
            "iterations": calls,
            "call_seconds": elapsed / (calls * rounds * passes),
            "placing_seconds": placing,
            "cores_used": cpu / elapsed,
            "busy_threads": None if iterations else sum(seconds > _BUSY * elapsed for seconds in ran),
        }

    def round(self, draw: int, iterations: int, sampled: int, cores: list[int] | None) -> dict[str, Any]:
        """So many timed calls after a few untimed ones; the result of call number `sampled` goes back."""
        allowed = os.sched_getaffinity(0) if cores else set()
        if cores:
            _keep_to(cores)
        gc.collect()  # it is off meanwhile, and what was imported is left alone
        start = perf_counter()
        for _ in range(_SPIN_COUNT):
            pass
        spin = perf_counter() - start
        warm = self._wake(draw, WAKING_SECONDS)
        placed, placing = self._placed(draw, iterations)  # only now, that nothing of it can be done before
        before, sample, after = placed[:sampled], placed[sampled], placed[1 + sampled :]
        gradient, wait, X, y = self.kernel.gradient, self.kernel.backend.wait, self.X, self.y
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
        self._copied(plain)  # that what follows finds its code in cache
        _, copying = self._copied(plain)
        back, settling = self._copied(result)
        if len(allowed) > 1:  # else it has one core at a time, and stays where it is
            os.sched_setaffinity(0, allowed)
        return {
            "seconds": end - start,
            "result": back,
            "settling_seconds": settling if not after else None,
            "copying_seconds": copying,
            "placing_seconds": placing,
            "spin_seconds": spin,
            "cpu_seconds": cpu,
            "page_faults": used.ru_minflt - usage.ru_minflt,
            "switches": used.ru_nivcsw - usage.ru_nivcsw,
            "mutated": any(not np.array_equal(w, drawn) for w, drawn in zip(self._w, self._drawn, strict=True)),
        }

    def release(self) -> dict[str, Any]:
        """Let go of the workload, and tell what was seen meanwhile."""
        self.X = self.y = self.probe_X = None
        self.shared = {}
        gc.enable()
        gc.collect()
        again = compiled(self.kernel.gradient)
        return {
            "compiled_again": None if again is None or self.compiled is None else again - self.compiled,
            "pools": procfs.pools(),
            "threads": len(procfs.thread_seconds()) or None,
            "cores": sorted(procfs.cores_of_threads()),
            "peak_bytes": procfs.peak_bytes(),
            "placing_alone_seconds": self.placing_seconds,
        }

    def _placed(self, draw: int, count: int, salt: int | None = None) -> tuple[list[tuple[Any, Any]], float]:
        """New parameters for each of so many calls, and the seconds that placing one took."""
        asarray = self.kernel.backend.asarray
        w, b = parameters(self.name, self.n, self.dtype, draw, count, self.salt if salt is None else salt)
        self._drawn, self._w = w, [shared_arrays.aligned(row) for row in w]
        start = perf_counter()
        placed = [(asarray(w), asarray(b)) for w, b in zip(self._w, b, strict=True)]
        return placed, (perf_counter() - start) / count

    def _wake(self, draw: int, seconds: float) -> tuple[Any, Any]:
        """Untimed calls for so long, one at least. Returns the parameters that they had."""
        (warm,), _ = self._placed(draw, 1, salt=0)  # other parameters than the timed ones
        spent = 0.0
        while spent < seconds:
            spent += self._timed([warm])
        return warm

    def _trial(self, draw: int, calls: int) -> tuple[float, float]:
        """Seconds that so many calls take at least, and that placing one takes; a busy neighbour only adds."""
        trials = []
        for trial in range(_TRIALS):
            placed, placing = self._placed(draw + trial, calls)
            trials.append((self._timed(placed), placing))
            if trials[0][0] >= ROUND_SECONDS * _TRIALS:
                break  # a long call needs no second look
        return min(seconds for seconds, _ in trials), min(placing for _, placing in trials)

    def _copied(self, result: Any) -> tuple[list[np.ndarray] | str, float]:
        """A result brought back, and the seconds that it took."""
        start = perf_counter()
        back = brought_back(self.kernel, result, self.n, self.dtype)
        return back, perf_counter() - start

    def _timed(self, placed: list[tuple[Any, Any]]) -> float:
        """Seconds of a call with each of the parameters."""
        gradient, wait, X, y = self.kernel.gradient, self.kernel.backend.wait, self.X, self.y
        start = perf_counter()
        for w, b in placed:
            wait(gradient(X, y, w, b))
        return perf_counter() - start


def brought_back(kernel: Kernel, result: Any, n: int, dtype: np.dtype[Any]) -> list[np.ndarray] | str:
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


def _keep_to(cores: list[int]) -> None:
    """Go to these cores: the thread that calls, and all others where they had one core to share."""
    together = len(os.sched_getaffinity(0)) == 1
    os.sched_setaffinity(0, cores)
    for task in Path("/proc/self/task").glob("*") if together else ():
        with suppress(OSError):
            os.sched_setaffinity(int(task.name), cores)
