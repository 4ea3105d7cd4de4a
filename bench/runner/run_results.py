"""The results of a run, what its wall time was spent on, and the path of its results file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bench.analysis import race as race_analysis, roofline
from bench.analysis.race import Race
from bench.analysis.race_json import race_json
from bench.analysis.statistics import STATISTIC
from bench.host import machine
from bench.host.checkout import CHECKOUT, commit
from bench.results.describe import describe_operation
from bench.results.record import Results
from bench.results.samples import LaunchResult
from bench.runner.settings import Settings


@dataclass
class WallTime:
    """Wall time of a run by purpose, in seconds; counted from when this object is made."""

    start: float = 0.0
    """Before the first round: starting workers, importing, compiling and checking."""
    rounds: float = 0.0
    cold: float = 0.0
    """Compiling with an empty cache, in workers of its own."""
    earlier: float = 0.0
    """Spent before the run was resumed."""
    began: float = field(default_factory=time.monotonic)

    def add(self, launch_result: LaunchResult) -> None:
        """Add the time of a launch."""
        seconds = launch_result.seconds
        self.start += seconds.get("start", 0.0) + seconds.get("prepare", 0.0)
        self.rounds += seconds.get("rounds", 0.0)
        self.cold += seconds.get("cold", 0.0)

    def add_earlier(self, launch_result: LaunchResult) -> None:
        """Add the time of a launch that was measured before the run was resumed."""
        self.add(launch_result)
        self.earlier += sum(launch_result.seconds.values())

    @property
    def total(self) -> float:
        """The run's wall time until now, in seconds."""
        return self.earlier + time.monotonic() - self.began

    def budget(self) -> dict[str, float]:
        """Seconds for start-up (workers, imports, checks), timed rounds, cold compilation, and the rest."""
        return {
            "start_seconds": round(self.start, 1),
            "rounds_seconds": round(self.rounds, 1),
            "cold_seconds": round(self.cold, 1),
            "rest_seconds": round(self.total - self.start - self.rounds - self.cold, 1),
        }


def results(
    races: Sequence[Race], settings: Settings, threads: Sequence[int], began: datetime, wall_time: WallTime
) -> Results:
    """All that was measured so far. threads: all numbers of threads in the plan."""
    untrusted = race_analysis.untrusted_races(races)
    run = {
        "began": began.isoformat(timespec="seconds"),
        "commit": commit(CHECKOUT),
        "seconds": round(wall_time.total, 1),
        "seconds_per_kernel": settings.seconds,
        "launches": max((len(race.launch_results) for race in races), default=0),
        "profile": settings.profile,
        "threads": list(threads),
        "statistic": STATISTIC,
        "timeout_seconds": settings.timeout,
        "budget": wall_time.budget(),
    }
    fingerprint = machine.fingerprint()
    caches = fingerprint["hardware"]["caches"]
    records = tuple(roofline.with_cache_level(record, caches) for race in races for record in race.records)
    operations = {race.workload.definition.name: describe_operation(race.workload.definition) for race in races}
    return Results(run, fingerprint, tuple(race_json(race, untrusted) for race in races), records, operations)


def reserve(folder: Path, began: datetime) -> Path:
    """The path for the results file of a run that began then. Raises OSError if the folder is not writable."""
    folder = folder / machine.identity()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder / f"{began:%Y%m%dT%H%M%SZ}-{commit(CHECKOUT)}.json"
