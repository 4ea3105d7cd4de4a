"""The results files that there are: by name, by machine, the newest. Apart because it looks at folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.host import machine
from bench.host.checkout import RESULTS
from bench.results import run_file
from bench.results.record import Record, Results

LATEST = "latest"


def list_runs(folder: Path | None = None) -> dict[str, list[Path]]:
    """Machine id → its runs, oldest first; a file's name begins with its time. Interrupted ones are left out.

    folder: of all machines; None: results/
    """
    found: dict[str, list[Path]] = {}
    for path in sorted((folder or RESULTS).glob("*/*.json")):
        if "-interrupted" not in path.stem:
            found.setdefault(path.parent.name, []).append(path)
    return found


def newest(folder: Path | None = None) -> Path:
    """The last finished run of this machine. Raises ValueError, in one line, if there is none."""
    here, there = machine.identity(), list_runs(folder)
    if here not in there:
        raise ValueError(
            f"results/{here} has no finished run of this machine; name a file, or make one with pytest --benchmark"
        )
    return there[here][-1]


def load_runs(chosen: Sequence[str], folder: Path | None = None) -> list[Run]:
    """The runs that a command names. Raises ValueError, in one line, for what is no run."""
    paths = [_path(name, folder) for name in chosen]
    stems = [path.stem for path in paths]
    return [
        Run(path.stem if stems.count(path.stem) == 1 else f"{path.parent.name}/{path.stem}", run_file.read(path))
        for path in paths
    ]


def _path(name: str, folder: Path | None) -> Path:
    """A file; or the newest run of a machine, of this one for `latest`."""
    if name.endswith(".json"):
        return Path(name)
    there = list_runs(folder)
    wanted = machine.identity() if name == LATEST else name
    if wanted not in there:
        known = ", ".join(there) or "none"
        raise ValueError(
            f"{name!r} is no run: no results of {wanted} in {(folder or RESULTS).name}/, which has {known}; "
            f"expected a results file, one of these machines, or {LATEST!r}"
        )
    return there[wanted][-1]


Race = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """Results, and what to call them: a file's name, or one letter."""

    name: str
    results: Results

    @property
    def machine(self) -> str:
        """Its short id."""
        return str(self.results.machine["id"])

    @property
    def timed(self) -> list[Record]:
        """What has a time."""
        return [record for record in self.results.records if record.outcome == "ok" and record.seconds]

    def of(self, race: Race) -> dict[str, Record]:
        """Kernel → its record, of those that were timed in the race."""
        key = race["workload"], race["threads"]
        return {record.kernel: record for record in self.timed if (record.workload, record.threads) == key}
