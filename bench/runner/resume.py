"""What a run measures, as its journal describes it, and how an interrupted run continues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
_SHOWN_JOURNALS = 3
"""Of those that were skipped: a folder may have the journals of many old runs."""


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


@dataclass(frozen=True)
class ResumedRun:
    """A run that continues."""

    journal: Journal
    launch_results: list[LaunchResult]
    skipped: tuple[str, ...]
    """For each later journal, why another was taken."""


def keep_journal(results: Path, description: dict[str, Any]) -> Journal:
    """A new journal beside the results file. Raises OSError."""
    return Journal.create(results.with_suffix(journal.SUFFIX), description)


def resume_run(folder: Path, description: Mapping[str, Any]) -> ResumedRun:
    """The folder's last unfinished run that fits the description.

    Raises ValueError, in one line, if there is none.
    """
    skipped: list[str] = []
    for path in reversed(journal.unfinished(folder)):
        try:
            taken, planned, launch_results = Journal.take_over(path)
        except ValueError as error:
            skipped.append(f"{path.name} ({error})")
            continue
        different = next((key for key, value in description.items() if planned.get(key) != value), None)
        if different is None:
            return ResumedRun(taken, launch_results, tuple(skipped))
        taken.close()
        skipped.append(f"{path.name} (another {different}: {str(planned.get(different))[:_SHOWN_CHARACTERS]})")
    raise ValueError(f"there is no unfinished run to resume with these options{list_skipped(skipped)}")


def list_skipped(skipped: Sequence[str]) -> str:
    """`; skipped A.journal (broken: it is empty)`, the latest first; nothing if none was."""
    if not skipped:
        return ""
    more = len(skipped) - _SHOWN_JOURNALS
    return f"; skipped {', '.join(skipped[:_SHOWN_JOURNALS])}{f' and {more} more' if more > 0 else ''}"
