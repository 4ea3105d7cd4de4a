"""Compiles a kernel before its first call, and counts its compiled versions.

Numba, JAX and torch.compile each need their own way. For any other kernel, compilation is part of the first call. A
function of Numba may have its first arguments bound by `functools.partial`. A Python function around a compiled one
may say so with its attribute `compiles`: that function, and one that makes its arguments of the outer ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from bench.worker.messages import CompileResponse

_numba_responses: dict[Any, CompileResponse] = {}
"""By the function and the types of its arguments: Numba compiles once for all sizes."""


def compile_ahead(call: Callable[..., Any], arguments: tuple[Any, ...]) -> CompileResponse:
    """Compile the function for these arguments, without a call where possible."""
    if inner := getattr(call, "compiles", None):
        function, inner_arguments = inner
        return compile_ahead(function, tuple(inner_arguments(*arguments)))
    if _is_numba(whole := unbound(call)):
        return _numba(whole, (*_bound(call), *arguments))
    if _is_jax(call):
        return _jax(call, arguments)
    if _is_torch(call):
        return _torch(call, arguments)
    return CompileResponse()


def version_count(call: Callable[..., Any]) -> int | None:
    """How many versions of the function are compiled; None if no compiler is known for it."""
    if inner := getattr(call, "compiles", None):
        return version_count(inner[0])
    if _is_numba(whole := unbound(call)):
        return len(whole.signatures)  # type: ignore[attr-defined]
    if _is_jax(call):
        return int(call._cache_size())  # type: ignore[attr-defined]
    if _is_torch(call):
        return _torch_counts("stats", "unique_graphs")
    return None


def unbound(call: Callable[..., Any]) -> Callable[..., Any]:
    """The function that takes all arguments, where `functools.partial` bound some of them."""
    return call.func if isinstance(call, partial) and not call.keywords else call


def _bound(call: Callable[..., Any]) -> tuple[Any, ...]:
    return call.args if isinstance(call, partial) else ()


def _is_numba(call: Callable[..., Any]) -> bool:
    return "numba" in sys.modules and hasattr(call, "py_func") and hasattr(call, "signatures")


def _is_jax(call: Callable[..., Any]) -> bool:
    return "jax" in sys.modules and hasattr(call, "lower") and hasattr(call, "_cache_size")


def _is_torch(call: Callable[..., Any]) -> bool:
    return "torch" in sys.modules and hasattr(call, "_torchdynamo_orig_callable")


def _numba(call: Any, arguments: tuple[Any, ...]) -> CompileResponse:
    import numba

    types = tuple(numba.typeof(argument) for argument in arguments)
    if (call, types) not in _numba_responses:  # an earlier workload with the same types compiled it
        hits = sum(call.stats.cache_hits.values())
        start = perf_counter()
        try:
            call.compile(types)
        except RuntimeError:  # with a signature in its decorator, it was compiled when it was made, and for no other
            return CompileResponse()
        seconds = perf_counter() - start
        from_cache = sum(call.stats.cache_hits.values()) > hits
        _numba_responses[call, types] = CompileResponse(None, seconds, from_cache)
    return _numba_responses[call, types]


def _jax(call: Any, arguments: tuple[Any, ...]) -> CompileResponse:
    import jax.monitoring

    events: list[str] = []

    def listener(event: str, **_: str | int) -> None:
        events.append(event)

    jax.monitoring.register_event_listener(listener)
    try:
        start = perf_counter()
        lowered = call.lower(*arguments)
        lowered_at = perf_counter()
        events.clear()
        lowered.compile()
        seconds = perf_counter() - lowered_at
    finally:
        jax.monitoring.unregister_event_listener(listener)
    return CompileResponse(lowered_at - start, seconds, any("cache_hit" in event for event in events))


def _torch(call: Any, arguments: tuple[Any, ...]) -> CompileResponse:
    """torch.compile compiles in a call, so the seconds include that call."""
    versions, hits = version_count(call), _torch_counts("inductor", "fxgraph_cache_hit")
    start = perf_counter()
    call(*arguments)
    seconds = perf_counter() - start
    if version_count(call) == versions:  # compiled for an earlier workload of the same shape
        return CompileResponse()
    return CompileResponse(None, seconds, _torch_counts("inductor", "fxgraph_cache_hit") > hits)


def _torch_counts(group: str, counter: str) -> int:
    """One of the counters that PyTorch keeps for this process."""
    import torch._dynamo.utils

    return int(torch._dynamo.utils.counters[group][counter])
