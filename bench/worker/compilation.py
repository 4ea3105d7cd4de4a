"""Asking a kernel to compile before it is called, and counting what it has compiled since.

Numba, JAX and torch.compile each have their own way; for anything else compiling is a part of its first call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Compilation:
    """What it took, in seconds; None where there is no such step."""

    lower_seconds: float | None = None
    """Tracing, and lowering to the compiler's input (JAX)."""
    compile_seconds: float | None = None
    """Compiling, or loading what is kept on disk."""
    from_cache: bool | None = None
    """Whether it was loaded."""


_compiled: dict[Any, Compilation] = {}
"""By the types of Numba's arguments: it compiles once for all sizes."""


def compile_ahead(gradient: Callable[..., Any], arguments: tuple[Any, ...]) -> Compilation:
    """Compile the function for these arguments, without calling it where that can be done."""
    if _is_numba(gradient):
        return _numba(gradient, arguments)
    if _is_jax(gradient):
        return _jax(gradient, arguments)
    if _is_torch(gradient):
        return _torch(gradient, arguments)
    return Compilation()


def compiled(gradient: Callable[..., Any]) -> int | None:
    """How many versions of the function are compiled; None for what none of them compiles."""
    if _is_numba(gradient):
        return len(gradient.signatures)  # type: ignore[attr-defined]
    if _is_jax(gradient):
        return int(gradient._cache_size())  # type: ignore[attr-defined]
    if _is_torch(gradient):
        return _torch_counts("stats", "unique_graphs")
    return None


def _is_numba(gradient: Callable[..., Any]) -> bool:
    return "numba" in sys.modules and hasattr(gradient, "py_func") and hasattr(gradient, "signatures")


def _is_jax(gradient: Callable[..., Any]) -> bool:
    return "jax" in sys.modules and hasattr(gradient, "lower") and hasattr(gradient, "_cache_size")


def _is_torch(gradient: Callable[..., Any]) -> bool:
    return "torch" in sys.modules and hasattr(gradient, "_torchdynamo_orig_callable")


def _numba(gradient: Any, arguments: tuple[Any, ...]) -> Compilation:
    import numba

    types = tuple(numba.typeof(argument) for argument in arguments)
    if types not in _compiled:  # else an earlier workload had the same, and this is what it took then
        hits = sum(gradient.stats.cache_hits.values())
        start = perf_counter()
        gradient.compile(types)
        seconds = perf_counter() - start
        _compiled[types] = Compilation(None, seconds, sum(gradient.stats.cache_hits.values()) > hits)
    return _compiled[types]


def _jax(gradient: Any, arguments: tuple[Any, ...]) -> Compilation:
    import jax.monitoring

    events: list[str] = []
    jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
    start = perf_counter()
    lowered = gradient.lower(*arguments)
    middle = perf_counter()
    events.clear()
    lowered.compile()
    seconds = perf_counter() - middle
    return Compilation(middle - start, seconds, any("cache_hit" in event for event in events))


def _torch(gradient: Any, arguments: tuple[Any, ...]) -> Compilation:
    """It compiles when it is called: a call is in its seconds."""
    versions, hits = compiled(gradient), _torch_counts("inductor", "fxgraph_cache_hit")
    start = perf_counter()
    gradient(*arguments)
    seconds = perf_counter() - start
    if compiled(gradient) == versions:  # an earlier workload had the same shape
        return Compilation()
    return Compilation(None, seconds, _torch_counts("inductor", "fxgraph_cache_hit") > hits)


def _torch_counts(kind: str, what: str) -> int:
    """What PyTorch has counted in this process."""
    import torch._dynamo.utils

    return int(torch._dynamo.utils.counters[kind][what])
