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
from dataclasses import replace
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
    InspectResponse,
    LoadResponse,
    PlaceResponse,
    ReleaseResponse,
    RoundResponse,
)
from bench.worker.placed_kernel import PlacedKernel
from kernels import BackendUnavailable, Inputs, Kernel, Operation, load, load_operation
from kernels.contract import Static, map_arrays
from kernels.registry import error_line

_PLACINGS = 15
"""How often arguments are placed before there is data to compute with, to measure what placing alone costs."""


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
        # `request` is a method of Worker: inspect, load, place, compile, call, check, calibrate, round, release
        response: object = getattr(worker, request)(**message)
        return vars(response)
    except BackendUnavailable as unavailable:
        return {"outcome": "unavailable", "reason": str(unavailable)}
    except MemoryError:
        return {"outcome": "out-of-memory", "reason": "it asked for more memory than is available to it"}
    except BaseException as error:  # a kernel may raise anything
        bad_spec = request in ("inspect", "load") and type(error) is ValueError
        reason = str(error) if bad_spec else error_line(error)
        return {"outcome": "raised", "reason": reason, "bad_spec": bad_spec}


def _finite_or_none(value: object) -> int | float | None:
    """A Python number, also for NumPy's; None for anything else, since how often X is read is only information."""
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) and isfinite(value) else None


def _hashable(static: Any) -> Static:
    """JSON's lists as tuples again."""
    return tuple(map(_hashable, static)) if isinstance(static, list) else static


def _arrays(fresh: Any) -> Any:
    """The nest of tuples that was packed as lists."""
    return tuple(map(_arrays, fresh)) if isinstance(fresh, list) else array(fresh)[()]


class Worker:
    """Each request is a method, which returns the response."""

    def __init__(self) -> None:
        self.kernel: Kernel
        self.operation: Operation
        self.shared: dict[str, np.ndarray] = {}
        self.placed_kernel: PlacedKernel
        self.probe_fields: dict[str, Any] = {}
        self.placing_seconds = 0.0
        self.version_count: int | None = None

    def inspect(self, spec: str) -> InspectResponse:
        """Import a kernel of the user's own, to know what it computes."""
        return InspectResponse(str(load(spec, None).operation))

    def load(self, spec: str, operation: str, data_limit: int | None) -> LoadResponse:
        """Import the kernel and start its backend. data_limit: in bytes, for kernels on the CPU."""
        self.operation = load_operation(operation)
        start = perf_counter()
        self.kernel = load(spec, operation)
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
            of=str(self.kernel.of),
        )

    def place(
        self, name: str, launch_seed: int, table: dict[str, Any], static: Any, descriptor: int
    ) -> PlaceResponse:
        """Map the workload's arrays from shared memory, and place the operation's fields."""
        try:
            self.shared = shared_arrays.map_arrays(descriptor, table)
            fields = {field: self._shared_or_copy(descriptor, table, field) for field in self.operation.fields}
        finally:
            os.close(descriptor)
        inputs = Inputs({field: self.shared[field] for field in fields}, _hashable(static))
        self.placed_kernel = PlacedKernel(self.kernel, self.operation, inputs, name, launch_seed)
        self.placing_seconds = median(self.placed_kernel.draw_arguments(0, 1)[1] for _ in range(_PLACINGS))
        asarray = self.kernel.backend.asarray
        start = perf_counter()
        self.placed_kernel.placed = tuple(asarray(array) for array in fields.values())
        seconds = perf_counter() - start
        return PlaceResponse(placement_seconds=seconds, huge_pages=procfs.huge_pages(next(iter(fields.values()))))

    def _shared_or_copy(self, descriptor: int, table: dict[str, Any], name: str) -> np.ndarray:
        """The shared array if it lies on huge pages or the kernel never reads it; else a private copy."""
        shared = self.shared[name]
        if self.kernel.passes == 0 or (shared.nbytes >= shared_arrays.HUGE_PAGE and procfs.huge_pages(shared)):
            return shared
        return shared_arrays.local_copy(descriptor, table[name])

    def compile(self, draw: int) -> CompileResponse:
        """Build the call for this workload, and compile it where that can be done before a call."""
        placed_kernel = self.placed_kernel
        start = perf_counter()
        placed_kernel.call = self.kernel.built(placed_kernel.inputs.static)
        build_seconds = perf_counter() - start
        (arguments,), _ = placed_kernel.draw_arguments(draw, 1)
        compiled = compile_ahead(placed_kernel.call, arguments)
        return replace(
            compiled,
            build_seconds=None if self.kernel.build is None else build_seconds,
            compiles=version_count(placed_kernel.call) is not None,
        )

    def call(self, draw: int) -> CallResponse:
        """Time the first call."""
        arguments, _ = self.placed_kernel.draw_arguments(draw, 1)
        return CallResponse(self.placed_kernel.time_calls(arguments))

    def check(self, fields: dict[str, str], fresh: list[Any]) -> CheckResponse:
        """One call and its result.

        fields: field → the name of a shared array, for a probe; empty for the placed fields. fresh: its arguments
        """
        asarray, placed_kernel = self.kernel.backend.asarray, self.placed_kernel
        known = self.probe_fields
        # in the order of the fields, as the workload's own are placed
        self.probe_fields = {
            name: known[name] if name in known else asarray(self.shared[name]) for name in fields.values()
        }
        placed = tuple(self.probe_fields[name] for name in fields.values()) if fields else placed_kernel.placed
        arguments = map_arrays(asarray, _arrays(fresh))
        result = self.kernel.backend.wait(placed_kernel.call(*placed, *arguments))
        return CheckResponse(placed_kernel.to_numpy(result)[0])

    def calibrate(self, draw: int, iterations: int | None) -> CalibrateResponse:
        """Choose the number of calls in a round, unless it is given, and count the threads that compute in them."""
        self.probe_fields = {}
        response = timing.calibrate(self.placed_kernel, draw, iterations)
        self.version_count = version_count(self.placed_kernel.call)
        return response

    def round(self, draw: int, iterations: int, sampled_call: int, cores: list[int] | None) -> RoundResponse:
        """Time one round, and return the result of call number `sampled_call`."""
        return timing.time_round(self.placed_kernel, draw, iterations, sampled_call, cores)

    def release(self) -> ReleaseResponse:
        """Release the workload, and report what the worker observed."""
        call = self.placed_kernel.call
        del self.placed_kernel
        self.probe_fields, self.shared = {}, {}
        gc.enable()
        gc.collect()
        versions = version_count(call)
        return ReleaseResponse(
            compiled_again=None if versions is None or self.version_count is None else versions - self.version_count,
            pools=procfs.thread_pools(),
            threads=len(procfs.thread_seconds()) or None,
            cores=sorted(procfs.cores_of_threads()),
            peak_bytes=procfs.peak_bytes(),
            placing_alone_seconds=self.placing_seconds,
        )
