"""Runs of several workloads on made-up machines, with sweeps, drift and launches that vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.results.store import Run
from tests.support.runs import machine_of, run

KERNELS = {"loops": 4e-3, "numpy": 3e-4, "jax": 2e-4, "numba": 5e-5}
WORKLOADS = {"small": 1000, "middle": 20_000, "large": 400_000}
"""Workload → m; with two float64 features, X is in L1, L2 and memory of CACHES."""
CACHES = [
    {"level": 1, "bytes": 32768, "line_bytes": 64, "shared_by": 1},
    {"level": 2, "bytes": 1048576, "line_bytes": 64, "shared_by": 1},
]
PERIODS = {"loops": 8, "jax": 2}


@dataclass(frozen=True)
class Noise:
    """Standard deviations of logarithms: what varies between runs, launches and rounds."""

    drift: float = 0.0
    """Of a run, in all cells alike."""
    pace: float = 0.0
    """Of a launch, in all cells alike."""
    between: float = 0.0
    """Of a cell in a run."""
    cell: float = 0.0
    """Of a cell in a launch."""
    rounds: float = 0.0


def many(
    name: str,
    rng: np.random.Generator,
    noise: Noise = Noise(),
    speed: Mapping[str, float] | float = 1.0,
    ceiling: Mapping[str, float] | float = 1.0,
    launches: int = 5,
    sweeps: int = 8,
    cpu: str = "Some CPU",
    workloads: Mapping[str, int] | None = None,
    **more: Any,
) -> Run:
    """A run of all workloads. Slow kernels take part in some sweeps only.

    speed: how many times as fast the machine is, of all kernels or by kernel; ceiling: the same of the ceilings, of
    all or by workload
    """
    machine = machine_of(cpu)
    machine["hardware"] |= {"caches": CACHES}
    shift = noise.drift * rng.standard_normal() + noise.pace * rng.standard_normal(launches)
    parts = []
    for workload, m in (workloads or WORKLOADS).items():
        of_ceiling = ceiling if isinstance(ceiling, float) else ceiling[workload]
        seconds = {
            kernel: value * m / 1000 / (speed if isinstance(speed, float) else speed.get(kernel, 1.0))
            for kernel, value in KERNELS.items()
        }
        made = run(
            name, seconds, ceiling=1e-6 * m / 1000 / of_ceiling, on=machine, workload=workload, m=m,
            wobble=[1.0] * launches, data={"size": float(m)}, **more,
        )  # fmt: skip
        by_kernel: dict[str, Any] = {}
        rounds = []
        for part in made.results.races[0]["rounds"]:
            kernel, launch = part["kernel"], part["launch"]
            of_cell = by_kernel.setdefault(kernel, noise.between * rng.standard_normal())
            logs = shift[launch] + of_cell + noise.cell * rng.standard_normal()
            taken = list(range(0, sweeps, PERIODS.get(kernel, 1)))
            factors = np.exp(logs + noise.rounds * rng.standard_normal(len(taken)))
            values = [float(part["seconds"][0] * factor) for factor in factors]
            rounds.append({**part, "order": [0] * len(taken), "sweeps": taken, "seconds": values})
        parts.append(replace(made.results, races=({**made.results.races[0], "rounds": rounds},)))
    return Run(name, joined(parts))


def joined(results: Sequence[Any]) -> Any:
    """One run with the races and records of all."""
    races, records = (tuple(part for one in results for part in getattr(one, key)) for key in ("races", "records"))
    return replace(results[0], races=races, records=records)


def slowed(one: Run, kernel: str, workload: str, factor: float) -> Run:
    """The same run with one cell that is slower by the factor."""
    races = [
        {
            **race,
            "rounds": [
                {**part, "seconds": [factor * value for value in part["seconds"]]}
                if (part["kernel"], race["workload"]) == (kernel, workload)
                else part
                for part in race["rounds"]
            ],
        }
        for race in one.results.races
    ]
    return Run(one.name, replace(one.results, races=tuple(races)))
