"""What a run is of, and how one that was interrupted goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.host import machine
from bench.host.checkout import CHECKOUT, commit, sources
from bench.results import journal
from bench.results.journal import Journal
from bench.results.samples import Candidate, LaunchResult
from bench.runner.settings import Settings
from bench.workloads.catalog import Workload

_SHOWN = 200
"""Characters of what another run was of; a profile's plan has thousands."""


def describe(
    plan: Mapping[str, Sequence[Candidate]],
    settings: Settings,
    candidates: Mapping[str, Candidate],
    workloads: Mapping[str, Workload],
) -> dict[str, Any]:
    """What a run is of: a journal goes on only with the same.

    plan: workload → those that race on it
    entrants, workloads: all that the run knows, by name
    """
    return {
        "profile": settings.profile,
        "plan": {name: [candidate.name for candidate in racing] for name, racing in plan.items()},
        "seconds": settings.seconds,
        "launches": settings.launches,
        "threads": {name: list(settings.threads_of(name)) for name in plan},
        "ceilings": settings.ceilings,
        "machine": machine.identity(),
        "commit": commit(CHECKOUT),
        "sources": sources([candidate.spec for candidate in candidates.values()]),
        "workloads": {name: [workloads[name].m, workloads[name].n] for name in plan},
    }


def keep_journal(results: Path, described: dict[str, Any]) -> Journal:
    """The journal beside the results file, of the run that is described. Raises OSError."""
    return Journal(results.with_suffix(journal.SUFFIX), described)


def resume(folder: Path, described: Mapping[str, Any]) -> tuple[Path, list[LaunchResult]]:
    """The results file of the folder's last unfinished run, and what it has measured.

    Raises ValueError, in one line, if there is none, or it was of something else than described.
    """
    other = ""
    for path in reversed(journal.unfinished(folder)):
        planned, blocks = journal.read(path)
        differs = next((key for key, value in described.items() if planned.get(key) != value), None)
        if differs is None:
            return path.with_suffix(".json"), blocks
        other = other or f": {path.name} was of another {differs}: {str(planned.get(differs))[:_SHOWN]}"
    raise ValueError(f"there is no unfinished run of this to resume{other}")
