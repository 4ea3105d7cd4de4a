"""One kernel in its own process, for one launch. It answers the requests of the race, one at a time.

    load → ( place → compile → call → check... → calibrate → round... → check → release ) for each workload

The worker judges nothing: it sends times and results as they are, and the race, which the kernel cannot reach, checks
them.
"""

from __future__ import annotations

import gc
import os
import resource
import socket
from contextlib import suppress
from math import isfinite
from numbers import Integral, Real
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bench.host import procfs
from bench.worker import shared_arrays, timing
from bench.worker.compilation import compile_ahead, version_count
from bench.worker.frames import Connection, array
from bench.worker.messages import (
    CalibrateResponse,
    CallResponse,
    CheckResponse,
    CompileResponse,
    LoadResponse,
    PlaceResponse,
    ReleaseResponse,
    RoundResponse,
)
from bench.worker.timing import PlacedKernel
from kernels import BackendUnavailable, Kernel, load
from kernels.registry import error_line

_PLACINGS = 15
"""How often parameters are placed before there is data to compute with, to measure what placing alone costs."""


def serve(descriptor: int) -> None:
    """Answer requests on this socket until it closes."""
    connection = Connection(socket.socket(fileno=descriptor))
    worker = Worker()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            message, descriptors = connection.receive()
            connection.send(_answer(worker, message, descriptors))


def _answer(worker: Worker, message: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
    """The response to a request; whatever the kernel raises becomes an outcome."""
    request = message.pop("request")
    try:
        if descriptors:
            message["descriptor"] = descriptors[0]
        # `request` is a method of Worker: load, place, compile, call, check, calibrate, round, release
        response: object = getattr(worker, request)(**message)
        return vars(response)
    except BackendUnavailable as unavailable:
        return {"outcome": "unavailable", "reason": str(unavailable)}
    except MemoryError:
        return {"outcome": "out-of-memory", "reason": "it asked for more memory than is available to it"}
    except BaseException as error:  # a kernel may raise anything
        bad_spec = request == "load" and type(error) is ValueError
        reason = str(error) if bad_spec else error_line(error)
        return {"outcome": "raised", "reason": reason, "bad_spec": bad_spec}


def _finite_or_none(value: object) -> int | float | None:
    """A Python number, also for NumPy's; None for anything else, since how often X is read is only information."""
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) and isfinite(value) else None


class Worker:
    """Each request is a method, which returns the response."""

    def __init__(self) -> None:
        self.kernel: Kernel
        self.shared: dict[str, np.ndarray] = {}
        self.placed_kernel: PlacedKernel
        self.probe_X: Any = None
        self.placing_seconds = 0.0
        self.version_count: int | None = None

    def load(self, spec: str, data_limit: int | None) -> LoadResponse:
        """Import the kernel and start its backend. data_limit: in bytes, for kernels on the CPU."""
        start = perf_counter()
        self.kernel = load(spec)
        seconds = perf_counter() - start
        gc.collect()
        gc.freeze()  # imported objects stay; collecting them again would only take time
        backend = self.kernel.backend
        if data_limit is not None and backend.device == "cpu":
            _, hard_limit = resource.getrlimit(resource.RLIMIT_DATA)
            limit = data_limit if hard_limit == resource.RLIM_INFINITY else min(data_limit, hard_limit)
            resource.setrlimit(resource.RLIMIT_DATA, (limit, hard_limit))
        return LoadResponse(
            import_seconds=seconds,
            backend=backend.name,
            device=backend.device,
            passes=_finite_or_none(self.kernel.passes),
            compiles=version_count(self.kernel.gradient) is not None,
        )

    def place(self, name: str, launch_seed: int, table: dict[str, Any], descriptor: int) -> PlaceResponse:
        """Map the workload's arrays from shared memory, and place X and y where the kernel computes."""
        try:
            self.shared = shared_arrays.map_arrays(descriptor, table)
            X, y = (self._shared_or_copy(descriptor, table, name) for name in ("X", "y"))
        finally:
            os.close(descriptor)
        self.placed_kernel = PlacedKernel(self.kernel, name, launch_seed, X.shape[1], X.dtype)
        self.placing_seconds = median(self.placed_kernel.draw_parameters(0, 1)[1] for _ in range(_PLACINGS))
        asarray = self.kernel.backend.asarray
        start = perf_counter()
        self.placed_kernel.X, self.placed_kernel.y = asarray(X), asarray(y)
        return PlaceResponse(placement_seconds=perf_counter() - start, huge_pages=procfs.huge_pages(X))

    def _shared_or_copy(self, descriptor: int, table: dict[str, Any], name: str) -> np.ndarray:
        """The shared array if it lies on huge pages or the kernel never reads it; else a private copy."""
        shared = self.shared[name]
        if self.kernel.passes == 0 or (shared.nbytes >= shared_arrays.HUGE_PAGE and procfs.huge_pages(shared)):
            return shared
        return shared_arrays.local_copy(descriptor, table[name])

    def compile(self, draw: int) -> CompileResponse:
        """Compile for this workload, where that can be done before a call."""
        ((w, b),), _ = self.placed_kernel.draw_parameters(draw, 1)
        return compile_ahead(self.kernel.gradient, (self.placed_kernel.X, self.placed_kernel.y, w, b))

    def call(self, draw: int) -> CallResponse:
        """Time the first call."""
        pairs, _ = self.placed_kernel.draw_parameters(draw, 1)
        return CallResponse(self.placed_kernel.time_calls(pairs))

    def check(self, X: str, y: str, w: dict[str, Any], b: dict[str, Any], probe: bool = False) -> CheckResponse:
        """One call and its result. X, y: names of shared arrays, used for probes; else the placed X and y."""
        asarray = self.kernel.backend.asarray
        if probe:
            if self.probe_X is None:
                self.probe_X = asarray(self.shared[X])
            placed_X, placed_y = self.probe_X, asarray(self.shared[y])
        else:
            self.probe_X = None
            placed_X, placed_y = self.placed_kernel.X, self.placed_kernel.y
        pair = asarray(array(w)), asarray(array(b)[()])
        result = self.kernel.backend.wait(self.kernel.gradient(placed_X, placed_y, *pair))
        return CheckResponse(self.placed_kernel.to_numpy(result)[0])

    def calibrate(self, draw: int, iterations: int | None) -> CalibrateResponse:
        """Choose the number of calls in a round, unless it is given, and count the threads that compute in them."""
        self.probe_X = None
        response = timing.calibrate(self.placed_kernel, draw, iterations)
        self.version_count = version_count(self.kernel.gradient)
        return response

    def round(self, draw: int, iterations: int, sampled_call: int, cores: list[int] | None) -> RoundResponse:
        """Time one round, and return the result of call number `sampled_call`."""
        return timing.time_round(self.placed_kernel, draw, iterations, sampled_call, cores)

    def release(self) -> ReleaseResponse:
        """Release the workload, and report what the worker observed."""
        self.placed_kernel.X = self.placed_kernel.y = self.probe_X = None
        self.shared = {}
        gc.enable()
        gc.collect()
        versions = version_count(self.kernel.gradient)
        return ReleaseResponse(
            compiled_again=None if versions is None or self.version_count is None else versions - self.version_count,
            pools=procfs.thread_pools(),
            threads=len(procfs.thread_seconds()) or None,
            cores=sorted(procfs.cores_of_threads()),
            peak_bytes=procfs.peak_bytes(),
            placing_alone_seconds=self.placing_seconds,
        )
