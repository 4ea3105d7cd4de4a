"""The journal of a run: a file to which every launch's results on a workload are appended as soon as they exist.

A run that is killed loses only the launch in progress. The journal beside its results file holds the earlier ones,
one JSON object in each line, and `--resume` continues from there. An incomplete line is ignored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.results.samples import KernelSamples, LaunchResult

SUFFIX = ".journal"


class Journal:
    """A journal that is open for writing."""

    def __init__(self, path: Path, plan: dict[str, Any]) -> None:
        """plan: the description of the run, which a resumed run compares with its own"""
        self.path = path
        if path.exists():
            with path.open("a") as file:
                file.write("\n")  # the last line may be incomplete
        else:
            self._append({"plan": plan})

    def append(self, launch_result: LaunchResult) -> None:
        """Write a launch's results. They are on disk when this returns."""
        self._append(asdict(launch_result))

    def remove(self) -> None:
        """Delete the journal, once the results file exists."""
        self.path.unlink(missing_ok=True)

    def _append(self, line: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def read(path: Path) -> tuple[dict[str, Any], list[LaunchResult]]:
    """The plan and the results of the finished launches. Raises ValueError if the file is not a journal."""
    lines: list[dict[str, Any]] = []
    for line in path.read_text().split("\n")[:-1]:  # text after the last newline is incomplete
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue  # empty, or incomplete: the run was killed here, and resumed
    try:
        plan = next(line["plan"] for line in lines if "plan" in line)
        return plan, [_launch_result(line) for line in lines if "samples" in line]
    except (StopIteration, TypeError, LookupError, AttributeError):
        raise ValueError(f"{path.name} is not the journal of an unfinished run") from None


def _launch_result(line: dict[str, Any]) -> LaunchResult:
    samples = {name: _kernel_samples(fields) for name, fields in line["samples"].items()}
    return LaunchResult(**{**line, "samples": samples})


def _kernel_samples(fields: dict[str, Any]) -> KernelSamples:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return KernelSamples(**values)


def unfinished(folder: Path) -> Sequence[Path]:
    """The journals in a folder, the latest last."""
    return sorted(folder.glob(f"*{SUFFIX}"))
