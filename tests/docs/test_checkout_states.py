"""The tests that read committed files pass in a user's checkout: with the user's own runs, and without git."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bench.host import machine
from bench.host.checkout import CHECKOUT
from bench.results import run_file
from tests.support.committed import committed, tracked
from tests.support.git import git
from tests.support.pages import RUN
from tests.support.pytest_run import in_subprocess

NOT_COPIED = (
    ".git",
    ".venv",
    ".cache",
    ".benchmarks",
    ".hypothesis",
    ".*_cache",
    "__pycache__",
    "*.html",
    "*.journal",
)
TESTS_THAT_READ_RESULTS = (
    "commands/check",
    "commands/test_report.py",
    "commands/test_cli.py",
    "docs/test_docs.py",
    "runner/test_estimate.py",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A fresh copy of the project, without what a user of this checkout has measured, as far as git knows it."""
    copied = Path(shutil.copytree(CHECKOUT, tmp_path / "logitbench", ignore=shutil.ignore_patterns(*NOT_COPIED)))
    files = tracked()
    for path in copied.glob("results/*/*.json"):
        if files is not None and CHECKOUT / path.relative_to(copied) not in files:
            path.unlink()
    return copied


def add_runs(copy: Path) -> None:
    """Add what a user's runs leave: results of the user's kernels, an interrupted run, a journal, a page, a cache."""
    folder = copy / "results" / machine.identity()
    document = {"logitbench": RUN.as_json()}
    for suffix in ("-nogit", "-abc1234-dirty", "-abc1234-interrupted"):
        file = run_file.write(folder / f"20260102T030405Z{suffix}.json", document)
        file.with_suffix(".html").write_text("no page")
    (folder / "20260103T030405Z-abc1234.journal").write_text(json.dumps({"plan": {}}) + "\n{cut sh")
    (copy / ".cache" / "runs" / "1").mkdir(parents=True)
    (copy / ".cache" / "README.md").write_text("left over")


@pytest.mark.slow
@pytest.mark.parametrize("with_git", [True, False])
def test_a_users_runs_do_not_fail_the_tests(copy: Path, with_git: bool) -> None:
    if with_git:
        committed()  # a skip where that cannot be known
        git(copy, "init", "-q")
        git(copy, "add", ".")
        git(copy, "commit", "-qm", "all")
    add_runs(copy)
    ran = in_subprocess(*(f"tests/{name}" for name in TESTS_THAT_READ_RESULTS), short=(), folder=copy)
    assert ran.returncode == 0, ran.stdout
    assert ("not a git checkout: it is unknown which results are committed" in ran.stdout) is not with_git
