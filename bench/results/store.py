"""Finding results files: by name, by machine, the newest. Separate because it reads folders."""

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
    """Machine id → its finished runs, oldest first: a file's name begins with the time of the run.

    folder: the folder with a folder for each machine; None: results/
    """
    runs: dict[str, list[Path]] = {}
    for path in sorted((folder or RESULTS).glob("*/*.json")):
        if "-interrupted" not in path.stem and path.is_file():
            runs.setdefault(path.parent.name, []).append(path)
    return runs


def newest(folder: Path | None = None) -> Path:
    """The newest finished run of this machine. Raises ValueError, in one line, if there is none."""
    machine_id, runs = machine.identity(), list_runs(folder)
    if machine_id not in runs:
        raise ValueError(
            f"results/{machine_id} has no finished run of this machine; "
            "name a file, or make one with pytest --benchmark"
        )
    return runs[machine_id][-1]


def load_runs(chosen: Sequence[str], folder: Path | None = None) -> list[Run]:
    """The runs that a command names. Raises ValueError, in one line, for a name that is not a run."""
    paths = [_path(name, folder) for name in chosen]
    stems = [path.stem for path in paths]
    return [
        Run(path.stem if stems.count(path.stem) == 1 else f"{path.parent.name}/{path.stem}", run_file.read(path))
        for path in paths
    ]


def _path(name: str, folder: Path | None) -> Path:
    """The file itself; or the newest run of a machine, of this machine for `latest`."""
    if name.endswith(".json"):
        return Path(name)
    runs = list_runs(folder)
    machine_id = machine.identity() if name == LATEST else name
    if machine_id not in runs:
        known = ", ".join(runs) or "none"
        raise ValueError(
            f"{name!r} is no run: no results of {machine_id} in {(folder or RESULTS).name}/, which has {known}; "
            f"expected a results file, one of these machines, or {LATEST!r}"
        )
    return runs[machine_id][-1]


Race = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """The results of a run, and the name that a command shows for it: a file's name, or one letter."""

    name: str
    results: Results

    @property
    def machine(self) -> str:
        """The machine's id."""
        return str(self.results.machine["id"])

    @property
    def timed(self) -> list[Record]:
        """The records that have a time."""
        return [record for record in self.results.records if record.outcome == "ok" and record.seconds]

    def of(self, race: Race) -> dict[str, Record]:
        """Kernel → its record, for the kernels that were timed in the race."""
        key = race["workload"], race["threads"]
        return {record.kernel: record for record in self.timed if (record.workload, record.threads) == key}
