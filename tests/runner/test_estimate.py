"""The estimated duration of a run, compared with how long committed runs took, and how it grows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.host import resources
from bench.results import run_file
from bench.results.record import Results
from bench.results.samples import Candidate
from bench.runner import estimate
from bench.runner.session import Session
from bench.runner.settings import Settings
from bench.workloads import catalog
from tests.support.committed import each_committed

FACTOR = 1.5
RESUMED = "20261123T071430Z-55abef8"
"""This version counted only the seconds after the run was resumed."""


def planned(results: Results) -> Session:
    """A session with the plan of the run that gave these results."""
    threads: dict[str, dict[int, None]] = {}
    for record in results.records:
        threads.setdefault(record.workload, {})[record.threads] = None
    settings = Settings(
        results.run["seconds_per_kernel"],
        results.run["launches"],
        ceilings=any(race["ceilings"] for race in results.races),
        threads_on={workload: tuple(counts) for workload, counts in threads.items()},
    )
    cells = [(record.workload, record.kernel) for record in results.records if record.outcome != "unavailable"]
    candidates = [Candidate(kernel) for kernel in dict.fromkeys(kernel for _, kernel in cells)]
    session = Session(candidates, [catalog.named(name) for name in threads], settings)
    session.choose(cells, baselines=False)
    return session


@each_committed("path")
def test_the_estimate_fits_committed_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = run_file.read(path)
    cache = max(cache["bytes"] for cache in results.machine["hardware"]["caches"])
    monkeypatch.setattr(resources, "last_level_cache_bytes", lambda: cache)
    if results.machine["hardware"]["cores"] != 2:
        pytest.skip("the estimate is for two cores")
    took = results.run["seconds"]
    if path.stem == RESUMED:
        took = sum(sum(launch.values()) for race in results.races for launch in race["seconds"])
    assert 1 / FACTOR < planned(results).estimated_seconds() / took < FACTOR


def seconds(name: str = "10000x32-f64", kernels: str = "numpy jax", threads: int = 2, **settings: object) -> float:
    candidates = [Candidate(kernel) for kernel in kernels.split()]
    chosen = replace(Settings(1.0, 5), **settings)  # type: ignore[arg-type]
    return estimate.race_seconds(candidates, catalog.named(name), chosen, threads)


def test_more_work_takes_longer() -> None:
    assert seconds(launches=10) > seconds()
    assert seconds(seconds=2.0) > 1.5 * seconds()
    assert seconds(ceilings=True) > seconds()
    assert seconds(kernels="numpy jax numba") > seconds()
    assert seconds(seconds=0.0) < seconds()
    assert seconds("1000000x32-f64", threads=1) > seconds("1000000x32-f64") > seconds()


def test_a_skipped_kernel_takes_no_time() -> None:
    assert seconds("1000000x32-f64", kernels="loops numpy jax") == seconds("1000000x32-f64")


def test_loops_that_cross_columns_and_wide_layers_take_longer() -> None:
    by_rows, by_columns = (seconds(f"65536x1024-f32{order}", kernels="numba-loops") for order in ("", "-F"))
    assert by_columns > 1.5 * by_rows
    narrow, wide = (seconds(f"network:50000x32-f64-2x{width}-relu") for width in (8, 512))
    assert wide > 5 * narrow


def test_many_rows_take_longer_than_many_columns() -> None:
    # the same bytes, but 512 times the sigmoids
    assert seconds("33554432x2-f32") > 2 * seconds("65536x1024-f32")
    assert catalog.named("16777216x2-f64").preparation_seconds > 20
