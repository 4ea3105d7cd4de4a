"""One kernel in its own process, for one launch. It answers the requests of the race, one at a time.

    load → ( place → compile → call → check... → calibrate → ( warm_up → round )... → draw → watched → mirrored
             → check → release ) for each workload

The worker judges nothing: it sends times and results as they are, and the race, which the kernel cannot reach, checks
them.
"""

from __future__ import annotations

import gc
import os
import resource
import socket
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from bench.host import procfs
from bench.worker import shared_arrays, timing
from bench.worker.compilation import compile_ahead, version_count
from bench.worker.fields import finite_or_none
from bench.worker.frames import Connection, array
from bench.worker.memory_use import MemoryUse
from bench.worker.messages import (
    CalibrateResponse,
    CallResponse,
    CallsResponse,
    CheckResponse,
    CompileResponse,
    DrawResponse,
    InspectResponse,
    LoadResponse,
    MirroredResponse,
    PlaceResponse,
    ReleaseResponse,
    RoundResponse,
    WarmUpResponse,
    WatchedResponse,
)
from bench.worker.placed_kernel import Arguments, PlacedKernel
from kernels import BackendUnavailable, Inputs, Kernel, Operation, load, load_operation
from kernels.contract import Static
from kernels.failures import error_line
from kernels.nests import map_arrays


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
        # `request` is a method of Worker: inspect, load, place, compile, call, check, calibrate, warm_up, round,
        # calls, draw, watched, mirrored, release
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


def _hashable(static: Any) -> Static:
    """JSON's lists as tuples again."""
    return tuple(map(_hashable, static)) if isinstance(static, list) else static


def _arrays(fresh: Any) -> Any:
    """The nest of tuples that was packed as lists."""
    return tuple(map(_arrays, fresh)) if isinstance(fresh, list) else array(fresh)[()]


def overwritten(shared: dict[str, np.ndarray], change: dict[str, Any] | None) -> AbstractContextManager[None]:
    """Overwrite the row that `change` names, its field being the name of a shared array; None: nothing."""
    if change is None:
        return nullcontext()
    return shared_arrays.overwritten(shared[change["field"]], change["row"], array(change["values"]))


