"""Run pytest in the checkout as a user does: in this process, or in a subprocess.

A run in this process saves another start of Python and its libraries. SHORT comes first, so that a test's own options
override it. No test judges a time from such a run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.host.checkout import CHECKOUT

SHORT = ("--benchmark-max-time=0.01", "--launches=1", "--no-ceilings", "--no-page", "-p", "no:cacheprovider")
FAST = ("--kernels", "numpy,loops", "--workloads", "10x2,20x3-f32")


class Ran(NamedTuple):
    """The exit code and the output of a run of pytest."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Ran]


def environment() -> dict[str, str]:
    """This process's environment without the variables that pytest has set; 80 columns wide."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return {**variables, "COLUMNS": "80"}


def in_process(*arguments: str) -> Ran:
    """Run pytest in this process."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for key in os.environ.keys() - environment().keys():
            patch.delenv(key)
        patch.setenv("COLUMNS", "80")
        patch.chdir(CHECKOUT)
        with warnings.catch_warnings(record=True), redirect_stdout(out), redirect_stderr(err):
            warnings.resetwarnings()  # warnings are failures in this test, but not in the run that it starts
            code = pytest.main([*SHORT, *arguments])
    return Ran(int(code), out.getvalue(), err.getvalue())


def in_subprocess(*arguments: str, short: tuple[str, ...] = SHORT, folder: Path = CHECKOUT) -> Ran:
    """Run pytest in a subprocess."""
    command = [sys.executable, "-m", "pytest", *short, *arguments]
    ran = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=300, check=False
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def files(folder: Path) -> list[Path]:
    """The results files under folder/results, oldest first."""
    return sorted((folder / "results").glob("*/*.json"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that runs pytest in this process; results go to tmp_path/results."""
    return lambda *arguments: in_process(f"--results={tmp_path / 'results'}", *arguments)
