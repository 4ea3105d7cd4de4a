"""`python -m bench selftest`: its arguments, where its results go, and its exit code."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands.exit_codes import FAILED, OK

if TYPE_CHECKING:
    from bench.commands.selftest.journal import Journal
    from bench.commands.selftest.plan import Options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--minutes", metavar="N", default="35", help="about how long to race (default: 35)")
    amount.add_argument("--races", metavar="N", help="the exact number of races, instead of --minutes")
    parser.add_argument(
        "--threads",
        metavar="N,M",
        default="1",
        help="threads of every kernel, such as 1 or 1,all; `all` is every available core (default: 1)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue the last unfinished self-test with the same options"
    )
    parser.add_argument(
        "--results",
        metavar="DIR",
        type=Path,
        help="folder for its JSON file (default: results/<machine>/selftest/)",
    )


def selftest(chosen: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from rich.console import Console

    from bench.commands.selftest import selftest, summary, text as selftest_text
    from bench.results import run_file
    from bench.results.journal import JournalUnwritable

    options = _options(chosen)
    journal = _journal(chosen, options)
    try:
        outcome = selftest.run(options, journal, lambda line: print(line, file=sys.stderr, flush=True))
        began_and_commit = {name: journal.plan[name] for name in ("began", "commit")}
        document = {**began_and_commit, **outcome}
        path = run_file.write(journal.path.with_suffix(".json"), {"selftest": document})
    except JournalUnwritable as unwritable:
        raise ValueError(str(unwritable)) from None
    except KeyboardInterrupt:
        print(f"interrupted; the same command with --resume goes on: {journal.path.name}", file=sys.stderr)
        raise
    except (ValueError, OSError) as error:
        reason = (error.strerror or "") if isinstance(error, OSError) else error
        raise ValueError(f"{reason}; the same command with --resume goes on") from None
    finally:
        journal.close()
    journal.remove()
    selftest_text.summary(Console(highlight=False), document)
    print(f"results: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name}")
    passed = summary.passed(document)
    print(
        "passed: no reason to distrust this machine's numbers"
        if passed
        else "failed: DO NOT TRUST this machine's numbers"
    )
    return OK if passed else FAILED


def _options(chosen: argparse.Namespace) -> Options:
    """Raises ValueError, in one line."""
    from dataclasses import replace

    from bench.commands.selftest.plan import Options
    from bench.host import resources
    from bench.runner import numbers
    from kernels.number_text import whole_number

    possible = replace(numbers.threads(), note=", several separated by commas, or all")
    threads = [
        resources.usable_cores() if word == "all" else possible.parse("--threads", word)
        for word in chosen.threads.split(",")
    ]
    races = None
    if chosen.races is not None:
        races = numbers.Numbers(whole_number, 1, 100_000).parse("--races", chosen.races)
    return Options(tuple(dict.fromkeys(threads)), races, numbers.ABOVE_0.parse("--minutes", chosen.minutes))


def _journal(chosen: argparse.Namespace, options: Options) -> Journal:
    """A new journal, or that of the self-test that continues. Raises ValueError, in one line."""
    from datetime import UTC, datetime

    from bench.commands.selftest import journal, selftest
    from bench.host import machine
    from bench.host.checkout import CHECKOUT, RESULTS, commit
    from bench.results.journal import SUFFIX

    folder = chosen.results or RESULTS / machine.identity() / "selftest"
    description = selftest.describe(options)
    if chosen.resume:
        return journal.resume(folder, description)
    began, here = datetime.now(UTC), commit(CHECKOUT)
    plan = {"began": began.isoformat(timespec="seconds"), "commit": here, **description}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return journal.Journal.create(folder / f"{began:%Y%m%dT%H%M%SZ}-{here}{SUFFIX}", plan)
    except OSError as error:
        raise ValueError(f"results cannot be written to {chosen.results or 'results/'}: {error.strerror}") from None
