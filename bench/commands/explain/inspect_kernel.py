"""Inspect a kernel inside a process of its own: what its compiler made of it, and how much memory a call allocates.

This is not the worker that times kernels: tracing allocations would slow calls down. The process starts with an empty
folder for compiled code, because Numba shows the assembly only of what it compiled itself.
"""

from __future__ import annotations

import re
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from inspect import getclosurevars
from types import FunctionType
from typing import Any

from bench.worker.compilation import compile_ahead, unbound, version_count
from bench.worker.frames import Connection
from bench.worker.placed_kernel import aligned
from bench.workloads import catalog
from bench.workloads.parameters import DATA_DRAW
from kernels import Kernel, load
from kernels.failures import error_line
from kernels.nests import map_arrays


def serve(descriptor: int) -> None:
    """Inspect the kernel that the first request names, and send the result."""
    connection = Connection(socket.socket(fileno=descriptor))
    request, _ = connection.receive()
    try:
        operation = catalog.named(request["workload"]).operation
        connection.send(inspect(load(request["spec"], operation), request["workload"]))
    except Exception as error:  # a kernel may raise anything
        connection.send({"outcome": "raised", "reason": error_line(error)})


def inspect(kernel: Kernel, workload: str) -> dict[str, Any]:
    """What can be said of a kernel on a workload from inside its process, as JSON values."""
    chosen = catalog.named(workload)
    inputs = catalog.inputs(chosen)
    asarray, call = kernel.backend.asarray, kernel.built(inputs.static)
    fresh = map_arrays(aligned, catalog.fresh(chosen, inputs, DATA_DRAW))
    arguments = (*map(asarray, inputs.placed.values()), *map_arrays(asarray, fresh))
    compile_ahead(call, arguments)
    kernel.backend.wait(call(*arguments))
    inspected: dict[str, Any] = {"python": isinstance(call, FunctionType)}
    parts = list(_parts(unbound(call)))
    if dispatchers := [part for part in parts if hasattr(part, "py_func") and getattr(part, "overloads", None)]:
        inspected["numba"] = _numba(dispatchers)
    elif hasattr(call, "lower"):
        inspected["xla"] = _xla(call, arguments)
    elif any(version_count(part) is not None for part in parts[1:]):
        # what the compiled parts allocate is not traced, and NumPy's libraries do not compute their products
        return inspected | {"traced_bytes": None, "blas": []}
    inspected["traced_bytes"] = _traced_bytes(lambda: kernel.backend.wait(call(*arguments)))
    return inspected | {"blas": _blas()}


def _parts(call: Any) -> Iterator[Any]:
    """The call itself, and what it names and has in its closure, if it is a Python function."""
    yield call
    if isinstance(call, FunctionType):
        named = getclosurevars(call)
        yield from named.globals.values()
        for value in named.nonlocals.values():
            yield from _parts(value)


def _numba(dispatchers: list[Any]) -> dict[str, Any]:
    compiled = [overload for dispatcher in dispatchers for overload in dispatcher.overloads.values()]
    for overload in compiled:  # Numba has no public way to ask for the comments that name the loops
        overload.library.codegen._tm.set_asm_verbosity(True)
    return {
        "signatures": [str(overload.signature) for overload in compiled],
        "assembly": "\n".join(overload.library.get_asm_str() for overload in compiled),
    }


def _xla(call: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    compiled = call.lower(*arguments).compile()
    memory, costs = compiled.memory_analysis(), compiled.cost_analysis()
    return {
        "program": compiled.as_text(),
        "temporary_bytes": getattr(memory, "temp_size_in_bytes", None),
        "flops": (costs or {}).get("flops"),
    }


def _traced_bytes(call: Callable[[], Any]) -> int:
    """The most that a call allocates in Python and in NumPy, which reports its arrays to `tracemalloc`."""
    tracemalloc.start()
    try:
        call()  # allocates what only a first call does
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return max(0, peak - before)


def _blas() -> list[dict[str, Any]]:
    """The BLAS libraries that are loaded, as they describe themselves."""
    try:
        import threadpoolctl
    except ImportError:
        return []
    return [
        {
            "name": pool["internal_api"],
            "of": wheel[1] if (wheel := re.search(r"(\w+)\.libs", pool["filepath"])) else None,
            "version": pool.get("version"),
            "built_for": pool.get("architecture"),
            "threads": pool["num_threads"],
        }
        for pool in threadpoolctl.threadpool_info()
        if pool["user_api"] == "blas"
    ]
