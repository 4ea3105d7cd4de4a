"""`python -m bench selftest`: its arguments, where its results go, and its exit code."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.commands.exit_codes import FAILED, OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--minutes", metavar="N", default="35", help="about how long to race (default: 35)")
    parser.add_argument("--threads", metavar="N", default="1", help="threads of every kernel (default: 1)")
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

    from bench.commands.selftest import selftest, summary, text as selftest_text
    from bench.host import machine
    from bench.host.checkout import CHECKOUT, RESULTS, commit
    from bench.results import run_file
    from bench.runner import numbers

    threads = numbers.threads().parse("--threads", chosen.threads)
    minutes = numbers.ABOVE_0.parse("--minutes", chosen.minutes)
    folder = chosen.results or RESULTS / machine.identity() / "selftest"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(f"results cannot be written to {chosen.results or 'results/'}: {error.strerror}") from None
    began = datetime.now(UTC)
    outcome = selftest.run(minutes, threads, lambda step: print(step, file=sys.stderr))
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
