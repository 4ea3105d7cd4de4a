"""`python -m bench activation`: its arguments, where its file goes, and its exit code."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands.exit_codes import INTERRUPTED, OK

if TYPE_CHECKING:
    from bench.commands.activation.document import Study
    from bench.commands.activation.plan import Plan

_MINUTES, _FULL_MINUTES = "10", "600"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--full", action="store_true", help="a lower target, more steps and more seeds: hours")
    parser.add_argument(
        "--sklearn", action="store_true", help="train with scikit-learn's MLPClassifier as well, which takes longer"
    )
    parser.add_argument(
        "--minutes", metavar="N", help=f"time limit (default: {_MINUTES}; with --full {_FULL_MINUTES})"
    )
    parser.add_argument(
        "--output", metavar="FILE.json", type=Path, help="default: results/<machine>/activation/<time>-<commit>.json"
    )
    parser.add_argument(
        "--resume", metavar="FILE.json", type=Path, help="go on with a study that ended early; with the same options"
    )
    parser.add_argument("--show", metavar="FILE.json", type=Path, help="print a stored study, and train nothing")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")


def activation(chosen: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from bench.commands.activation import document

    if chosen.show:
        _print(document.read(chosen.show), chosen.markdown)
        return OK
    if chosen.resume and chosen.output:
        raise ValueError("--resume FILE.json goes on in that file; leave --output out")
    if chosen.output and chosen.output.suffix != ".json":
        raise ValueError(f"--output is {str(chosen.output)!r}; expected a name that ends in .json")
    return _train(chosen)


def _train(chosen: argparse.Namespace) -> int:
    import time
    from dataclasses import replace

    from bench.commands.activation import document, study as training
    from bench.commands.activation.plan import FULL, PLAN
    from bench.report.output import relative
    from bench.runner import numbers

    began = time.monotonic()
    plan = replace(FULL if chosen.full else PLAN, library=chosen.sklearn)
    minutes = numbers.ABOVE_0.parse("--minutes", chosen.minutes or (_FULL_MINUTES if chosen.full else _MINUTES))
    stored = document.read(chosen.resume) if chosen.resume else None
    for name, value in plan.describe().items():
        if stored and stored["plan"].get(name) != value:
            raise ValueError(f"{chosen.resume.name} has another {name}: resume with its options, or leave it out")
    study = stored or _new(plan)
    path: Path = chosen.resume or document.create(chosen.output or _default_path(study), study)
    total = sum(len(plan.tuning(arm)) + plan.seeds for arm in plan.arms)
    print(f"{total} descents, at most {float(minutes):g} min; Ctrl-C keeps what is finished", file=sys.stderr)
    shown = set[str]()

    def tick(what: str, done: int) -> None:
        if what not in shown:
            shown.add(what)
            print(f"{what} ({done / total:.0%} done)", file=sys.stderr)

    interrupted = False
    try:
        study["finished"] = training.run(
            plan, study["descents"], began + 60 * minutes, lambda: document.replace(path, study), tick
        )
        document.replace(path, study)
    except KeyboardInterrupt:
        interrupted = True
    except OSError as error:
        raise ValueError(f"{path.name} cannot be written: {error.strerror}") from None
    _print(study, chosen.markdown)
    print(f"results: {relative(path)}", file=sys.stderr)
    return INTERRUPTED if interrupted else OK


def _new(plan: Plan) -> Study:
    from datetime import UTC, datetime

    from bench.commands.activation.document import SCHEMA
    from bench.host import machine
    from bench.host.checkout import CHECKOUT, commit

    return {
        "schema": SCHEMA,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(CHECKOUT),
        "finished": False,
        "machine": machine.fingerprint(),
        "plan": plan.describe(),
        "descents": [],
    }


def _default_path(study: Study) -> Path:
    from datetime import datetime

    from bench.host.checkout import RESULTS

    began = datetime.fromisoformat(study["began"])
    return RESULTS / str(study["machine"]["id"]) / "activation" / f"{began:%Y%m%dT%H%M%SZ}-{study['commit']}.json"


def _print(study: Study, as_markdown: bool) -> None:
    from rich.console import Console

    from bench.commands.activation import text

    if as_markdown:
        print(text.markdown(study), end="")
    else:
        text.summary(Console(highlight=False), study)
