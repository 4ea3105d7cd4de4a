"""What comes before the steady state, and after how many calls it has paid. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, log
from statistics import fmean, median

from bench.results.record import Cold
from bench.results.samples import KernelSamples


def cold(entries: Sequence[KernelSamples]) -> Cold:
    """Medians over the launches; compiling apart by whether it came from the cache on disk."""

    def middle(key: str, cached: bool | None = None) -> float | None:
        values = [
            entry.cold[key]
            for entry in entries
            if entry.cold.get(key) is not None and cached in (None, entry.cold.get("from_cache"))
        ]
        return median(values) if values else None

    return Cold(
        import_seconds=middle("import_seconds"),
        placement_seconds=middle("placement_seconds"),
        lower_seconds=middle("lower_seconds"),
        compile_seconds=middle("compile_seconds", cached=False),
        compile_cached_seconds=middle("compile_seconds", cached=True),
        first_call_seconds=middle("first_call_seconds"),
    )


def once_and_call(entries: Sequence[KernelSamples]) -> tuple[float, float]:
    """Seconds that are spent once, and of a steady call: N calls take once + N · call."""
    call = exp(fmean(log(median(entry.rounds)) for entry in entries if entry.rounds))
    return one_time_seconds(cold(entries), call), call


def one_time_seconds(steps: Cold, call: float) -> float:
    """Lowering + compiling (with an empty cache, where one was seen) + a first call less a steady one, in seconds."""
    compiling = steps.compile_seconds if steps.compile_seconds is not None else steps.compile_cached_seconds
    first = max(0.0, (steps.first_call_seconds or call) - call)
    return (steps.lower_seconds or 0.0) + (compiling or 0.0) + first


def calls_to_overtake(own: tuple[float, float], other: tuple[float, float]) -> int | None:
    """The number of calls from which on the one takes no longer than the other; None: never."""
    (own_once, own_call), (one_time_seconds, call) = own, other
    if own_call < call:
        return max(1, ceil((own_once - one_time_seconds) / (call - own_call)))
    return 1 if own_once + own_call < one_time_seconds + call else None
