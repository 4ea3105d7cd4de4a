"""Which kernels race on which workloads: from the words of a command to workloads and entrants."""

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
"""For importing a user's file."""


def choose_kernels(listed: str | None, default: Sequence[str] = ()) -> list[Candidate]:
    """The entrants that `--kernels a,b` names; for None the default, or all but those on request.

    Raises ValueError, in one line, for an unknown name, a file that cannot be imported or has no such
    attribute, and two kernels that would have one name in results.
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
    """Raise ValueError where there is no such kernel, or two would have one name in results."""
    chosen: dict[str, str] = {}
    for candidate in candidates:
        if candidate.name in chosen:
            raise ValueError(
                f"{chosen[candidate.name]} and {candidate.spec} would both be called {candidate.name}; rename one"
            )
        chosen[candidate.name] = candidate.spec


def _require(spec: str) -> None:
    """Raise ValueError unless a kernel of the user's can be loaded: tried in a process of its own."""
    worker = WorkerProcess(environment.of_worker(1, None), None, Limits(_LOADING_SECONDS, sys.maxsize))
    try:
        worker.request(Request("load", {"spec": spec, "data_limit": None}))
    except WorkerFailed as ended:
        if ended.invalid:
            raise ValueError(ended.reason) from None
        # anything else is an outcome, which its record will tell
    finally:
        worker.kill()


def choose_workloads(
    listed: str | None,
    data: Path | None = None,
    target: str | None = None,
    kernels: int = 1,
    default: Sequence[str] = catalog.DEFAULT,
) -> list[Workload]:
    """The workloads that `--workloads a,b` names and the one in `--data FILE`; the default set without both.

    kernels: how many race on them.

    Raises ValueError, in one line, for an unknown name, a file that is no problem of the domain, and a size
    that cannot fit into memory; DatasetUnavailable where a library that reads the file is missing.
    """
    if target is not None and data is None:
        raise ValueError("--target names a column of --data FILE, and there is no --data")
    words = (() if data else default) if listed is None else _split(listed, "--workloads")
    chosen = {workload.name: workload for workload in map(catalog.named, words)}
    if listed is not None:  # in the default set, data that is not installed is skipped
        for workload in chosen.values():
            workload.require()
    if data is not None:
        own = catalog.from_file(data, target)
        chosen[own.name] = own
    for workload in chosen.values():
        catalog.require_memory(workload, kernels)
    return list(chosen.values())


def with_baselines(candidates: Sequence[Candidate], workload: Workload) -> list[Candidate]:
    """The entrants, and before them the workload's baseline and numpy where they are not among them."""
    chosen = {candidate.spec for candidate in candidates}
    missing = [name for name in dict.fromkeys((workload.baseline, "numpy")) if name not in chosen]
    return [*(Candidate(name, selected=False) for name in missing), *candidates]


def _split(listed: str, option: str) -> list[str]:
    words = [word.strip() for word in listed.split(",") if word.strip()]
    if not words:
        raise ValueError(f"{option} is empty; expected names with commas between them")
    return words
