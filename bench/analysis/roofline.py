"""The ceilings of a race: the work that every kernel must do, and which part takes longest; and the cache level of X.

Pure: no clock, no files. The caches are an argument, so records of any machine get a level.

An operation says how much its call must read, how many sigmoids it must evaluate, and how often it must multiply and
add. How fast the machine does each of the three is timed by itself (kernels/ceilings/numba_ceilings.py), on the same
data, in the same race as the kernels. A modern processor reads while it computes, so the limiting ceiling is the
longest, not the sum. Sigmoids and products need the same multipliers, so these are also timed together, as the
arithmetic. Products of matrices are timed as BLAS makes them, since registers alone would promise too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import log
from statistics import fmean
from typing import Any

import numpy as np

from bench.analysis.statistics import lower_decile
from bench.results.record import Record
from kernels.ceilings import specs
from kernels.ceilings.specs import ARITHMETIC, MATMUL, METHODS, PARTS
from kernels.contract import Size

BROKEN = 1.05
"""A kernel that reaches more than this share of its ceiling shows that the ceiling was measured wrong."""
MEMORY = "memory"


def seconds(rounds: Mapping[str, Sequence[float]], size: Size, work: Mapping[str, float]) -> dict[str, float]:
    """Ceiling → seconds for the work of one call, in one launch.

    rounds: by ceiling worker, those that were timed; size: of the data; work: ceiling → the amount of one call
    """
    fastest = {
        name: min(lower_decile(rounds[method]) for method in timed) / _repeats(name, size, work)
        for name, methods in _methods(work).items()
        if (timed := [method for method in methods if rounds.get(method)])
    }
    return _of_work(fastest, size, work)


def _methods(work: Mapping[str, float]) -> dict[str, tuple[str, ...]]:
    return {name: METHODS[name] for name in specs.of_work(work)}


def _repeats(name: str, size: Size, work: Mapping[str, float]) -> int:
    """How often a worker's call repeats what this ceiling is the time of."""
    return specs.matmul_repeats(work[name]) if name == MATMUL else specs.repeats(size.m * size.n * size.itemsize)


def _of_work(seconds: Mapping[str, float], size: Size, work: Mapping[str, float]) -> dict[str, float]:
    """Ceiling → seconds for the work of one call, from those for one pass over the data.

    What a call has more of one part of the arithmetic than one of the other, it does at the rate of that part alone.
    """
    passes = {name: work[name] / amount for name, amount in specs.amounts(*size).items()}
    of_work = {name: taken * passes[name] for name, taken in seconds.items() if name in passes}
    if seconds.keys() >= {ARITHMETIC, *PARTS}:
        both = min(passes[part] for part in PARTS)
        rest = sum((passes[part] - both) * seconds[part] for part in PARTS)
        of_work[ARITHMETIC] = both * seconds[ARITHMETIC] + rest
    if MATMUL in seconds:
        of_work[MATMUL] = seconds[MATMUL]
    return of_work


def ceiling_table(
    rounds: Mapping[str, Sequence[Sequence[float]]], size: Size, work: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Ceiling → seconds for the work of one call and the rate; with several methods, also the seconds of each.

    rounds: by ceiling worker and launch. The seconds are means over the launches of their lower deciles.
    """
    ceilings = _methods(work)
    taken = {
        method: fmean(map(lower_decile, rounds[method])) / _repeats(name, size, work)
        for name, methods in ceilings.items()
        for method in methods
        if rounds.get(method)
    }
    timed = {name: [method for method in methods if method in taken] for name, methods in ceilings.items()}
    fastest = {name: min(taken[method] for method in methods) for name, methods in timed.items() if methods}
    table: dict[str, dict[str, float]] = {}
    for name, seconds in _of_work(fastest, size, work).items():
        table[name] = {"seconds": seconds}
        if unit := specs.UNITS.get(name, "flops" if name == MATMUL else ""):
            table[name][f"{unit}_per_second"] = work[name] / seconds
        if len(METHODS[name]) > 1:
            of_methods = {f"{method.strip('()')}_seconds": {name: taken[method]} for method in timed[name]}
            table[name] |= {key: _of_work(one, size, work)[name] for key, one in of_methods.items()}
    return table


def failures(outcomes: Mapping[str, tuple[str, str]]) -> list[dict[str, str]]:
    """The ceiling workers that failed, and why. outcomes: ceiling worker → outcome and reason."""
    return [
        {
            "name": method.strip("()"),
            "measures": name,
            "outcome": outcomes[method][0],
            "reason": outcomes[method][1],
        }
        for name, methods in METHODS.items()
        for method in methods
        if method in outcomes and outcomes[method][0] != "ok"
    ]


def log_fractions(
    ceilings: Sequence[Mapping[str, float]], kernel: Sequence[float], names: Iterable[str]
) -> list[float]:
    """The logarithm of the share of the ceiling in each launch: log(limiting ceiling / kernel's seconds).

    Empty unless every launch measured each of these ceilings.
    """
    if not ceilings or any(set(ceiling) != set(names) for ceiling in ceilings):
        return []
    name = limiting_ceiling(ceilings)
    return [log(ceiling[name] / seconds) for ceiling, seconds in zip(ceilings, kernel, strict=True)]


def limiting_ceiling(ceilings: Sequence[Mapping[str, float]]) -> str:
    """The ceiling that takes longest, over all launches."""
    return max(ceilings[0], key=lambda name: fmean(log(ceiling[name]) for ceiling in ceilings))


def level(bytes_of_x: int, threads: int, caches: Iterable[Mapping[str, Any]] | None) -> str | None:
    """`L1`, `L2`, `L3` or `memory`: the first level that holds all of X; None if the caches are not known.

    Each thread has an equal part of X. A cache that c cores share exists once for every c threads: one thread can use
    one cache of each level, and n threads can use n of the caches that belong to a single core.
    caches: as in the fingerprint: `level`, `bytes` of one cache, `shared_by` in cores.
    """
    listed = sorted(caches or (), key=lambda cache: int(cache["level"]))
    for cache in listed:
        instances = -(-threads // max(1, cache["shared_by"]))
        if bytes_of_x <= instances * cache["bytes"]:
            return f"L{cache['level']}"
    return MEMORY if listed else None


def with_cache_level(record: Record, caches: Iterable[Mapping[str, Any]] | None) -> Record:
    """The record with the level of its X; None for X on a GPU."""
    if record.device != "cpu":
        return record
    bytes_of_x = record.m * record.n * np.dtype(record.dtype).itemsize
    return replace(record, level=level(bytes_of_x, record.threads, caches))
