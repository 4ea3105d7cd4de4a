"""On which level of the memory a matrix fits. Pure: it is told what the caches are.

Apart from the fingerprint because records of any machine are labelled, not only this one's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bench.results.record import Record

MEMORY = "memory"


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


def labelled(record: Record, caches: Iterable[Mapping[str, Any]] | None) -> Record:
    """The record with its X's level; X on a GPU is on none of these."""
    if record.device != "cpu":
        return record
    bytes_of_x = record.m * record.n * np.dtype(record.dtype).itemsize
    return replace(record, level=level(bytes_of_x, record.threads, caches))
