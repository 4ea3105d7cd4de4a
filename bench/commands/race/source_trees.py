"""Two versions of the kernels on disk: a commit's, and a copy of the working tree's; and what differs.

The commit's come out of `git archive`, so that the repository is not touched: no worktree is left registered
where a run was killed, and no branch is checked out. The working tree is copied with its uncommitted
changes, so that editing goes on while a race runs.
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
"""For git, which may have to look at a slow disk."""


@dataclass(frozen=True)
class Revision:
    """A commit of a checkout."""

    checkout: Path
    name: str
    """As it was asked for."""
    commit: str
    """Its short hash."""

    def __str__(self) -> str:
        return self.name if self.name.startswith(self.commit) else f"{self.name} ({self.commit})"


def resolve(name: str, checkout: Path) -> Revision:
    """The commit of that name. Raises ValueError, in one line, without git, a repository or the commit."""
    commit = _git(checkout, "rev-parse", "--verify", "--quiet", "--short=7", f"{name}^{{commit}}")
    if commit is None:
        raise ValueError(
            f"there is no commit {name!r} here; expected a branch, a tag or a commit (in a shallow clone: "
            "git fetch --unshallow)"
        )
    return Revision(checkout, name, commit.decode().strip())


def extract_trees(revision: Revision, folder: Path) -> tuple[Path, Path]:
    """The folders `kernels` of the commit and of the working tree. Raises ValueError where the commit has none."""
    archive = _git(revision.checkout, "archive", "--format=zip", revision.commit, "kernels")
    if archive is None:
        raise ValueError(f"{revision} has no folder kernels/")
    with ZipFile(BytesIO(archive)) as packed:
        packed.extractall(folder / OLD)
    leavings = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(revision.checkout / "kernels", folder / NEW / "kernels", ignore=leavings)
    return folder / OLD / "kernels", folder / NEW / "kernels"


def table(kernels: Path) -> dict[str, str]:
    """name → "module:ATTRIBUTE", read and not imported. Raises ValueError where there is no such table."""
    try:
        tree = ast.parse((kernels / "registry.py").read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        tree = ast.Module([], [])
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["KERNELS"]:
            found: dict[str, str] = ast.literal_eval(node.value)
            return found
    raise ValueError("its kernels/registry.py holds no table KERNELS that could be read")


def changed(old: Path, new: Path, specs: Mapping[str, str]) -> dict[str, list[str]]:
    """Kernel → the files that it is made of and that differ in more than comments and layout.

    specs: name → "module:ATTRIBUTE", as both versions have it.
    """
    found = {}
    for name, spec in specs.items():
        files = {version: _made_of(version, spec.partition(":")[0]) for version in (old, new)}
        paths = sorted({*files[old], *files[new]})
        found[name] = [path for path in paths if files[old].get(path) != files[new].get(path)]
    return {name: differing for name, differing in found.items() if differing}


def _made_of(kernels: Path, module: str) -> dict[str, str]:
    """The module's file and those that it imports from `kernels`, and theirs: path → what it says."""
    found: dict[str, str] = {}
    todo = [module]
    while todo:
        name = todo.pop()
        stem = kernels.parent.joinpath(*name.split("."))
        file = next((file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()), None)
        path = file.relative_to(kernels.parent).as_posix() if file else ""
        if file is None or name == "kernels" or path in found:  # what only lists the kernels is a part of none
            continue
        text = file.read_text(encoding="utf-8")
        try:
            tree = ast.parse(text)
        except SyntaxError:  # the race will tell
            found[path] = text
            continue
        found[path] = ast.dump(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                todo += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                todo += [alias.name for alias in node.names]
    return found


def _git(checkout: Path, *arguments: str) -> bytes | None:
    """What git prints; None where it finds nothing of that name. Raises ValueError where it cannot work."""
    try:
        ran = subprocess.run(
            ["git", "-C", str(checkout), *arguments],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},  # what it says is read below
        )
    except FileNotFoundError:
        raise ValueError("git is not installed; a race against a commit takes the commit's kernels from it") from None
    except subprocess.TimeoutExpired:
        raise ValueError(f"git {arguments[0]} did not end in {_SECONDS} s") from None
    said = ran.stderr.decode(errors="replace").strip().partition("\n")[0]
    if "not a git repository" in said:
        raise ValueError("this checkout is no git repository; a race against a commit needs its history")
    if "dubious ownership" in said:
        raise ValueError("git does not trust this checkout, which somebody else owns: git config safe.directory")
    return None if ran.returncode else ran.stdout
