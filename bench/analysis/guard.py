"""Are disturbed sweeps left out fairly? A kernel must not choose which of its rounds count. Pure.

A kernel that could make a foreign process busy during its own slow rounds would get them left out. So what foreign
processes used in each kernel's rounds is compared with how long its rounds usually are: not those that were hit,
which it may have chosen. Each disturbed sweep is one hit, shared among its kernels by what was used in their rounds.
By chance a kernel's share is that of its rounds in the sweep's time. In each sweep the order is random, so the hits
of n sweeps are at most binomial: their variance is largest where each sweep is hit in a single round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from statistics import median

import scipy

_LEVEL = 1e-3
"""Of a wrong alarm for a race. All its sweeps count then, which only widens its intervals."""
_MOST_BY_THREADS = 2.0
"""Beside a kernel with one thread, a busy process has the other of two cores; beside one with two threads it has 2/3
of a core. So the odds that it is hit may be so many times those by chance."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Hits:
    """How disturbances met one kernel."""

    hits: float = 0.0
    """Its shares of the disturbed sweeps, added."""
    expected: float = 0.0
    """The same by how long its rounds usually are."""
    sweeps: int = 0
    """Disturbed sweeps that it took part in."""

    def __add__(self, other: Hits) -> Hits:
        return Hits(self.hits + other.hits, self.expected + other.expected, self.sweeps + other.sweeps)


def of_sweep(foreign: Mapping[str, float], exposure: Mapping[str, float]) -> dict[str, Hits]:
    """Kernel → its part of one disturbed sweep; empty if nothing was used during the rounds.

    foreign: kernel → seconds that foreign processes used in its round; exposure: usual seconds of its rounds
    """
    used, passed = sum(foreign.values()), sum(exposure[name] for name in foreign)
    if used <= 0 or passed <= 0:
        return {}
    return {name: Hits(seconds / used, exposure[name] / passed, 1) for name, seconds in foreign.items()}


def usual(exposures: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Kernel → the median seconds of its rounds, which a few slow ones do not move.

    exposures: kernel → seconds of its round, of each sweep of the launch
    """
    rounds: dict[str, list[float]] = {}
    for exposure in exposures:
        for name, seconds in exposure.items():
            rounds.setdefault(name, []).append(seconds)
    return {name: median(seconds) for name, seconds in rounds.items()}


def total(parts: Iterable[Mapping[str, Hits]]) -> dict[str, Hits]:
    """Kernel → the sum over sweeps or launches."""
    sums: dict[str, Hits] = {}
    for part in parts:
        for name, hits in part.items():
            sums[name] = sums.get(name, Hits()) + hits
    return sums


def as_lists(hits: Mapping[str, Hits]) -> dict[str, list[float]]:
    """The fields of each, for a journal."""
    return {name: [of_kernel.hits, of_kernel.expected, of_kernel.sweeps] for name, of_kernel in hits.items()}


def hit_too_often(hits: Mapping[str, Hits]) -> str:
    """The kernel that was hit far more often than its share; empty if none was."""
    for name, of_kernel in hits.items():
        if not of_kernel.sweeps:
            continue
        odds = _MOST_BY_THREADS * of_kernel.expected
        share = odds / (odds + of_kernel.sweeps - of_kernel.expected)
        by_chance = scipy.stats.binom.sf(ceil(of_kernel.hits - _ROUNDING) - 1, of_kernel.sweeps, share)
        if by_chance < _LEVEL / len(hits):
            return name
    return ""
