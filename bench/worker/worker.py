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
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bench.host import procfs
from bench.worker import shared_arrays, timing
from bench.worker.compilation import compile_ahead, compiled
from bench.worker.messages import Connection, array
from bench.worker.timing import PlacedKernel
from kernels import BackendUnavailable, Kernel, load
from kernels.registry import error_line

_PLACINGS = 15
"""Parameters placed before any data is, to know what that costs by itself."""


def serve(descriptor: int) -> None:
    """Do what arrives on this socket until it closes."""
    line = Connection(socket.socket(fileno=descriptor))
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
        reason = str(error) if invalid else error_line(error)
        return {"outcome": "raised", "reason": reason, "invalid": invalid}
    return answer


class Worker:
    """The orders are its methods; what they return goes back."""

    def __init__(self) -> None:
        self.kernel: Kernel
        self.shared: dict[str, np.ndarray] = {}
        self.subject: PlacedKernel
        self.probe_X: Any = None
        self.placing_seconds = 0.0
        self.compiled: int | None = None

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

    def place(self, name: str, launch_seed: int, table: dict[str, Any], descriptor: int) -> dict[str, Any]:
        """Take the workload's arrays from shared memory, and put X and y where the kernel computes."""
        try:
            self.shared = shared_arrays.map_arrays(descriptor, table)
            X, y = (self._own(descriptor, table, name) for name in ("X", "y"))
        finally:
            os.close(descriptor)
        self.subject = subject = PlacedKernel(self.kernel, name, launch_seed, X.shape[1], X.dtype)
        placings = [subject.draw_parameters(0, 1)[1] for _ in range(_PLACINGS)]
        self.placing_seconds = median(placings)
        asarray = self.kernel.backend.asarray
        start = perf_counter()
        subject.X, subject.y = asarray(X), asarray(y)
        return {"placement_seconds": perf_counter() - start, "huge_pages": procfs.huge_pages(X)}

    def _own(self, descriptor: int, table: dict[str, Any], name: str) -> np.ndarray:
        """The shared array where it lies on huge pages, or will not be read; else a copy of its own."""
        shared = self.shared[name]
        if self.kernel.passes == 0 or (shared.nbytes >= shared_arrays.HUGE_PAGE and procfs.huge_pages(shared)):
            return shared
        return shared_arrays.local_copy(descriptor, table[name])

    def compile(self, draw: int) -> dict[str, Any]:
        """Compile for this workload, where the kernel can be asked to."""
        ((w, b),), _ = self.subject.draw_parameters(draw, 1)
        return asdict(compile_ahead(self.kernel.gradient, (self.subject.X, self.subject.y, w, b)))

    def call(self, draw: int) -> dict[str, Any]:
        """The first call, timed."""
        placed, _ = self.subject.draw_parameters(draw, 1)
        return {"seconds": self.subject.time_calls(placed)}

    def check(self, X: str, y: str, w: dict[str, Any], b: dict[str, Any], probe: bool = False) -> dict[str, Any]:
        """One call, and what it returned. X, y: names in the shared memory; `X` is the placed one."""
        asarray = self.kernel.backend.asarray
        if probe:
            if self.probe_X is None:
                self.probe_X = asarray(self.shared[X])
            placed_X, placed_y = self.probe_X, asarray(self.shared[y])
        else:
            self.probe_X = None
            placed_X, placed_y = self.subject.X, self.subject.y
        pair = asarray(array(w)), asarray(array(b)[()])
        result = self.kernel.backend.wait(self.kernel.gradient(placed_X, placed_y, *pair))
        return {"result": self.subject.to_numpy(result)[0]}

    def calibrate(self, draw: int, iterations: int | None) -> dict[str, Any]:
        """How many calls make a round, if that is not known yet, and how many threads compute in them."""
        self.probe_X = None
        found = timing.calibrate(self.subject, draw, iterations)
        self.compiled = compiled(self.kernel.gradient)
        return found

    def round(self, draw: int, iterations: int, sampled: int, cores: list[int] | None) -> dict[str, Any]:
        """One timed round; the result of call number `sampled` goes back."""
        return timing.time_round(self.subject, draw, iterations, sampled, cores)

    def release(self) -> dict[str, Any]:
        """Let go of the workload, and tell what was seen meanwhile."""
        self.subject.X = self.subject.y = self.probe_X = None
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
