"""Results of imagined runs, made by hand: machines, kernels and rounds as a test wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from math import log
from typing import Any

from bench.analysis import statistics
from bench.host import machine
from bench.results.record import Fraction, Ratio, Record, Results, Seconds
from bench.results.store import Run
from tests.support.records import MACHINE

DIGEST = {"ones": 0.5, "size": 1.0, "placed": 0.01, "labelled": 0.02}
WOBBLE = (0.99, 1.0, 1.01, 1.0, 1.0)
"""Of five launches: their standard error is 0.32%."""


def machine_of(cpu: str = "Some CPU", cores: int = 2, **software: str) -> dict[str, Any]:
    """A fingerprint with its own id."""
    fingerprint: dict[str, Any] = deepcopy(MACHINE)
    fingerprint["hardware"] |= {"cpu": cpu, "cores": cores, "gpus": [], "caches": []}
    fingerprint["software"]["libraries"] = {"numpy": "2.4.6", "numba": "0.68.1", **software}
    fingerprint["id"] = machine.short_id(fingerprint["hardware"])
    return fingerprint


def run(
    name: str,
    seconds: Mapping[str, float],
    limit: float | None = None,
    on: Mapping[str, Any] | None = None,
    workload: str = "lecture",
    wobble: Sequence[float] = WOBBLE,
    **more: Any,
) -> Run:
    """Of one workload of 1000 × 2 in float64, three equal rounds a launch.

    seconds: kernel → of a call; limit: seconds for reading X and y, ten times those of the sigmoids and products;
    more: threads, commit, began, data, trustworthy, m, device
    """
    threads, m = more.get("threads", 2), more.get("m", 1000)
    repeats = 2**25 // (m * 2 * 8)
    ways = {"(read-sum)": 1.5, "(read-bits)": 1.0, "(sigmoid)": 0.1, "(multiply)": 0.1}
    limits = {} if limit is None else {way: share * limit * repeats for way, share in ways.items()}
    rounds = [
        {"kernel": kernel, "launch": launch, "order": [0] * 3, "seconds": [own * luck] * 3}
        for launch, luck in enumerate(wobble)
        for kernel, own in (dict(seconds) | limits).items()
    ]
    usual = statistics.interval([log(luck) for luck in wobble])
    middle = usual.estimate if usual else wobble[0]
    records = tuple(
        Record(
            id=f"gradient/{workload}/{kernel}/{threads}", operation="gradient", kernel=kernel, backend="numpy",
            device=more.get("device", "cpu"), workload=workload, m=m, n=2, dtype="float64", order="C",
            threads=threads, outcome="ok", launches=len(wobble), rounds=3 * len(wobble),
            seconds=Seconds(own * middle, 0.9 * own, 1.1 * own), bytes_per_call=m * 24,
            over_numpy=Ratio(2.0, 1.9, 2.1, "numpy", "faster"), speedup=Ratio(4.0, 3.9, 4.1, "loops", "faster"),
            ceiling=None if limit is None else Fraction("read", limit / own, 0.9 * limit / own, 1.1 * limit / own),
        )
        for kernel, own in seconds.items()
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
    reading = {"seconds": limit, "bytes_per_second": m * 24 / limit} if limit else None
    race = {
        "workload": workload, "threads": threads, "launches": len(wobble), "control": control, "rounds": rounds,
        "data": more.get("data", DIGEST), "ceilings": {"read": reading} if reading else None,
    }  # fmt: skip
    about = {
        "began": more.get("began", f"2026-01-02T03:04:05 {name}"), "threads": [threads], "launches": len(wobble),
        "commit": more.get("commit", "abc1234"),
    }  # fmt: skip
    return Run(name, Results(about, dict(on or machine_of()), (race,), records))
