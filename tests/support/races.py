"""Races of launch results written by hand: no clock, no process."""

from __future__ import annotations

from typing import Any

from bench.analysis.race import Race
from bench.results.samples import Candidate, KernelSamples, LaunchResult
from bench.workloads import catalog

LECTURE = catalog.named("lecture")
COUNTERS = {
    "cores_used": 1.0, "busy_threads": 1, "page_faults_per_call": 0.0, "switches_per_round": 0.0,
    "spin_seconds": 2e-5, "compiled_again": 0, "cores": [0, 1], "threads": 3, "peak_bytes": 1, "pools": [],
}  # fmt: skip
KERNEL = {"backend": "numpy", "device": "cpu", "passes": 2, "compiles": False}


def samples(seconds: float, compiles: bool = False, cold: dict[str, Any] | None = None, **more: Any) -> KernelSamples:
    """seconds: the lower decile of the rounds"""
    rounds = more.pop("rounds", tuple(seconds * (1 + 0.001 * max(0, step)) for step in range(-1, 6)))
    check_results = ({"check": "data", "bound_fraction": 0.1, "figures": {"ulps": 4.0}, "failure": ""},)
    return KernelSamples(
        **{
            "outcome": "ok", "kernel": {**KERNEL, "compiles": compiles}, "check_results": check_results,
            "cold": cold or {}, "iterations": 10, "rounds": rounds, "sweeps": tuple(range(len(rounds))),
            "positions": (0,) * len(rounds), "counters": COUNTERS, **more,
        }
    )  # fmt: skip


def race(launches: list[dict[str, KernelSamples]], control_of: str | None = None) -> Race:
    names = dict.fromkeys(name for launch in launches for name in launch if "(" not in name)
    launch_results = tuple(
        LaunchResult("lecture", 2, number, launch, control_of) for number, launch in enumerate(launches)
    )
    return Race(LECTURE, 2, launch_results, tuple(Candidate(name) for name in names))
