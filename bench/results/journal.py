"""What was measured, a block at a time: one launch's race on one workload, appended to a file at once.

A run that is killed loses the block in progress and nothing else: the journal beside its results file has
the others, a line each, and `--resume` goes on from there. A line that was cut short is no block.
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
    """A file of blocks."""

    def __init__(self, path: Path, plan: dict[str, Any]) -> None:
        """plan: what is to be run, for whoever goes on with it."""
        self.path = path
        if path.exists():
            with path.open("a") as file:
                file.write("\n")  # the last line may have been cut short
        else:
            self._append({"plan": plan})

    def append(self, block: LaunchResult) -> None:
        """Keep a block; when this returns, it is on the disk."""
        self._append(asdict(block))

    def remove(self) -> None:
        """The results file has it all now."""
        self.path.unlink(missing_ok=True)

    def _append(self, line: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def read(path: Path) -> tuple[dict[str, Any], list[LaunchResult]]:
    """The plan and the finished blocks. Raises ValueError if the file is no journal."""
    lines: list[dict[str, Any]] = []
    for line in path.read_text().split("\n")[:-1]:  # what follows the last newline was cut short
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue  # empty, or cut short before a resumed run went on
    try:
        plan = next(line["plan"] for line in lines if "plan" in line)
        return plan, [_block(line) for line in lines if "entries" in line]
    except (StopIteration, TypeError, LookupError, AttributeError):
        raise ValueError(f"{path.name}: no journal of an unfinished run") from None


def _block(line: dict[str, Any]) -> LaunchResult:
    entries = {name: _entry(entry) for name, entry in line["entries"].items()}
    return LaunchResult(**{**line, "entries": entries})


def _entry(plain: dict[str, Any]) -> KernelSamples:
    values: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in plain.items()}
    return KernelSamples(**values)


def unfinished(folder: Path) -> Sequence[Path]:
    """The journals in a folder, the latest last."""
    return sorted(folder.glob(f"*{SUFFIX}"))
