"""A hand-written run of two workloads, for the page and its charts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.results.record import Cold, Error, Fraction, Ratio, Record, Results, Seconds
from tests.support.records import MACHINE, OK, OPERATIONS

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>\x1b[31m\u2028\x07<b>"
SPEED = {"loops": 1.0, "numpy": 26.0, "numba": 157.0}
_CEILINGS = {
    "read": {"seconds": 1e-6, "bytes_per_second": 4e10},
    "sigmoid": {"seconds": 8e-7, "sigmoids_per_second": 1e9},
    "multiply": {"seconds": 2e-7, "flops_per_second": 2e11},
}


def timed(kernel: str, m: int, baseline: str) -> Record:
    seconds = 4e-7 * m / SPEED[kernel] + 3e-6
    speedup_over = {name: (4e-7 * m / speed + 3e-6) / seconds for name, speed in SPEED.items()}
    return replace(
        OK,
        id=f"gradient/{m}x4-f64/{kernel}/2",
        kernel=kernel,
        workload=f"{m}x4-f64",
        m=m,
        n=4,
        passes={"numba": 1, "numpy": 2}.get(kernel),
        bytes_per_call=8 * m * 5,
        seconds=Seconds(seconds, 0.97 * seconds, 1.03 * seconds),
        speedup=Ratio(
            speedup_over[baseline],
            0.95 * speedup_over[baseline],
            1.05 * speedup_over[baseline],
            baseline,
            "faster",
            5,
            40,
        ),
        over_numpy=Ratio(
            speedup_over["numpy"],
            0.95 * speedup_over["numpy"],
            1.05 * speedup_over["numpy"],
            "numpy",
            "faster",
            5,
            40,
        ),
        cold=Cold(
            import_seconds=0.2,
            placement_seconds=1e-6,
            compile_seconds=1.5 if kernel == "numba" else None,
            first_call_seconds=seconds,
        ),
        error=Error(0.004, {"ulps": 4.2}),
        work={"read": 8 * m * 5, "sigmoid": m, "multiply": 16 * m},
        ceiling=Fraction("read", min(0.9, 1e-6 / seconds), 1e-6 / seconds * 0.9, 1e-6 / seconds * 1.1),
        launch_spread=0.05,
        launches=3,
    )


def race(m: int, kernels: tuple[str, ...], rounds: int = 4, launches: int = 3) -> dict[str, Any]:
    return {
        "workload": f"{m}x4-f64",
        "operation": "gradient",
        "details": {},
        "threads": 2,
        "control": {"kernel": "numba", "estimate": 1.0, "low": 0.98, "high": 1.02, "trustworthy": True, "causes": []},
        "ceilings": _CEILINGS,
        "rounds": [
            {
                "kernel": kernel,
                "launch": launch,
                "order": [0] * rounds,
                "sweeps": list(range(rounds)),
                "seconds": [1e-5 + index * 1e-7] * rounds,
            }
            for index, kernel in enumerate(kernels)
            for launch in range(launches)
        ],
    }


_CACHES = [{"level": 1, "bytes": 2**15, "shared_by": 1}, {"level": 2, "bytes": 2**21, "shared_by": 1}]
_HARDWARE = {"cpu": "Some CPU", "cores": 2, "memory_gib": 8, "caches": _CACHES}
RUN = Results(
    {"began": "2026-01-02T03:04:05+00:00", "seconds": 30.0},
    MACHINE | {"hardware": _HARDWARE},
    (race(1000, ("loops", "numpy", "numba")), race(100_000, ("numpy", "numba"))),
    (
        *(timed(kernel, 1000, "loops") for kernel in SPEED),
        replace(timed("loops", 100_000, "numpy"), outcome="skipped", reason="too slow", seconds=None, speedup=None),
        *(timed(kernel, 100_000, "numpy") for kernel in ("numpy", "numba")),
    ),
    OPERATIONS,
)
