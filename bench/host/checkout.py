"""The checkout that this is run from: its folders, its commit, and a place for compiled code."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
RESULTS = CHECKOUT / "results"


def compiled_code() -> AbstractContextManager[Path]:
    """An empty folder for this run's compiled code, so that cold and warm are told apart."""
    return temporary("runs")


@contextmanager
def temporary(purpose: str) -> Iterator[Path]:
    """A folder of this process, removed afterwards; so are those of processes that were killed."""
    import psutil

    runs = CHECKOUT / ".cache" / purpose
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for old in runs.iterdir():
            if old.name == str(os.getpid()) or not (old.name.isdigit() and psutil.pid_exists(int(old.name))):
                shutil.rmtree(old, ignore_errors=True)
        folder = runs / str(os.getpid())
        folder.mkdir(exist_ok=True)
    except OSError:  # a checkout that cannot be written to
        folder = Path(tempfile.mkdtemp(prefix="logitbench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def commit(folder: Path) -> str:
    """The checkout's commit, short, `-dirty` if tracked files differ from it; `nogit` outside of git."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "nogit"


def sources(specs: Iterable[str]) -> str:
    """A digest of the code that is measured and measures: the checkout's, at any depth, and kernels' own files."""
    digest = hashlib.sha256()
    own = [path for folder in ("bench", "kernels") for path in (CHECKOUT / folder).rglob("*.py")]
    brought = [Path(location) for spec in specs if (location := spec.rpartition(":")[0]).endswith(".py")]
    for path in sorted([*own, *brought]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
