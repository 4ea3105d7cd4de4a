"""The limit of a race: what no kernel can do without, and which of it takes longest. Pure: no clock, no files.

Whoever computes a gradient reads X and y once, takes m sigmoids with their losses, and multiplies and adds 2mn
times (n a row for z, n for dw). Each is raced by itself (kernels/ceilings/numba_ceilings.py), beside the kernels; a modern
processor can do all three at once, so the limit is the longest of them, not their sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from statistics import fmean, median

from kernels.ceilings.specs import WAYS, repeats

BROKEN = 1.05
"""A kernel faster than this many times the limit shows that the limit was measured wrong."""


def seconds(rounds: Mapping[str, Sequence[float]], bytes_of_x: int) -> dict[str, float]:
    """What is measured → seconds for one pass, in one launch. rounds: of the workers that were timed."""
    found = {}
    for name, ways in WAYS.items():
        timed = [median(rounds[way]) for way in ways if rounds.get(way)]
        if timed:
            found[name] = min(timed) / repeats(bytes_of_x)
    return found


def rates(
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
    for name, ways in WAYS.items():
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
        for name, ways in WAYS.items()
        for way in ways
        if way in outcomes and outcomes[way][0] != "ok"
    ]


def fractions(limits: Sequence[Mapping[str, float]], kernel: Sequence[float]) -> list[float]:
    """log(limit / the kernel's seconds) in each launch; none unless all of the limit was measured in all."""
    if not limits or any(set(limit) != set(WAYS) for limit in limits):
        return []
    name = binding(limits)
    return [log(limit[name] / own) for limit, own in zip(limits, kernel, strict=True)]


def binding(limits: Sequence[Mapping[str, float]]) -> str:
    """Which takes longest, over all launches."""
    return max(WAYS, key=lambda name: fmean(log(limit[name]) for limit in limits))
