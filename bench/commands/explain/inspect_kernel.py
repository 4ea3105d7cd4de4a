"""Looking at a kernel from inside a process of its own: what its compiler made, and what a call allocates.

It is apart from the worker that times: nothing here is timed, and tracing what is allocated would slow a call down.
The process begins with an empty folder for compiled code, since Numba shows the assembly of what it compiled itself
only.
"""

from __future__ import annotations

import re
import socket
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from bench.commands.explain import assembly, hlo
from bench.worker import shared_arrays
from bench.worker.compilation import compile_ahead
from bench.worker.messages import Connection
from bench.workloads import catalog
from bench.workloads.parameters import GATE_DRAW
from kernels import Kernel, load
from kernels.registry import error_line


def serve(descriptor: int) -> None:
    """Look at the one kernel that is ordered, and tell."""
    line = Connection(socket.socket(fileno=descriptor))
    message, _ = line.receive()
    try:
        line.send(look(load(message["spec"]), message["workload"]))
    except Exception as error:  # a kernel may raise anything
        line.send({"outcome": "raised", "reason": error_line(error)})


def look(kernel: Kernel, workload: str) -> dict[str, Any]:
    """All that can be seen of a kernel on a workload, as JSON values."""
    problem = catalog.problem(catalog.named(workload), GATE_DRAW)
    asarray = kernel.backend.asarray
    arguments = tuple(map(asarray, (problem.X, problem.y, shared_arrays.aligned(problem.w), problem.b)))
    compile_ahead(kernel.gradient, arguments)
    kernel.backend.wait(kernel.gradient(*arguments))
    seen: dict[str, Any] = {}
    if dispatchers := list(_dispatchers(kernel.gradient)):
        seen["numba"] = _numba(dispatchers)
    elif hasattr(kernel.gradient, "lower"):
        seen["xla"] = _xla(kernel.gradient, arguments)
    seen["traced_bytes"] = _traced_bytes(lambda: kernel.backend.wait(kernel.gradient(*arguments)))
    return seen | {"blas": _blas()}


def _dispatchers(gradient: Callable[..., Any]) -> Iterator[Any]:
    """The functions of Numba that a kernel is: itself, or those that a function of Python names."""
    if "numba" not in sys.modules:
        return
    named = getattr(getattr(gradient, "__code__", None), "co_names", ())
    for one in (gradient, *(getattr(gradient, "__globals__", {}).get(name) for name in named)):
        if hasattr(one, "py_func") and getattr(one, "overloads", None):
            yield one


def _numba(dispatchers: list[Any]) -> dict[str, Any]:
    compiled = [overload for one in dispatchers for overload in one.overloads.values()]
    return {
        "signatures": [str(overload.signature) for overload in compiled],
        "assembly": asdict(assembly.read("\n".join(overload.library.get_asm_str() for overload in compiled))),
    }


def _xla(gradient: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    compiled = gradient.lower(*arguments).compile()
    held, costs = compiled.memory_analysis(), compiled.cost_analysis()
    return {
        "program": asdict(hlo.read(compiled.as_text(), arguments[0].size)),
        "temporary_bytes": getattr(held, "temp_size_in_bytes", None),
        "flops": (costs or {}).get("flops"),
    }


def _traced_bytes(call: Callable[[], Any]) -> int:
    """What a call holds at most beyond what there was: of Python, and of NumPy, which reports its arrays."""
    tracemalloc.start()
    try:
        call()  # what only a first call leaves behind
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return max(0, most - before)


def _blas() -> list[dict[str, Any]]:
    """The BLAS libraries that are loaded, as they say of themselves."""
    try:
        import threadpoolctl
    except ImportError:
        return []
    return [
        {
            "name": pool["internal_api"],
            "of": found[1] if (found := re.search(r"(\w+)\.libs", pool["filepath"])) else None,
            "version": pool.get("version"),
            "built_for": pool.get("architecture"),
            "threads": pool["num_threads"],
        }
        for pool in threadpoolctl.threadpool_info()
        if pool["user_api"] == "blas"
    ]
