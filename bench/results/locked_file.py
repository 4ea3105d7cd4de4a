"""Files of JSON lines that appear whole, are locked while their process lives, and are on disk after each line.

The journals of a run and of a self-test are such files.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from bench.results import whole_file


def create(path: Path, content: bytes) -> tuple[Path, FileIO]:
    """A new file with this content: its path, numbered if it is taken, and the file, open and locked.

    Raises OSError, and leaves no file then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = whole_file.beside(path)
    file = FileIO(written, "w+")
    with closed_on_failure(file):
        try:
            lock(file)
            write(file, content)
            return whole_file.move_unique(written, path), file
        finally:
            written.unlink(missing_ok=True)


def lock(file: FileIO) -> None:
    """Lock the file until it is closed. Raises BlockingIOError if another process has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks: then two processes must not resume one file
        pass


def write(file: FileIO, content: bytes) -> None:
    """Write all of it, to the disk. Raises OSError, and may have written a part then."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    os.fsync(file.fileno())


def append(file: FileIO, end: int, content: bytes) -> None:
    """Write content after the first `end` bytes; what an earlier try left there goes. Raises OSError."""
    file.truncate(end)
    file.seek(end)
    write(file, content)


def is_at(file: FileIO, path: Path) -> bool:
    """Whether the open file still has this name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def line(value: dict[str, Any]) -> bytes:
    """The value as one line of JSON."""
    return json.dumps(value, allow_nan=False).encode() + b"\n"


@contextmanager
def closed_on_failure(file: FileIO) -> Iterator[None]:
    """Close the file if what is done with it fails."""
    try:
        yield
    except BaseException:
        file.close()
        raise
