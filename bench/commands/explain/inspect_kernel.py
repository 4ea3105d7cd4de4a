"""Inspect a kernel inside a process of its own: what its compiler made of it, and how much memory a call allocates.

This is not the worker that times kernels: tracing allocations would slow calls down. The process starts with an empty
folder for compiled code, because Numba shows the assembly only of what it compiled itself.
"""

from __future__ import annotations

import re
import socket
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

from bench.worker import shared_arrays
from bench.worker.compilation import compile_ahead
from bench.worker.frames import Connection
from bench.workloads import catalog
from bench.workloads.parameters import DATA_DRAW
from kernels import Kernel, load
from kernels.registry import error_line


def serve(descriptor: int) -> None:
    """Inspect the kernel that the first request names, and send the result."""
    connection = Connection(socket.socket(fileno=descriptor))
    request, _ = connection.receive()
    try:
        connection.send(inspect(load(request["spec"]), request["workload"]))
    except Exception as error:  # a kernel may raise anything
        connection.send({"outcome": "raised", "reason": error_line(error)})


def inspect(kernel: Kernel, workload: str) -> dict[str, Any]:
    """What can be said of a kernel on a workload from inside its process, as JSON values."""
    problem = catalog.problem(catalog.named(workload), DATA_DRAW)
    asarray = kernel.backend.asarray
    arguments = tuple(map(asarray, (problem.X, problem.y, shared_arrays.aligned(problem.w), problem.b)))
    compile_ahead(kernel.gradient, arguments)
    kernel.backend.wait(kernel.gradient(*arguments))
    inspected: dict[str, Any] = {}
    if dispatchers := list(_dispatchers(kernel.gradient)):
        inspected["numba"] = _numba(dispatchers)
    elif hasattr(kernel.gradient, "lower"):
        inspected["xla"] = _xla(kernel.gradient, arguments)
    inspected["traced_bytes"] = _traced_bytes(lambda: kernel.backend.wait(kernel.gradient(*arguments)))
    return inspected | {"blas": _blas()}


def _dispatchers(gradient: Callable[..., Any]) -> Iterator[Any]:
    """Numba's compiled functions that a kernel is, or that a Python function names."""
    if "numba" not in sys.modules:
        return
    names = getattr(getattr(gradient, "__code__", None), "co_names", ())
    for function in (gradient, *(getattr(gradient, "__globals__", {}).get(name) for name in names)):
        if hasattr(function, "py_func") and getattr(function, "overloads", None):
            yield function


def _numba(dispatchers: list[Any]) -> dict[str, Any]:
    compiled = [overload for dispatcher in dispatchers for overload in dispatcher.overloads.values()]
    for overload in compiled:  # Numba has no public way to ask for the comments that name the loops
        overload.library.codegen._tm.set_asm_verbosity(True)
    return {
        "signatures": [str(overload.signature) for overload in compiled],
        "assembly": "\n".join(overload.library.get_asm_str() for overload in compiled),
    }


def _xla(gradient: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    compiled = gradient.lower(*arguments).compile()
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
