"""A hand-written run of two operations: one with curves, a ceiling and figures; one that has none of the three."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.results.record import Cold, Error, Fraction, Ratio, Record, Results, Seconds
from tests.support.records import MACHINE

DESCEND: dict[str, Any] = {
    "summary": "so many steps",
    "figures": {"slips": "largest error of a single step", "others": "not a column"},
    "texts": {
        "bytes": "bytes of the data once a step, divided by the time",
        "ceiling": "100% is the longest of three",
        "curve": "cost",
    },
    "options": ["steps", "learning_rate"],
}
SORT: dict[str, Any] = {"summary": "a sorted copy", "figures": {}, "texts": {}, "options": []}
STEPS = 8
SECONDS = {"loops": 2e-3, "numpy": 4e-4, "jax": 1.6e-4, "numba-compiled": 2e-5, "numba": 1e-5}
"""Of a descent of 1000 × 2. The fastest, `numba`, does not get to where the operation asks it to."""
COSTS = [0.7 * 0.8**step for step in range(STEPS + 1)]
_SORTING = {"numpy": 3e-5, "jax": 9e-5}


def descended(kernel: str, m: int = 1000) -> Record:
    """A kernel's descent."""
    seconds, reached = SECONDS[kernel] * m / 1000, kernel != "numba"
    ratio = SECONDS["loops"] / SECONDS[kernel]
    over_numpy = SECONDS["numpy"] / SECONDS[kernel]
    work = {"read": 8.0 * 3 * m * STEPS, "sigmoid": 1.0 * m * STEPS, "multiply": 8.0 * m * STEPS}
    return Record(
        id=f"descend/{m}x2-f64/{kernel}/2", operation="descend", kernel=kernel, backend="numpy", device="cpu",
        workload=f"descend:{m}x2-f64", m=m, n=2, dtype="float64", order="C", threads=2, outcome="ok", passes=1,
        reached=reached, error=Error(0.01, {"slips": 4.5, "others": 99.0}), level="L1",
        curves={"cost": COSTS if reached else [cost + 0.01 for cost in COSTS]},
        cold=Cold(0.2, 1e-4, 3e-5, None, 1.5 if "numba" in kernel else None, None, 2 * seconds),
        break_even={"loops": 3, **({} if kernel in ("loops", "numpy") else {"numpy": 1_234})},
        launches=5, rounds=50, seconds=Seconds(seconds, 0.99 * seconds, 1.01 * seconds),
        speedup=Ratio(ratio, 0.99 * ratio, 1.01 * ratio, "loops", "faster", 5) if reached else None,
        over_numpy=Ratio(over_numpy, 0.99 * over_numpy, 1.01 * over_numpy, "numpy") if reached else None,
        launch_spread=0.01, work=work, bytes_per_call=24 * m * STEPS,
        gigabytes_per_second=24 * m * STEPS / seconds / 1e9,
        ceiling=Fraction("read", 5e-6 / SECONDS[kernel], 4e-6 / SECONDS[kernel], 6e-6 / SECONDS[kernel])
        if reached
        else None,
    )  # fmt: skip


def sorted_by(kernel: str) -> Record:
    """A kernel's sort, which is of the same data."""
    seconds, ratio = _SORTING[kernel], _SORTING["numpy"] / _SORTING[kernel]
    return Record(
        id=f"sort/1000x2-f64/{kernel}/2", operation="sort", kernel=kernel, backend="numpy", device="cpu",
        workload="sort:1000x2-f64", m=1000, n=2, dtype="float64", order="C", threads=2, outcome="ok",
        cold=Cold(0.1, 1e-4, first_call_seconds=seconds), break_even={}, launches=5, rounds=50, launch_spread=0.02,
        seconds=Seconds(seconds, 0.99 * seconds, 1.01 * seconds),
        speedup=Ratio(ratio, 0.99 * ratio, 1.01 * ratio, "numpy", "slower", 5),
        over_numpy=Ratio(ratio, 0.99 * ratio, 1.01 * ratio, "numpy", "slower", 5),
    )  # fmt: skip


def _descent(m: int) -> dict[str, Any]:
    taken = {"read": 5e-6, "sigmoid": 2e-6, "multiply": 1e-6}
    work, units = descended("numpy", m).work or {}, {"read": "bytes", "sigmoid": "sigmoids", "multiply": "flops"}
    return {
        "workload": f"descend:{m}x2-f64",
        "operation": "descend",
        "details": {"steps": STEPS, "learning_rate": 0.31249, "L": 3.2},
        "threads": 2,
        "ceilings": {
            name: {"seconds": seconds, f"{units[name]}_per_second": work[name] / seconds}
            for name, seconds in taken.items()
        },
    }


RUN = Results(
    {"began": "2026-01-02T03:04:05+00:00"},
    MACHINE,
    (
        {"workload": "sort:1000x2-f64", "operation": "sort", "details": {}, "threads": 2, "ceilings": None},
        _descent(1000),
        _descent(10_000),
    ),
    (
        *map(sorted_by, _SORTING),
        *(descended(kernel, m) for m in (1000, 10_000) for kernel in SECONDS),
    ),
    {"sort": SORT, "descend": DESCEND},
)
SORT_ONLY = replace(RUN, races=RUN.races[:1], records=RUN.records[:2], operations={"sort": SORT})
