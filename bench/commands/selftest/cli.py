"""`python -m bench selftest`: its arguments, where its results go, and its exit code."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.commands.exit_codes import FAILED, OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--minutes", metavar="N", type=float, default=35.0, help="about how long to race (default: 35)"
    )
    parser.add_argument("--threads", metavar="N", type=int, default=1, help="threads of every kernel (default: 1)")
    parser.add_argument(
        "--results",
        metavar="DIR",
        type=Path,
        help="folder for its JSON file (default: results/<machine>/selftest/)",
    )


def selftest(chosen: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from datetime import UTC, datetime
    from tempfile import TemporaryFile

    from rich.console import Console

    from bench.commands.selftest import selftest, summary
    from bench.commands.selftest import text as selftest_text
    from bench.host import machine, resources
    from bench.host.checkout import CHECKOUT, RESULTS, commit
    from bench.results import run_file

    cores = resources.usable_cores()
    if not 1 <= chosen.threads <= cores:
        raise ValueError(f"--threads is {chosen.threads}; expected 1 to {cores}")
    if not chosen.minutes > 0:
        raise ValueError(f"--minutes is {chosen.minutes:g}; expected more than 0")
    folder = chosen.results or RESULTS / machine.identity() / "selftest"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(f"results cannot be written to {chosen.results or 'results/'}: {error.strerror}") from None
    began = datetime.now(UTC)
    outcome = selftest.run(chosen.minutes, chosen.threads, lambda step: print(step, file=sys.stderr))
    document = {"began": began.isoformat(timespec="seconds"), "commit": commit(CHECKOUT), **outcome}
    path = run_file.write(folder / f"{began:%Y%m%dT%H%M%SZ}-{document['commit']}.json", {"selftest": document})
    selftest_text.summary(Console(highlight=False), document)
    print(f"results: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name}")
    passed = summary.passed(document)
    print(
        "passed: no reason to distrust this machine's numbers"
        if passed
        else "failed: DO NOT TRUST this machine's numbers"
    )
    return OK if passed else FAILED
