"""pytest, run in the checkout as a person runs it: in this process, or in one of its own.

Here a run costs what it does, and not another start of Python and its libraries. The short settings come first, so
that what a test writes wins; no number of such a run is judged.
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
    """How a run of pytest ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Ran]


def environment() -> dict[str, str]:
    """This process's, without what this very run of pytest has set there; 80 columns wide."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return {**own, "COLUMNS": "80"}


def in_process(*arguments: str) -> Ran:
    """Run pytest here."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for key in os.environ.keys() - environment().keys():
            patch.delenv(key)
        patch.setenv("COLUMNS", "80")
        patch.chdir(CHECKOUT)
        with warnings.catch_warnings(record=True), redirect_stdout(out), redirect_stderr(err):
            warnings.resetwarnings()  # that a warning is a failure holds for this test, and not for what it runs
            code = pytest.main([*SHORT, *arguments])
    return Ran(int(code), out.getvalue(), err.getvalue())


def apart(*arguments: str, short: tuple[str, ...] = SHORT, folder: Path = CHECKOUT) -> Ran:
    """Run pytest in a process of its own."""
    command = [sys.executable, "-m", "pytest", *short, *arguments]
    ran = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=300, check=False
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def files(folder: Path) -> list[Path]:
    """The results files of runs with `--results=folder/results`, oldest first."""
    return sorted((folder / "results").glob("*/*.json"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs pytest in this process; results go to tmp_path/results."""
    return lambda *arguments: in_process(f"--results={tmp_path / 'results'}", *arguments)
