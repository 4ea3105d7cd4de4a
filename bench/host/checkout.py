"""The checkout that the suite runs from: its folders, its commit, and temporary folders."""

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


def compiled_code_folder() -> AbstractContextManager[Path]:
    """An empty folder for the compiled code of this run, so that its first compilation is a cold one."""
    return temporary_folder("runs")


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """A folder of this process, removed afterwards. Folders of processes that were killed are removed too."""
    import psutil

    parent = CHECKOUT / ".cache" / purpose
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for old in parent.iterdir():
            if old.name == str(os.getpid()) or not (old.name.isdigit() and psutil.pid_exists(int(old.name))):
                shutil.rmtree(old, ignore_errors=True)
        folder = parent / str(os.getpid())
        folder.mkdir(exist_ok=True)
    except OSError:  # the checkout is not writable
        folder = Path(tempfile.mkdtemp(prefix="logitbench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def commit(folder: Path) -> str:
    """The commit's short id, with `-dirty` if tracked files differ from it; `nogit` outside of a git repository."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "nogit"


def source_digest(specs: Iterable[str]) -> str:
    """A digest of the code that measures and of the code that is measured.

    specs: kernels as for `kernels.load`; those in a file of the user's own add that file
    """
    digest = hashlib.sha256()
    checkout_files = [path for folder in ("bench", "kernels") for path in (CHECKOUT / folder).rglob("*.py")]
    user_files = [Path(location) for spec in specs if (location := spec.rpartition(":")[0]).endswith(".py")]
    for path in sorted([*checkout_files, *user_files]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
