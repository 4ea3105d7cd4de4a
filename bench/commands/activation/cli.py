"""`python -m bench activation`: its arguments and its exit code."""

from __future__ import annotations

import argparse

from bench.commands import study_run

_MINUTES, _FULL_MINUTES = "10", "600"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--full", action="store_true", help="a lower target, more steps and more seeds: hours")
    parser.add_argument(
        "--sklearn", action="store_true", help="train with scikit-learn's MLPClassifier as well, which takes longer"
    )
    parser.add_argument("--rates", metavar="A,B", help="learning rates that are tried (default: 0.01 to 30)")
    study_run.add_arguments(parser, "activation", f"{_MINUTES}; with --full {_FULL_MINUTES}")


def activation(chosen: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from dataclasses import replace
    from functools import partial

    from bench.commands.activation import study
    from bench.commands.activation.document import KIND
    from bench.commands.activation.plan import FULL, PLAN
    from bench.runner import numbers
    from bench.runner.selection import split

    plan = replace(FULL if chosen.full else PLAN, library=chosen.sklearn)
    if chosen.rates is not None:
        texts = split(chosen.rates, "--rates")
        rates = [float(f"{numbers.RATE.parse('--rates', text):.6g}") for text in texts]  # as a file keeps them
        plan = replace(plan, rates=tuple(dict.fromkeys(rates)))
    minutes = chosen.minutes or (_FULL_MINUTES if chosen.full else _MINUTES)
    descents = sum(len(plan.tuning(arm)) + plan.seeds for arm in plan.arms)
    make = study_run.Make(plan.describe(), descents, minutes, partial(study.run, plan))
    return study_run.study(chosen, KIND, make)
