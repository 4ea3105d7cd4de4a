"""`python -m bench scale`: its arguments and its exit code."""

from __future__ import annotations

import argparse

from bench.commands import study_run

_MINUTES = "15"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    study_run.add_arguments(parser, "scale", _MINUTES)


def scale(chosen: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from functools import partial

    from bench.commands.scale import study
    from bench.commands.scale.document import KIND
    from bench.commands.scale.plan import PLAN

    make = study_run.Make(PLAN.describe(), len(PLAN.keys), chosen.minutes or _MINUTES, partial(study.run, PLAN))
    return study_run.study(chosen, KIND, make)
