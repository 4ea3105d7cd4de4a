"""Files that appear under their name only when they are complete, and never in place of another."""

from __future__ import annotations

import os
from pathlib import Path


def beside(path: Path) -> Path:
    """A hidden name in the same folder, for the file while it is written: only this process uses it."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def replace(path: Path, text: str) -> None:
    """Write the file again, completely or not at all. Raises OSError."""
    temporary = beside(path)
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def move_unique(written: Path, path: Path) -> Path:
    """Give the file this name, or the first of path-2, path-3, ... that does not exist. Returns the name that it has.

    Raises OSError, and leaves the file as it was.
    """
    free, number = path, 1
    while True:
        try:
            _move(written, free)
        except FileExistsError:
            number += 1
            free = path.with_stem(f"{path.stem}-{number}")
        else:
            return free


def _move(written: Path, free: Path) -> None:
    """Raises FileExistsError where the name is taken, which a rename would overwrite."""
    try:
        os.link(written, free)
    except FileExistsError:
        raise
    except OSError:  # this file system has no hard links: take the name first
        os.close(os.open(free, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            written.replace(free)
        except OSError:
            free.unlink(missing_ok=True)
            raise
    else:
        written.unlink()
