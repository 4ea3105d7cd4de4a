"""The study's rows, and what it is for the commands that make, show and draw one."""

from __future__ import annotations

from typing import TypedDict

from bench.commands.activation import drawing, text
from bench.commands.activation.plan import PLAN
from bench.commands.study_file import Study
from bench.commands.study_run import Kind
from bench.results.ranges import Count, NotNegative, Positive, Size


class Row(TypedDict):
    """One descent."""

    layers: Size
    unit: str
    start: str
    rate: Positive
    seed: Count
    counts: bool
    """False where it only helped to choose the rate."""
    steps: Count | None
    """To the target; null where it was not reached."""
    seconds: NotNegative
    cost: NotNegative | None
    """The last one; null where the descent diverged."""
    norms: list[list[NotNegative]]
    """Of each layer's derivatives by its weights, at the start and at the end."""
    dead: NotNegative
    """The share of units that are 0 for every example, at the end."""


_MOST_LAYERS = 16
"""For each a panel is drawn."""


def _first_error(study: Study) -> str | None:
    if max(study["plan"]["layers"]) > _MOST_LAYERS:
        return f"plan has more than {_MOST_LAYERS} layers"
    if any([len(of_one) for of_one in row["norms"]] != 2 * [row["layers"] + 1] for row in study["rows"]):
        return "a descent has no norms of all layers at the start and at the end"
    return None


KIND = Kind("activation", 1, Row, PLAN.describe(), _first_error, text.tables, drawing.drawing)
