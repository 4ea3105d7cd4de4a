"""Two versions of the kernels on disk, the commit's and a copy of the working tree's, and which kernels they have.

`git archive` extracts the commit's kernels without changing the repository: a killed run leaves no registered
worktree, and no branch is checked out. The working tree is copied, with its uncommitted changes, so it can be edited
while the race runs.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from bench.commands.race.versioned_kernel import NEW, OLD
from kernels.registry import DEFAULT_OPERATION

_SECONDS = 60
"""The timeout for git, which may read a slow disk."""


@dataclass(frozen=True)
class Revision:
    """A commit of a checkout."""

    checkout: Path
    name: str
    """As the user gave it."""
    commit: str
    """Its short hash."""

    def __str__(self) -> str:
        return self.name if self.name.startswith(self.commit) else f"{self.name} ({self.commit})"


def resolve(name: str, checkout: Path) -> Revision:
    """The commit of that name. Raises ValueError, in one line, if git, the repository or the commit is missing."""
    commit = _git(checkout, "rev-parse", "--verify", "--quiet", "--short=7", f"{name}^{{commit}}")
    if commit is None:
        raise ValueError(
            f"there is no commit {name!r} here; expected a branch, a tag or a commit (in a shallow clone: "
            "git fetch --unshallow)"
        )
    return Revision(checkout, name, commit.decode().strip())


def extract_trees(revision: Revision, folder: Path) -> tuple[Path, Path]:
    """The folders `kernels` of the commit and of the working tree. Raises ValueError if the commit has none."""
    archive = _git(revision.checkout, "archive", "--format=zip", revision.commit, "kernels")
    if archive is None:
        raise ValueError(f"{revision} has no folder kernels/")
    with ZipFile(BytesIO(archive)) as zip_file:
        zip_file.extractall(folder / OLD)
    caches = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(revision.checkout / "kernels", folder / NEW / "kernels", ignore=caches)
    return folder / OLD / "kernels", folder / NEW / "kernels"


def table(kernels: Path, operation: str) -> dict[str, tuple[str, ...]]:
    """Name → each "module:ATTRIBUTE" that makes the kernel of this operation, parsed without importing anything.

    The kernel's own comes first, then what it is made with: its driver, or the kernel that it is made of. A table
    without operations is that of an older commit, which has only the default operation.

    Raises ValueError if there is no such table, or no such operation.
    """
    tables = _literals(kernels / "registry.py", ("KERNELS", "DRIVERS", "MADE_OF"))
    if "KERNELS" not in tables:
        raise ValueError("its kernels/registry.py has no literal table KERNELS")
    registered, drivers, made_of = tables["KERNELS"], tables.get("DRIVERS", {}), tables.get("MADE_OF", {})
    if any(isinstance(entry, str) for entry in registered.values()):
        registered = {DEFAULT_OPERATION: registered}
    known = {**registered, **drivers}
    if operation not in known:
        raise ValueError(f"it has no operation {operation!r}, only {', '.join(known)}")
    first = registered.get(DEFAULT_OPERATION, {})
    driven = {name: (entry, drivers[operation]) for name, entry in first.items()} if operation in drivers else {}
    own = {
        name: (entry, *([first[made_of[name]]] if made_of.get(name) in first else []))
        for name, entry in registered.get(operation, {}).items()
    }
    return {**driven, **own}


def _literals(file: Path, names: Collection[str]) -> dict[str, Any]:
    """Those of the names to which the file assigns a literal."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return {}
    literals = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and (name := ast.unparse(node.targets[0])) in names:
            with suppress(ValueError):  # it is computed
                literals[name] = ast.literal_eval(node.value)
    return literals


def _git(checkout: Path, *arguments: str) -> bytes | None:
    """The output of git; None if git finds nothing of that name. Raises ValueError if git cannot work here."""
    try:
        process = subprocess.run(
            ["git", "-C", str(checkout), *arguments],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},  # its messages are parsed below
        )
    except FileNotFoundError:
        raise ValueError("git is not installed; a race against a commit takes the commit's kernels from it") from None
    except subprocess.TimeoutExpired:
        raise ValueError(f"git {arguments[0]} did not finish in {_SECONDS} s") from None
    message = process.stderr.decode(errors="replace").strip().partition("\n")[0]
    if "not a git repository" in message:
        raise ValueError("this checkout is not a git repository; a race against a commit needs its history")
    if "dubious ownership" in message:
        raise ValueError("git does not trust this checkout, which another user owns; see git config safe.directory")
    return None if process.returncode else process.stdout
