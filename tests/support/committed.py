"""The results files that are committed. What a user has measured in the same checkout is not theirs to be judged."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

from bench.host.checkout import CHECKOUT

NO_GIT = "this copy is no git checkout: which results are committed cannot be told"


@cache
def tracked(folder: Path = CHECKOUT) -> tuple[Path, ...] | None:
    """Runs that git tracks and that are there, oldest first; None in a copy that git does not know."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    try:
        if Path(git("rev-parse", "--show-toplevel").strip()).resolve() != folder.resolve():
            return None  # a copy within somebody else's repository
        listed = git("ls-files", "-z", "--", ":(glob)results/*/*.json")
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(path for name in sorted(filter(None, listed.split("\0"))) if (path := folder / name).exists())


def committed() -> tuple[Path, ...]:
    """The same; a skip, with its reason, where they cannot be told."""
    files = tracked()
    if files is None:
        pytest.skip(NO_GIT)
    assert files, "the project comes with results"
    return files


def each_committed(name: str) -> pytest.MarkDecorator:
    """Parametrizes a test over them."""
    files = tracked()
    if files is None:
        return pytest.mark.parametrize(name, [pytest.param(None, marks=pytest.mark.skip(reason=NO_GIT), id="no-git")])
    return pytest.mark.parametrize(name, files, ids=[file.stem for file in files])
