"""What is printed of a study: a table of all fits."""

from __future__ import annotations

from bench.commands.scale.cells import cells
from bench.commands.scale.plan import Plan
from bench.commands.study_file import Study
from bench.report.formatting import counted, duration
from bench.report.table import Table, number_columns

_LEGEND = (
    "units: in each layer; 0 is logistic regression. held out: log-loss of examples that decided nothing, mean and "
    "range over the seeds.",
    "fitted: log-loss of the examples that were fitted. steps: of L-BFGS, to those that others chose.",
    "seconds: of all steps.",
)


def tables(study: Study) -> list[Table]:
    """Every number of units, with every number of examples."""
    plan = Plan.of(study["plan"])
    found = cells(plan, study["rows"])
    rows = [
        (
            str(one.units),
            f"{one.examples:,}",
            f"{one.held_out:.4f} [{one.least:.4f}, {one.most:.4f}]",
            f"{one.trained:.4f}",
            f"{one.steps:.0f}",
            duration(one.seconds),
        )
        for one in found
    ]
    layers, seeds = counted(plan.layers, "layer"), counted(plan.seeds, "seed")
    title = f"{plan.workload}: log-loss of held-out examples, {layers} of {plan.activation}, {seeds}"
    base = [f"A constant probability has a held-out log-loss of {found[-1].base:.4f}."] if found else []
    columns = number_columns("units", "examples", "held out", "fitted", "steps", "seconds")
    return [Table(title, columns, rows, (*_LEGEND, *base))]
