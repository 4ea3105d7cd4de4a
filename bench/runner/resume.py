"""What a run measures, as its journal describes it, and how an interrupted run continues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.host import machine
from bench.host.checkout import CHECKOUT, commit, source_digest
from bench.results import journal
from bench.results.journal import Journal
from bench.results.samples import Candidate, LaunchResult
from bench.runner.settings import Settings
from bench.workloads.catalog import Workload

_SHOWN_CHARACTERS = 200
"""Of the value that differs: a profile's plan has thousands."""


def describe(
    plan: Mapping[str, Sequence[Candidate]],
    settings: Settings,
    candidates: Mapping[str, Candidate],
    workloads: Mapping[str, Workload],
) -> dict[str, Any]:
    """Everything that must be the same for a run to continue.

    plan: workload → the candidates that race on it
    candidates, workloads: all that the run knows, by name
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
        "sources": source_digest([candidate.spec for candidate in candidates.values()]),
        "workloads": {name: [workloads[name].m, workloads[name].n] for name in plan},
    }


def keep_journal(results: Path, description: dict[str, Any]) -> Journal:
    """Open the journal beside the results file. Raises OSError."""
    return Journal(results.with_suffix(journal.SUFFIX), description)


def resume_run(folder: Path, description: Mapping[str, Any]) -> tuple[Path, list[LaunchResult]]:
    """The results file of the folder's last unfinished run, and what that run has measured.

    Raises ValueError, in one line, if there is none, or none that fits the description.
    """
    mismatch = ""
    for path in reversed(journal.unfinished(folder)):
        planned, launch_results = journal.read(path)
        different = next((key for key, value in description.items() if planned.get(key) != value), None)
        if different is None:
            return path.with_suffix(".json"), launch_results
        shown = str(planned.get(different))[:_SHOWN_CHARACTERS]
        mismatch = mismatch or f": {path.name} has another {different}: {shown}"
    raise ValueError(f"there is no unfinished run to resume with these options{mismatch}")
