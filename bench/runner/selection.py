"""From the kernel and workload names on a command line to candidates and workloads."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.results.samples import Candidate
from bench.worker import environment
from bench.worker.messages import Request, WorkerFailed
from bench.worker.process import Limits, WorkerProcess
from bench.workloads import catalog
from bench.workloads.catalog import Workload
from kernels import names, registry

_LOADING_SECONDS = 60.0
"""Timeout for importing a user's file."""


def choose_kernels(listed: str | None, default: Sequence[str] = ()) -> list[Candidate]:
    """The kernels that `--kernels a,b` names; for None the default, or else all that are not on request only.

    Raises ValueError, in one line, for an unknown name, a file that cannot be imported or has no such
    attribute, and two kernels that would have the same name in results.
    """
    default = default or [name for name in names() if name not in registry.ON_REQUEST]
    specs = dict.fromkeys(default if listed is None else _split(listed, "--kernels"))
    candidates = [Candidate(spec, requested=listed is not None) for spec in specs]
    require_names(candidates)
    for candidate in candidates:
        if candidate.spec not in names():
            _require(candidate.spec)
    return candidates


def require_names(candidates: Sequence[Candidate]) -> None:
    """Raise ValueError if a kernel is unknown, or if two would have the same name in results."""
    chosen: dict[str, str] = {}
    for candidate in candidates:
        if candidate.name in chosen:
            raise ValueError(
                f"{chosen[candidate.name]} and {candidate.spec} would both be called {candidate.name}; rename one"
            )
        chosen[candidate.name] = candidate.spec


def _require(spec: str) -> None:
    """Raise ValueError unless the user's kernel can be loaded; it is loaded in a separate process."""
    worker = WorkerProcess(environment.of_worker(1, None), None, Limits(_LOADING_SECONDS, sys.maxsize))
    try:
        worker.request(Request("load", {"spec": spec, "data_limit": None}))
    except WorkerFailed as failure:
        if failure.bad_spec:
            raise ValueError(failure.reason) from None
        # any other failure becomes the outcome in the kernel's record
    finally:
        worker.kill()


def choose_workloads(
    listed: str | None,
    data: Path | None = None,
    target: str | None = None,
    kernels: int = 1,
    default: Sequence[str] = catalog.DEFAULT,
) -> list[Workload]:
    """The workloads that `--workloads a,b` names and the one in `--data FILE`; without both, the default set.

    kernels: how many race on each

    Raises ValueError, in one line, for an unknown name, a file without a valid problem, and a size that does not
    fit into memory; DatasetUnavailable if the library that reads the file is missing.
    """
    if target is not None and data is None:
        raise ValueError("--target names a column of --data FILE, and there is no --data")
    workload_names = (() if data else default) if listed is None else _split(listed, "--workloads")
    chosen = {workload.name: workload for workload in map(catalog.named, workload_names)}
    if listed is not None:  # in the default set, a workload whose data is not installed is skipped
        for workload in chosen.values():
            workload.require()
    if data is not None:
        from_file = catalog.from_file(data, target)
        chosen[from_file.name] = from_file
    for workload in chosen.values():
        catalog.require_memory(workload, kernels)
    return list(chosen.values())


def with_baselines(candidates: Sequence[Candidate], workload: Workload) -> list[Candidate]:
    """The candidates, preceded by the workload's baseline and numpy if these are missing."""
    chosen = {candidate.spec for candidate in candidates}
    missing = [name for name in dict.fromkeys((workload.baseline, "numpy")) if name not in chosen]
    return [*(Candidate(name, selected=False) for name in missing), *candidates]


def _split(listed: str, option: str) -> list[str]:
    values = [value.strip() for value in listed.split(",") if value.strip()]
    if not values:
        raise ValueError(f"{option} is empty; expected names separated by commas")
    return values
