"""One run: what was chosen, what has been measured so far, and where it is kept. Knows nothing of pytest."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench import machine, selection
from bench.race import Race, estimated_seconds, race
from bench.record import Record, Results
from bench.selection import Entrant
from bench.workloads import Workload, preparation_seconds

CHECKOUT = Path(__file__).parent.parent
RESULTS = CHECKOUT / "results"


class Session:
    """The races of a run; each is run when the first of its records is asked for."""

    def __init__(self, entrants: list[Entrant], workloads: list[Workload], seconds: float) -> None:
        """seconds: about how long each kernel is timed on each workload; 0 checks agreement only."""
        self.entrants = {entrant.name: entrant for entrant in entrants}
        self.workloads = {workload.name: workload for workload in workloads}
        self.seconds = seconds
        self.plan: dict[str, list[Entrant]] = {}
        """Workload → those that race on it, baselines included."""
        self.races: dict[str, Race] = {}
        self._began = datetime.now(UTC)

    def choose(self, cells: Iterable[tuple[str, str]]) -> None:
        """Plan these (workload, kernel), with the baselines that they need."""
        chosen: dict[str, list[Entrant]] = {}
        for workload, kernel in cells:
            chosen.setdefault(workload, []).append(self.entrants[kernel])
        self.plan = {
            name: selection.with_baselines(entrants, self.workloads[name])
            for name, entrants in chosen.items()
        }

    def estimates(self) -> dict[tuple[str, str], float]:
        """Seconds for each (workload, kernel) of the plan; the first of a workload makes its data too."""
        return {
            (name, entrant.name): estimated_seconds(entrant, self.workloads[name], self.seconds)
            + (preparation_seconds(self.workloads[name]) if entrant is entrants[0] else 0.0)
            for name, entrants in self.plan.items()
            for entrant in entrants
        }

    def record(self, workload: str, kernel: str, tick: Callable[[str, str], None]) -> Record:
        """What the kernel did on the workload. The first to ask has the race run; tick(workload, kernel)."""
        if workload not in self.races:
            race(
                self.plan[workload],
                self.workloads[workload],
                self.seconds,
                tick=partial(tick, workload),
                keep=partial(self.races.__setitem__, workload),
            )
        return next(record for record in self.races[workload].records if record.kernel == kernel)

    def results(self) -> Results:
        """All that was measured so far."""
        run = {
            "began": self._began.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - self._began).total_seconds(), 1),
            "seconds_per_kernel": self.seconds,
        }
        races = tuple(self.races.values())
        records = tuple(record for race in races for record in race.records)
        return Results(run, machine.fingerprint(), tuple(race.as_json() for race in races), records)

    def reserve(self, folder: Path) -> Path:
        """Where this run's file will be. Raises OSError if nothing can be written there."""
        folder = folder / machine.identity()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder / f"{self._began:%Y%m%dT%H%M%SZ}-{commit(CHECKOUT)}.json"


def commit(folder: Path) -> str:
    """The checkout's commit, short, `-dirty` if tracked files differ from it; `nogit` outside of git."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "nogit"
