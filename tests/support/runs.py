"""Results of runs written by hand, with the machines, kernels and times that a test needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from math import log
from typing import Any

from bench.analysis import statistics
from bench.host import machine
from bench.results.record import Fraction, Ratio, Record, Results, Seconds
from bench.results.store import Run
from kernels.ceilings.specs import amounts
from tests.support.records import MACHINE, OPERATIONS

DIGEST = {"ones": 0.5, "size": 1.0, "placed": 0.01, "labelled": 0.02}
WOBBLE = (0.99, 1.0, 1.01, 1.0, 1.0)
"""Factors of five launches; their standard error is 0.32%."""


def machine_of(cpu: str = "Some CPU", cores: int = 2, **software: str) -> dict[str, Any]:
    """A fingerprint, with the id that fits its hardware."""
    fingerprint: dict[str, Any] = deepcopy(MACHINE)
    fingerprint["hardware"] |= {"cpu": cpu, "cores": cores, "gpus": [], "caches": []}
    fingerprint["software"]["libraries"] = {"numpy": "2.4.6", "numba": "0.68.1", **software}
    fingerprint["id"] = machine.short_id(fingerprint["hardware"])
    return fingerprint


def run(
    name: str,
    seconds: Mapping[str, float],
    ceiling: float | None = None,
    on: Mapping[str, Any] | None = None,
    workload: str = "lecture",
    wobble: Sequence[float] = WOBBLE,
    **more: Any,
) -> Run:
    """A run on one workload of 1000 × 2 in float64, with three equal rounds in each launch.

    seconds: kernel → seconds of a call
    ceiling: seconds for reading X and y, ten times those of the sigmoids and products
    wobble: a factor for the times of each launch
    more: threads, commit, began, data, trustworthy, m, device, operation, details, unreached (kernels)
    """
    threads, m, operation = more.get("threads", 2), more.get("m", 1000), more.get("operation", "gradient")
    steps = more.get("details", {}).get("steps", 0) + 1
    repeats = 2**25 // (m * 2 * 8)
    factors = {"(read-sum)": 1.5, "(read-bits)": 1.0, "(sigmoid)": 0.1, "(multiply)": 0.1}
    ceilings = {} if ceiling is None else {name: factor * ceiling * repeats for name, factor in factors.items()}
    rounds = [
        {"kernel": kernel, "launch": launch, "order": [0] * 3, "sweeps": [0, 1, 2], "seconds": [call * factor] * 3}
        for launch, factor in enumerate(wobble)
        for kernel, call in (dict(seconds) | ceilings).items()
    ]
    interval = statistics.interval([log(factor) for factor in wobble])
    center = interval.estimate if interval else wobble[0]
    records = tuple(
        Record(
            id=f"{operation}/{workload}/{kernel}/{threads}", operation=operation, kernel=kernel, backend="numpy",
            device=more.get("device", "cpu"), workload=workload, m=m, n=2, dtype="float64", order="C",
            threads=threads, outcome="ok", launches=len(wobble), rounds=3 * len(wobble),
            seconds=Seconds(call * center, 0.9 * call, 1.1 * call), bytes_per_call=m * 24,
            over_numpy=Ratio(2.0, 1.9, 2.1, "numpy", "faster"), speedup=Ratio(4.0, 3.9, 4.1, "loops", "faster"),
            ceiling=Fraction("read", ceiling / call, 0.9 * ceiling / call, 1.1 * ceiling / call) if ceiling else None,
            work={name: steps * amount for name, amount in amounts(m, 2, 8).items()},
            reached=kernel not in more.get("unreached", ()),
        )
        for kernel, call in seconds.items()
    )  # fmt: skip
    trustworthy = more.get("trustworthy", True)
    control: dict[str, Any] = {
        "kernel": "numba",
        "estimate": 1.0,
        "low": 0.9,
        "high": 1.1,
        "trustworthy": trustworthy,
        "causes": ["x"],
    }
    reading = {"seconds": ceiling, "bytes_per_second": m * 24 / ceiling} if ceiling else None
    race = {
        "workload": workload, "operation": operation, "details": more.get("details", {}), "threads": threads,
        "launches": len(wobble), "control": control, "rounds": rounds,
        "data": more.get("data", DIGEST), "ceilings": {"read": reading} if reading else None,
    }  # fmt: skip
    run_info = {
        "began": more.get("began", f"2026-01-02T03:04:05 {name}"), "threads": [threads], "launches": len(wobble),
        "commit": more.get("commit", "abc1234"),
    }  # fmt: skip
    return Run(name, Results(run_info, dict(on or machine_of()), (race,), records, OPERATIONS))
