"""The cache level that a matrix fits, with private and shared caches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.analysis.roofline import level, with_cache_level
from tests.support.records import OK

KB, MB = 2**10, 2**20
CACHES: list[dict[str, Any]] = [
    {"level": 3, "bytes": 32 * MB, "shared_by": 8},
    {"level": 1, "bytes": 48 * KB, "shared_by": 1},
    {"level": 2, "bytes": 1 * MB, "shared_by": 2},
]


@pytest.mark.parametrize(
    ("size", "threads", "expected"),
    [
        (16 * KB, 1, "L1"),
        (48 * KB, 1, "L1"),
        (48 * KB + 1, 1, "L2"),
        (96 * KB, 2, "L1"),  # each core has half of X in its own cache
        (MB + 1, 2, "L3"),  # two cores share one L2
        (2 * MB, 3, "L2"),  # a third core has another L2
        (32 * MB, 8, "L3"),
        (32 * MB + 1, 8, "memory"),
        (64 * MB, 9, "L3"),
        (256 * MB, 64, "L3"),
        (256 * MB, 1, "memory"),
    ],
)
def test_the_level_is_the_first_that_holds_all_of_x(size: int, threads: int, expected: str) -> None:
    assert level(size, threads, CACHES) == expected


def test_unknown_caches_give_no_level() -> None:
    assert level(MB, 1, []) is None
    assert level(MB, 1, None) is None


def test_a_records_level_depends_only_on_the_size_of_x_and_the_device() -> None:
    large = replace(OK, m=2**17, n=32, dtype="float64", threads=1)
    assert with_cache_level(large, CACHES).level == "L3"
    assert with_cache_level(replace(large, dtype="float32", n=2), CACHES).level == "L2"
    assert with_cache_level(replace(large, device="gpu"), CACHES).level is None
