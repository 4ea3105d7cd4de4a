"""The limit of a race: what no kernel can do without, and which of it takes longest; and on which level of the memory
a matrix fits. Pure: no clock, no files, and it is told what the caches are, since records of any machine get a level.

Whoever computes a gradient reads X and y once, takes m sigmoids with their losses, and multiplies and adds 2mn
times (n a row for z, n for dw). Each is raced by itself (kernels/ceilings/numba_ceilings.py), beside the kernels;
a modern processor can do all three at once, so the limit is the longest of them, not their sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import log
from statistics import fmean, median
from typing import Any

import numpy as np

from bench.results.record import Record
from kernels.ceilings.specs import METHODS, repeats

BROKEN = 1.05
"""A kernel faster than this many times the limit shows that the limit was measured wrong."""
MEMORY = "memory"


def seconds(rounds: Mapping[str, Sequence[float]], bytes_of_x: int) -> dict[str, float]:
    """What is measured → seconds for one pass, in one launch. rounds: of the workers that were timed."""
    found = {}
    for name, ways in METHODS.items():
        timed = [median(rounds[way]) for way in ways if rounds.get(way)]
        if timed:
            found[name] = min(timed) / repeats(bytes_of_x)
    return found


def ceiling_table(
    rounds: Mapping[str, Sequence[Sequence[float]]], m: int, n: int, itemsize: int
) -> dict[str, dict[str, float]]:
    """What is measured → seconds for one pass over a workload, the rate, and where there are several ways, each's.

    rounds: of each worker that was timed, launch by launch. Means over the launches of their medians.
    """
    amounts = {
        "read": ("bytes", (m * n + m) * itemsize),
        "sigmoid": ("sigmoids", m),
        "multiply": ("flops", 4 * m * n),
    }
    times = repeats(m * n * itemsize)
    found: dict[str, dict[str, float]] = {}
    for name, ways in METHODS.items():
        taken = {way: fmean(map(median, rounds[way])) / times for way in ways if rounds.get(way)}
        if taken:
            (unit, amount), least = amounts[name], min(taken.values())
            found[name] = {"seconds": least, f"{unit}_per_second": amount / least}
            if len(ways) > 1:
                found[name] |= {f"{way.strip('()')}_seconds": seconds for way, seconds in taken.items()}
    return found


def failures(outcomes: Mapping[str, tuple[str, str]]) -> list[dict[str, str]]:
    """Which of the workers failed, at what, and why. outcomes: of the workers that there were, with the reasons."""
    return [
        {"name": way.strip("()"), "measures": name, "outcome": outcomes[way][0], "reason": outcomes[way][1]}
        for name, ways in METHODS.items()
        for way in ways
        if way in outcomes and outcomes[way][0] != "ok"
    ]


def fractions(limits: Sequence[Mapping[str, float]], kernel: Sequence[float]) -> list[float]:
    """log(limit / the kernel's seconds) in each launch; none unless all of the limit was measured in all."""
    if not limits or any(set(limit) != set(METHODS) for limit in limits):
        return []
    name = limiting_ceiling(limits)
    return [log(limit[name] / own) for limit, own in zip(limits, kernel, strict=True)]


def limiting_ceiling(limits: Sequence[Mapping[str, float]]) -> str:
    """Which takes longest, over all launches."""
    return max(METHODS, key=lambda name: fmean(log(limit[name]) for limit in limits))


def level(bytes_of_x: int, threads: int, caches: Iterable[Mapping[str, Any]] | None) -> str | None:
    """`L1`, `L2`, `L3` or `memory`: the first that holds X whole; None where the caches are not known.

    threads: each has an equal part of X. A cache that so many cores share is there once for as many of the threads:
    one thread has one of each level, and n threads have n times what belongs to a core alone.
    caches: as in the fingerprint: `level`, `bytes` of one, `shared_by` in cores.
    """
    listed = sorted(caches or (), key=lambda cache: int(cache["level"]))
    for cache in listed:
        instances = -(-threads // max(1, cache["shared_by"]))
        if bytes_of_x <= instances * cache["bytes"]:
            return f"L{cache['level']}"
    return MEMORY if listed else None


def with_cache_level(record: Record, caches: Iterable[Mapping[str, Any]] | None) -> Record:
    """The record with its X's level; X on a GPU is on none of these."""
    if record.device != "cpu":
        return record
    bytes_of_x = record.m * record.n * np.dtype(record.dtype).itemsize
    return replace(record, level=level(bytes_of_x, record.threads, caches))
