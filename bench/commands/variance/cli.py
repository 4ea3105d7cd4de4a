"""`python -m bench variance`: its arguments, where its file goes, and its exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands.exit_codes import INTERRUPTED, OK

if TYPE_CHECKING:
    from bench.commands.variance.document import Study
    from bench.commands.variance.plan import Plan

_KERNELS, _WORKLOADS, _MINUTES, _RUNS = "numpy,numba,jax", "10000x32-f64,1000000x32-f32", "30", "3"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--kernels", metavar="A,B", default=_KERNELS, help=f"default: {_KERNELS}")
    parser.add_argument("--workloads", metavar="A,B", default=_WORKLOADS, help=f"default: {_WORKLOADS}")
    parser.add_argument("--threads", metavar="1,all", default="1,all", help="numbers, or all (default: 1,all)")
    parser.add_argument(
        "--causes", metavar="A,B", help="what to plant, one at a time: see docs/variance.md; or none (default: all)"
    )
    parser.add_argument("--runs", metavar="N", default=_RUNS, help=f"idle sessions (default: {_RUNS})")
    parser.add_argument(
        "--minutes", metavar="N", default=_MINUTES, help=f"time limit for everything (default: {_MINUTES})"
    )
    parser.add_argument(
        "--launches", metavar="N", help="in each session (default: as many as the time allows, from 5 to 20)"
    )
    parser.add_argument(
        "--output", metavar="FILE.json", type=Path, help="default: results/<machine>/variance/<time>-<commit>.json"
    )
    parser.add_argument(
        "--resume", metavar="FILE.json", type=Path, help="go on with a study that ended early; with the same options"
    )
    parser.add_argument("--show", metavar="FILE.json", type=Path, help="print a stored study, and measure nothing")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")


def variance(chosen: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from bench.commands.variance import document

    if chosen.show:
        _print(document.read(chosen.show), chosen.markdown)
        return OK
    if chosen.resume and chosen.output:
        raise ValueError("--resume FILE.json goes on in that file; leave --output out")
    if chosen.output and chosen.output.suffix != ".json":
        raise ValueError(f"--output is {str(chosen.output)!r}; expected a name that ends in .json")
    return _measure(chosen)


def _measure(chosen: argparse.Namespace) -> int:
    import time

    from bench.commands import study_file
    from bench.commands.variance import document, study as measuring
    from bench.report.formatting import clock, counted
    from bench.report.output import relative
    from bench.runner import numbers

    began = time.monotonic()
    minutes = numbers.ABOVE_0.parse("--minutes", chosen.minutes)
    stored = document.read(chosen.resume) if chosen.resume else None
    plan, done = _plan(chosen, stored, 60 * minutes), _done(stored)
    if stored and (name := document.different(plan.describe(), stored["plan"])):
        raise ValueError(f"{chosen.resume.name} has another {name}: resume with its options, or leave --resume out")
    study = stored or _new(plan)
    path: Path = chosen.resume or study_file.create(
        chosen.output or study_file.default_path("variance", study), "variance", study
    )
    missing = [key for key in plan.keys if key not in done]
    needed = sum(map(plan.seconds, missing))
    late = "" if needed <= 60 * minutes else f"; it ends after {clock(60 * minutes)}, and --resume goes on"
    sessions = f"{counted(len(missing), 'session')} of {counted(plan.launches, 'launch', 'launches')}"
    print(f"{sessions}: about {clock(needed)}{late}\nCtrl-C keeps what is finished", file=sys.stderr)

    def save() -> None:
        study_file.replace(path, "variance", study)

    try:
        deadline = began + 60 * minutes
        study["finished"] = measuring.run(plan, study["units"], deadline, save, _progress(needed))
        save()
        interrupted = False
    except KeyboardInterrupt:
        interrupted = True
    except OSError as error:
        raise ValueError(f"{path.name} cannot be written: {error.strerror}") from None
    _print(study, chosen.markdown)
    print(f"results: {relative(path)}", file=sys.stderr)
    return INTERRUPTED if interrupted else OK


def _plan(chosen: argparse.Namespace, stored: Study | None, seconds: float) -> Plan:
    """What the options ask for. Raises ValueError, in one line, for what makes no sense."""
    from dataclasses import replace

    from bench.commands.variance import causes
    from bench.commands.variance.plan import Plan, with_launches
    from bench.host import resources
    from bench.runner import numbers
    from bench.runner.selection import choose_kernels, choose_workloads, operations_of, split

    workloads = choose_workloads(chosen.workloads)
    kernels = choose_kernels(chosen.kernels, operations=operations_of(workloads))
    texts = split(chosen.threads, "--threads")
    counts = [str(resources.usable_cores()) if text == "all" else text for text in texts]
    threads = dict.fromkeys(numbers.threads().parse("--threads", text) for text in counts)
    runs = numbers.LAUNCHES.parse("--runs", chosen.runs)
    plan = Plan(kernels, workloads, tuple(threads), causes.choose(chosen.causes), runs, 0)
    if chosen.launches is not None:
        return replace(plan, launches=numbers.LAUNCHES_WITH_INTERVAL.parse("--launches", chosen.launches))
    if stored:  # in one study, all sessions have the same number
        return replace(plan, launches=int(stored["plan"].get("launches") or 0))
    return with_launches(plan, seconds)


def _done(stored: Study | None) -> list[tuple[str, int, int]]:
    from bench.commands.variance.study import key_of

    return [key_of(unit) for unit in stored["units"] if unit["complete"]] if stored else []


def _new(plan: Plan) -> Study:
    from bench.commands.study_file import header
    from bench.commands.variance.document import SCHEMA

    return {
        **header(SCHEMA, plan.describe()),
        "baselines": {workload.name: workload.baseline for workload in plan.workloads},
        "units": [],
    }


def _progress(seconds: float) -> Callable[[str, float], None]:
    """In a terminal a line that is rewritten; elsewhere a line for each session."""
    from bench.report.progress import Progress

    if sys.stderr.isatty():
        return Progress(seconds, lambda line: print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)).tick
    shown = set[str]()

    def tick(activity: str, share: float) -> None:
        session = activity.partition(":")[0]
        if session not in shown:
            shown.add(session)
            print(f"{session} ({share:.0%} done)", file=sys.stderr)

    return tick


def _print(study: Study, as_markdown: bool) -> None:
    from rich.console import Console

    from bench.commands.variance import text

    if as_markdown:
        print(text.markdown(study), end="")
    else:
        text.summary(Console(highlight=False), study)
