"""The one-time cost before the steady state, and after how many calls a kernel has recovered it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, log
from statistics import fmean, median

from bench.analysis.statistics import lower_decile
from bench.results.record import Cold
from bench.results.samples import KernelSamples

_MOST_CALLS = 2**53
"""Whole numbers up to here are exact in a float; of a nanosecond each, they take three months."""


def cold_steps(samples: Sequence[KernelSamples]) -> Cold:
    """The median of each step over the launches; compilation with an empty and with a filled cache are separate.

    Only the first launch has an empty cache. A kernel that keeps no copy compiles in each, but may load its parts.
    """

    def median_of(key: str, cached: bool | None = None) -> float | None:
        values = [
            sample.cold[key]
            for sample in (samples[:1] if cached is False else samples)
            if sample.cold.get(key) is not None and cached in (None, sample.cold.get("from_cache"))
        ]
        return median(values) if values else None

    return Cold(
        import_seconds=median_of("import_seconds"),
        placement_seconds=median_of("placement_seconds"),
        build_seconds=median_of("build_seconds"),
        lower_seconds=median_of("lower_seconds"),
        compile_seconds=median_of("compile_seconds", cached=False),
        compile_cached_seconds=median_of("compile_seconds", cached=True),
        first_call_seconds=median_of("first_call_seconds"),
    )


def one_time_and_call_seconds(samples: Sequence[KernelSamples]) -> tuple[float, float]:
    """The one-time cost and the time of a steady call: N calls take one_time + N · call."""
    call = exp(fmean(log(lower_decile(sample.rounds)) for sample in samples if sample.rounds))
    return one_time_seconds(cold_steps(samples), call), call


def one_time_seconds(steps: Cold, call: float) -> float:
    """Building, lowering, compilation (with an empty cache if that was measured), first − steady call: in seconds."""
    compilation = steps.compile_seconds if steps.compile_seconds is not None else steps.compile_cached_seconds
    first_call = max(0.0, (steps.first_call_seconds or call) - call)
    return (steps.build_seconds or 0.0) + (steps.lower_seconds or 0.0) + (compilation or 0.0) + first_call


def calls_to_overtake(kernel: tuple[float, float], other: tuple[float, float]) -> int | None:
    """The smallest N from which on N calls of the kernel take no longer than N calls of the other.

    None: never, or only after more calls than anybody makes.
    """
    (kernel_once, kernel_call), (other_once, other_call) = kernel, other
    if kernel_call < other_call:
        calls = max(1, ceil((kernel_once - other_once) / (other_call - kernel_call)))
        return calls if calls <= _MOST_CALLS else None
    return 1 if kernel_once + kernel_call < other_once + other_call else None
