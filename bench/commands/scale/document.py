"""The study's rows, and what it is for the commands that make, show and draw one."""

from __future__ import annotations

from typing import TypedDict

from bench.commands.scale import drawing, text
from bench.commands.scale.plan import PLAN
from bench.commands.study_file import Study
from bench.commands.study_run import Kind
from bench.results.ranges import Count, NotNegative, Size


class Row(TypedDict):
    """One fit."""

    examples: Size
    units: Count
    """In each layer; 0 for logistic regression."""
    seed: Count
    steps: Count
    """To the parameters that count: those with the lowest cost on the examples that decide."""
    trained: NotNegative
    """Their cost on the examples that they were fitted to."""
    held_out: NotNegative
    """Their cost on examples that decided nothing."""
    base: NotNegative
    """The cost there of one probability for all examples."""
    seconds: NotNegative
    """Of all steps."""


def _first_error(study: Study) -> str | None:
    return None if study["rows"] or not study["finished"] else "a finished study has no fits"


KIND = Kind("scale", 1, Row, PLAN.describe(), _first_error, text.tables, drawing.drawing)
