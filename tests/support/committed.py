"""The results files that are committed. Tests do not judge what a user has measured in the same checkout."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

from bench.host.checkout import CHECKOUT

NO_GIT = "this copy is not a git checkout: it is unknown which results are committed"


@cache
def tracked(folder: Path = CHECKOUT) -> tuple[Path, ...] | None:
    """Existing results files that git tracks, oldest first; None if the folder is not a git checkout."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    try:
        if Path(git("rev-parse", "--show-toplevel").strip()).resolve() != folder.resolve():
            return None  # a copy inside another repository
        names = git("ls-files", "-z", "--", ":(glob)results/*/*.json")
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(path for name in sorted(filter(None, names.split("\0"))) if (path := folder / name).exists())


def committed() -> tuple[Path, ...]:
    """The committed results files. Skips the test if they are unknown."""
    files = tracked()
    if files is None:
        pytest.skip(NO_GIT)
    assert files, "the project contains results"
    return files


def each_committed(name: str) -> pytest.MarkDecorator:
    """Parametrize a test over the committed results files."""
    files = tracked()
    if files is None:
        return pytest.mark.parametrize(name, [pytest.param(None, marks=pytest.mark.skip(reason=NO_GIT), id="no-git")])
    return pytest.mark.parametrize(name, files, ids=[file.stem for file in files])