class Worker:
    """Each request is a method, which returns the response."""

    def __init__(self) -> None:
        self.kernel: Kernel
        self.operation: Operation
        self.shared: dict[str, np.ndarray] = {}
        self.placed_kernel: PlacedKernel
        self.probe_fields: dict[str, Any] = {}
        self.version_count: int | None = None
        self.arguments: Arguments = []
        """Of the round that comes next, if the race times it as well."""
        self.memory: MemoryUse

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
            passes=finite_or_none(self.kernel.passes),
            of=str(self.kernel.of),
            largest_score=finite_or_none(self.kernel.largest_score),
        )

    def place(self, name: str, table: dict[str, Any], static: Any, descriptor: int) -> PlaceResponse:
        """Map the workload's arrays from shared memory, and place the operation's fields."""
        self.probe_fields = {}
        try:
            self.shared = shared_arrays.map_arrays(descriptor, table)
            fields = {field: self._shared_or_copy(descriptor, table, field) for field in self.operation.fields}
        finally:
            os.close(descriptor)
        inputs = Inputs({field: self.shared[field] for field in fields}, _hashable(static))
        self.placed_kernel = PlacedKernel(self.kernel, self.operation, inputs, name)
        asarray, self.memory = self.kernel.backend.asarray, MemoryUse()
        with self.memory.watch("placed_bytes"):
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
        placed_kernel.draw_arguments(draw, 1)
        fresh = map_arrays(self.kernel.backend.asarray, placed_kernel.passed[0])
        compiled = compile_ahead(placed_kernel.call, (*placed_kernel.placed, *fresh))
        return replace(
            compiled,
            build_seconds=None if self.kernel.build is None else build_seconds,
            compiles=version_count(placed_kernel.call) is not None,
        )

    def call(self, draw: int) -> CallResponse:
        """Time the first call."""
        arguments, _ = self.placed_kernel.draw_arguments(draw, 1)
        return CallResponse(timing.time_calls(self.placed_kernel, arguments)[0])

    def check(self, fields: dict[str, str], fresh: list[Any], change: dict[str, Any] | None = None) -> CheckResponse:
        """One call and its result.

        fields: field → the name of a shared array, for a probe; empty for the placed fields. fresh: its arguments.
        change: a row of a shared array that is overwritten during the call
        """
        asarray, placed_kernel = self.kernel.backend.asarray, self.placed_kernel
        known = dict(zip(self.operation.fields, placed_kernel.placed, strict=True)) | self.probe_fields
        for name in fields.values():  # in the order of the fields, as the workload's own are placed
            if name not in known:
                known[name] = self.probe_fields[name] = asarray(self.shared[name])
        placed = tuple(known[name] for name in fields.values()) if fields else placed_kernel.placed
        arguments = map_arrays(asarray, _arrays(fresh))
        # after the rounds, since it changes which pages the process has
        watched = self.memory.watch("call_bytes") if not fields and self.memory.calibrated else nullcontext()
        with overwritten(self.shared, change):
            with watched:
                result = self.kernel.backend.wait(placed_kernel.call(*placed, *arguments))
            return CheckResponse(placed_kernel.to_numpy(result)[0])

    def calibrate(self, draw: int, iterations: int | None) -> CalibrateResponse:
        """Choose the number of calls in a round, unless it is given, and count the threads that compute in them."""
        self.probe_fields, self.memory.calibrated = {}, True
        response = timing.calibrate(self.placed_kernel, draw, iterations)
        self.version_count = version_count(self.placed_kernel.call)
        return response

    def warm_up(self, draw: int, cores: list[int] | None, untimed_calls: bool) -> WarmUpResponse:
        """Pin the thread to the cores of the round that comes next, and make the untimed calls before it."""
        return WarmUpResponse(timing.begin_round(self.placed_kernel, draw, cores, untimed_calls))

    def round(self, draw: int, seed: int, iterations: int, sampled_call: int) -> RoundResponse:
        """Time one round, and return the result of call number `sampled_call`."""
        return timing.time_round(self.placed_kernel, draw, seed, iterations, sampled_call)

    def calls(self, draw: int, iterations: int, warm: bool, cores: list[int] | None) -> CallsResponse:
        """Time each call of a round by itself, for `python -m bench variance`."""
        return timing.time_each_call(self.placed_kernel, draw, iterations, warm, cores)

    def draw(self, draw: int, seed: int, iterations: int) -> DrawResponse:
        """Place the arguments of a round that the race times as well."""
        self.arguments, placing = self.placed_kernel.draw_arguments(draw, iterations, seed)
        return DrawResponse(placing)

    def watched(self) -> WatchedResponse:
        """Time that round. The race also knows when it asked and when the answer came."""
        # the arguments are kept, since to free those of many calls takes a part of a round
        before = procfs.waited("thread-self")
        seconds, *_ = timing.time_calls(self.placed_kernel, self.arguments)
        after = procfs.waited("thread-self")
        return WatchedResponse(seconds, None if before is None or after is None else after - before)

    def mirrored(self, draw: int, seed: int) -> MirroredResponse:
        """Time one call on the workload's data in a mirror, which the seed determines, after untimed calls."""
        return MirroredResponse(*timing.time_mirrored(self.placed_kernel, draw, seed))

    def release(self) -> ReleaseResponse:
        """Release the workload, and report what the worker observed."""
        call = self.placed_kernel.call
        del self.placed_kernel
        self.probe_fields, self.shared, self.arguments = {}, {}, []
        gc.enable()
        gc.collect()
        memory = self.memory.ended()
        procfs.return_free_memory()  # else the next workload gets pages that it does not count
        versions, before = version_count(call), self.version_count
        return ReleaseResponse(
            # fewer if the kernel has emptied its cache
            compiled_again=None if versions is None or before is None else max(0, versions - before),
            pools=procfs.thread_pools(),
            threads=len(procfs.thread_seconds()) or None,
            cores=sorted(procfs.cores_of_threads()),
            peak_bytes=memory.peak_bytes,
            placed_bytes=memory.placed_bytes,
            call_bytes=memory.call_bytes,
        )
