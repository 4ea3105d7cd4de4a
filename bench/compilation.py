"""Asking a kernel to compile before it is called, and counting what it has compiled since.

Numba and JAX each have their own way; for anything else compiling is a part of its first call.
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
    """Compile the function for these arguments, without calling it."""
    if _is_numba(gradient):
        return _numba(gradient, arguments)
    if _is_jax(gradient):
        return _jax(gradient, arguments)
    return Compilation()


def compiled(gradient: Callable[..., Any]) -> int | None:
    """How many versions of the function are compiled; None for what is not compiled by Numba or JAX."""
    if _is_numba(gradient):
        return len(gradient.signatures)  # type: ignore[attr-defined]
    if _is_jax(gradient):
        return int(gradient._cache_size())  # type: ignore[attr-defined]
    return None


def _is_numba(gradient: Callable[..., Any]) -> bool:
    return "numba" in sys.modules and hasattr(gradient, "py_func") and hasattr(gradient, "signatures")


def _is_jax(gradient: Callable[..., Any]) -> bool:
    return "jax" in sys.modules and hasattr(gradient, "lower") and hasattr(gradient, "_cache_size")


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
