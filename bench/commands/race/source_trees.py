"""Two versions of the kernels on disk, the commit's and a copy of the working tree's; and what differs between them.

`git archive` extracts the commit's kernels without changing the repository: a killed run leaves no registered
worktree, and no branch is checked out. The working tree is copied, with its uncommitted changes, so it can be edited
while the race runs.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from bench.commands.race.versioned_kernel import NEW, OLD

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


def table(kernels: Path) -> dict[str, str]:
    """name → "module:ATTRIBUTE", parsed without importing it. Raises ValueError if there is no such table."""
    try:
        tree = ast.parse((kernels / "registry.py").read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        tree = ast.Module([], [])
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["KERNELS"]:
            entries: dict[str, str] = ast.literal_eval(node.value)
            return entries
    raise ValueError("its kernels/registry.py has no literal table KERNELS")


def changed(old: Path, new: Path, specs: Mapping[str, str]) -> dict[str, list[str]]:
    """Kernel → those of its files that differ in more than comments and layout.

    specs: name → "module:ATTRIBUTE", as in both versions.
    """
    differing = {}
    for name, spec in specs.items():
        files = {version: _source_files(version, spec.partition(":")[0]) for version in (old, new)}
        paths = sorted({*files[old], *files[new]})
        if changed_paths := [path for path in paths if files[old].get(path) != files[new].get(path)]:
            differing[name] = changed_paths
    return differing


def _source_files(kernels: Path, module: str) -> dict[str, str]:
    """The module's file and everything that it imports from `kernels`, recursively: path → syntax tree as text."""
    sources: dict[str, str] = {}
    todo = [module]
    while todo:
        name = todo.pop()
        stem = kernels.parent.joinpath(*name.split("."))
        file = next((file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()), None)
        path = file.relative_to(kernels.parent).as_posix() if file else ""
        if file is None or name == "kernels" or path in sources:  # kernels/__init__.py only lists the kernels
            continue
        text = file.read_text(encoding="utf-8")
        try:
            tree = ast.parse(text)
        except SyntaxError:  # the race will report it
            sources[path] = text
            continue
        sources[path] = ast.dump(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                todo += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                todo += [alias.name for alias in node.names]
    return sources


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
