"""The journal of a run: a file to which every launch's results on a workload are appended as soon as they exist.

A run that is killed loses only the launch in progress. The journal beside its results file holds the earlier ones,
one JSON object in each line, and `--resume` continues from there. A journal appears with its plan in it, and is
locked while its run lives, so that two runs never write into one. Its last line can be incomplete: it is ignored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from io import FileIO
from pathlib import Path
from typing import Any

from bench.results import locked_file
from bench.results.samples import KernelSamples, LaunchResult
from bench.results.type_errors import first_type_error

SUFFIX = ".journal"


class JournalUnwritable(Exception):  # noqa: N818 - as StopIteration: the run ends, nothing that is written is lost
    """The journal cannot be written; its text says why, in one line."""


class Journal:
    """A journal that is open for writing, and locked until it is closed or its process ends.

    path: its name, which has a number if the name that was asked for was taken
    """

    def __init__(self, path: Path, file: FileIO, end: int) -> None:
        """Used by `create` and `take_over`. end: the length of the whole lines, in bytes"""
        self.path = path
        self._file = file
        self._end = end

    @classmethod
    def create(cls, path: Path, plan: dict[str, Any]) -> Journal:
        """A new journal. Raises OSError, and leaves no file then.

        plan: the description of the run, which a resumed run compares with its own
        """
        line = locked_file.line({"plan": plan})
        return cls(*locked_file.create(path, line), len(line))

    @classmethod
    def take_over(cls, path: Path) -> tuple[Journal, dict[str, Any], list[LaunchResult]]:
        """The journal of a run that has ended, its plan, and the results of its finished launches.

        Raises ValueError, which says what is wrong: it is in use, or cannot be read.
        """
        try:
            file = FileIO(path, "r+")
        except OSError as error:
            raise ValueError(f"cannot be opened: {error.strerror}") from None
        with locked_file.closed_on_failure(file):
            try:
                locked_file.lock(file)
                content = file.readall()
            except BlockingIOError:
                raise ValueError("in use by another run") from None
            except OSError as error:
                raise ValueError(f"cannot be read: {error.strerror}") from None
            if not locked_file.is_at(file, path):  # its run has removed it since it was opened
                raise ValueError("its run has just finished")
            plan, launch_results, end = _parse(content)
        return cls(path, file, end), plan, launch_results

    def append(self, launch_result: LaunchResult) -> None:
        """Write a launch's results. They are on disk when this returns. Raises JournalUnwritable."""
        line = locked_file.line(asdict(launch_result))
        try:
            if not locked_file.is_at(self._file, self.path):  # its folder was removed, or only the journal
                self._write_again()
            locked_file.append(self._file, self._end, line)
        except OSError as error:
            raise JournalUnwritable(f"{self.path} cannot be written: {error.strerror}") from None
        self._end += len(line)

    def is_kept(self) -> bool:
        """Whether the journal is still where a resumed run looks for it."""
        return locked_file.is_at(self._file, self.path)

    def close(self) -> None:
        """End the lock, and keep the file for `--resume`."""
        self._file.close()

    def remove(self) -> None:
        """Delete the journal, once the results file exists."""
        with suppress(OSError):  # it was removed already, or cannot be: the results are in their file
            self.path.unlink()
        self.close()

    def _write_again(self) -> None:
        self._file.seek(0)
        content = self._file.read(self._end) or b""
        before = self._file
        self.path, self._file = locked_file.create(self.path, content)
        before.close()


def _parse(content: bytes) -> tuple[dict[str, Any], list[LaunchResult], int]:
    """The plan, the launches' results, and the length of both in bytes. Raises ValueError: what is wrong."""
    lines, plan, launch_results, end = content.split(b"\n")[:-1], None, [], 0
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            if number == len(lines) > 1:
                break  # incomplete, after a power failure
            raise ValueError(f"broken: line {number} is not JSON") from None
        if number > 1:
            launch_results.append(_launch_result(line, number))
        elif not isinstance(line, dict) or not isinstance(plan := line.get("plan"), dict):
            break
        end += len(text) + 1
    if not isinstance(plan, dict):
        raise ValueError("broken: it has no plan of a run in its first line" if content else "broken: it is empty")
    return plan, launch_results, end


def _launch_result(line: Any, number: int) -> LaunchResult:
    try:
        samples = {name: _kernel_samples(fields) for name, fields in line["samples"].items()}
        launch_result = LaunchResult(**{**_with_tuples(line), "samples": samples})
    except (TypeError, LookupError, AttributeError):
        raise ValueError(f"broken: line {number} has no results of a launch") from None
    if type_error := first_type_error(launch_result, LaunchResult, f"line {number}"):
        raise ValueError(f"broken: {type_error}")
    return launch_result


def _kernel_samples(fields: dict[str, Any]) -> KernelSamples:
    return KernelSamples(**_with_tuples(fields))


def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def unfinished(folder: Path) -> Sequence[Path]:
    """The journals in a folder, the latest last."""
    return sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stem)
