"""The self-test's journal: what each finished step found, one line of JSON each, behind a line with the plan.

A self-test that is killed loses only the step in progress: `--resume` goes on after the last line. As the journal of
a run (bench/results/journal.py), it appears with its plan in it, is locked while its process lives, and its last line
can be incomplete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any

from bench.results import journal, locked_file
from bench.results.journal import JournalUnwritable
from bench.runner.resume import list_skipped


class Journal:
    """A journal that is open for writing, and locked until it is closed or its process ends."""

    def __init__(self, path: Path, file: FileIO, plan: dict[str, Any], steps: dict[str, Any], end: int) -> None:
        """Used by `create` and `resume`. end: the length of the whole lines, in bytes"""
        self.path = path
        self.plan = plan
        self.steps = steps
        """Name → what the step found, in the order of time."""
        self._file = file
        self._end = end

    @classmethod
    def create(cls, path: Path, plan: dict[str, Any]) -> Journal:
        """A new journal; its name has a number if the name is taken. Raises OSError, and leaves no file then."""
        line = locked_file.line({"plan": plan})
        path, file = locked_file.create(path, line)
        return cls(path, file, plan, {}, len(line))

    @classmethod
    def take_over(cls, path: Path) -> Journal:
        """The journal of a self-test that has ended. Raises ValueError, which says what is wrong with it."""
        try:
            file = FileIO(path, "r+")
        except OSError as error:
            raise ValueError(f"cannot be opened: {error.strerror}") from None
        try:
            locked_file.lock(file)
            if not locked_file.is_at(file, path):
                raise ValueError("its self-test has just finished")
            plan, steps, end = _parse(file.readall())
        except BaseException as error:
            file.close()
            if isinstance(error, BlockingIOError):
                raise ValueError("in use by another self-test") from None
            if isinstance(error, OSError):
                raise ValueError(f"cannot be read: {error.strerror}") from None
            raise
        return cls(path, file, plan, steps, end)

    def once(self, name: str, step: Callable[[], Any]) -> Any:
        """What the step found, as read from JSON: taken from the journal, or found now and written to it.

        It is on disk when this returns. Raises JournalUnwritable.
        """
        if name not in self.steps:
            line = locked_file.line({"step": name, "found": step()})
            self._append(line)
            self.steps[name] = json.loads(line)["found"]
        return self.steps[name]

    def _append(self, line: bytes) -> None:
        try:
            if not os.path.samestat(os.fstat(self._file.fileno()), self.path.stat()):
                raise FileNotFoundError(None, "another file has its name")
            locked_file.append(self._file, self._end, line)
        except OSError as error:
            raise JournalUnwritable(f"{self.path.name} cannot be written: {error.strerror}") from None
        self._end += len(line)

    def close(self) -> None:
        """End the lock, and keep the file for `--resume`."""
        self._file.close()

    def remove(self) -> None:
        """Delete the journal, once the results file exists."""
        with suppress(OSError):  # it was removed already, or cannot be: the results are in their file
            self.path.unlink()
        self.close()


def resume(folder: Path, plan: Mapping[str, Any]) -> Journal:
    """The folder's last journal whose plan has these values. Raises ValueError, in one line, if there is none."""
    skipped = []
    for path in reversed(journal.unfinished(folder)):
        try:
            taken = Journal.take_over(path)
        except ValueError as error:
            skipped.append(f"{path.name} ({error})")
            continue
        different = next((key for key, value in plan.items() if taken.plan.get(key) != value), None)
        if different is None:
            return taken
        taken.close()
        skipped.append(f"{path.name} (another {different}: {taken.plan.get(different)!s:.60})")
    raise ValueError(f"there is no unfinished self-test to resume with these options{list_skipped(skipped)}")


def _parse(content: bytes) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The plan, the steps, and the length of both in bytes. Raises ValueError: what is wrong."""
    whole = content.split(b"\n")[:-1]
    values: list[Any] = []
    end = 0
    for number, text in enumerate(whole, start=1):
        try:
            values.append(json.loads(text))
        except (ValueError, RecursionError):
            if number == len(whole) > 1:
                break  # incomplete, after a power failure
            raise ValueError(f"broken: line {number} is not JSON") from None
        end += len(text) + 1
    if not (values and isinstance(values[0], dict) and isinstance(plan := values[0].get("plan"), dict)):
        raise ValueError("broken: it has no plan of a self-test in its first line")
    for number, value in enumerate(values[1:], start=2):
        if not (isinstance(value, dict) and value.keys() == {"step", "found"} and isinstance(value["step"], str)):
            raise ValueError(f"broken: line {number} has no step of a self-test")
    return plan, {value["step"]: value["found"] for value in values[1:]}, end
