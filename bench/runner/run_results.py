"""What came of a run, as its results; what its time was spent on; and where its file is to be."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bench.analysis import race as race_analysis
from bench.analysis import roofline
from bench.analysis.race import Race
from bench.host import machine
from bench.host.checkout import CHECKOUT, commit
from bench.results.record import Results
from bench.results.samples import LaunchResult
from bench.runner.settings import Settings


@dataclass
class WallTime:
    """Seconds of the wall, by what for; counted from when it is made."""

    start: float = 0.0
    """Starting workers, importing, compiling and checking before the first round."""
    rounds: float = 0.0
    earlier: float = 0.0
    """Of the run before it was resumed."""
    began: float = field(default_factory=time.monotonic)

    def add(self, block: LaunchResult) -> None:
        """Count what the block took."""
        self.start += block.seconds.get("start", 0.0) + block.seconds.get("admission", 0.0)
        self.rounds += block.seconds.get("rounds", 0.0)

    def add_earlier(self, block: LaunchResult) -> None:
        """Count a block that was measured before the run was resumed."""
        self.add(block)
        self.earlier += sum(block.seconds.values())

    @property
    def whole(self) -> float:
        """All of it, until now."""
        return self.earlier + time.monotonic() - self.began

    def budget(self) -> dict[str, float]:
        """Seconds: start-up (workers, imports, compiling, the gate), timed rounds, and the rest."""
        return {
            "start_seconds": round(self.start, 1),
            "rounds_seconds": round(self.rounds, 1),
            "rest_seconds": round(self.whole - self.start - self.rounds, 1),
        }


def results(
    races: Sequence[Race], settings: Settings, threads: Sequence[int], began: datetime, wall_time: WallTime
) -> Results:
    """All that was measured so far. threads: the numbers of them that anything races on."""
    untrusted = race_analysis.untrusted_races(races)
    run = {
        "began": began.isoformat(timespec="seconds"),
        "commit": commit(CHECKOUT),
        "seconds": round(wall_time.whole, 1),
        "seconds_per_kernel": settings.seconds,
        "launches": max((len(race.blocks) for race in races), default=0),
        "profile": settings.profile,
        "threads": list(threads),
        "timeout_seconds": settings.timeout,
        "budget": wall_time.budget(),
    }
    fingerprint = machine.fingerprint()
    caches = fingerprint["hardware"]["caches"]
    records = tuple(roofline.with_cache_level(record, caches) for race in races for record in race.records)
    return Results(run, fingerprint, tuple(race.as_json(untrusted) for race in races), records)


def reserve(folder: Path, began: datetime) -> Path:
    """Where the file of a run that began then will be. Raises OSError if nothing can be written there."""
    folder = folder / machine.identity()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder / f"{began:%Y%m%dT%H%M%SZ}-{commit(CHECKOUT)}.json"
