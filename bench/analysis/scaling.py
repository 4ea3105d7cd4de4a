"""How a kernel's time grows with m and n: four forms, the best one chosen, and its error on held-out cells. Pure.

    linear     t = a + b m + c n + d mn
    elements   t = b m + c n + d mn, with a d for each level of the memory where X lies
    levels     t = b m + c n + d mn, with a b and a d for each level
    powers     t = k mᵖ nᵠ, with a k for each level

The second and third form have no constant: a level has a single mn in the grid, so a constant cost per call cannot
be separated from d. For the same reason only p − q is determined in the fourth. The coefficients of the first three
are not negative (more work cannot take less time). All forms are fitted to relative errors: times span six decades.

Every fourth cell is held out. The form is chosen on the other cells alone, by five-fold cross-validation, so the
error on the held-out cells is the error of a prediction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any

import numpy as np
from scipy.optimize import nnls

from bench.results.record import Record
from kernels.registry import OPERATIONS, load_operation

FEWEST_CELLS = 12
"""Per kernel: nine of them are fitted, and the largest form has nine coefficients, some of which will be 0."""
_HELD_OUT, _FOLDS = 4, 5


@dataclass(frozen=True)
class Cell:
    """The time of one workload."""

    m: int
    n: int
    level: str
    seconds: float


@dataclass(frozen=True)
class Model:
    """A form with its coefficients."""

    form: str
    levels: tuple[str, ...]
    coefficients: dict[str, float]
    """Term → seconds per unit (in `powers`: the logarithm of k, and the exponents)."""

    def seconds(self, cell: Cell) -> float:
        """The predicted time for the cell's m, n and level."""
        terms = _terms(self.form, self.levels, cell)
        total = sum(self.coefficients[name] * value for name, value in terms.items())
        return float(np.exp(total)) if self.form == "powers" else total


@dataclass(frozen=True)
class Fit:
    """The model of one kernel of one operation, at one dtype, order and number of threads."""

    operation: str
    """As `computed` names it."""
    kernel: str
    dtype: str
    order: str
    threads: int
    cells: int
    """How many cells it was fitted to."""
    model: Model
    relative_errors: tuple[float, ...]
    """|predicted / measured − 1| of each held-out cell."""

    @property
    def median(self) -> float:
        """The median relative error."""
        return median(self.relative_errors)

    @property
    def largest(self) -> float:
        """The largest relative error."""
        return max(self.relative_errors)


FORMS = ("linear", "elements", "levels", "powers")


def computed(record: Record) -> str:
    """The operation, with the options in the workload's name: `descend@steps=10`, `network-2x64-relu`.

    Times of others do not compare.
    """
    name, *options = record.workload.partition("@")
    known = load_operation(record.operation).ending if record.operation in OPERATIONS else None
    found = re.search(f"{known.pattern.pattern}$", name) if known else None
    return "".join([record.operation, found[0] if found else "", *options])


def fits(records: Sequence[Record]) -> list[Fit]:
    """A fit for each operation, kernel, dtype, order and number of threads that has enough cells.

    Raises ValueError if there is none.
    """

    def group(record: Record) -> tuple[str, str, str, str, int]:
        return computed(record), record.kernel, record.dtype, record.order, record.threads

    all_fits = []
    timed = [record for record in records if record.outcome == "ok" and record.seconds and record.level]
    for key, group_records in groupby(sorted(timed, key=group), key=group):
        cells = [
            Cell(record.m, record.n, str(record.level), record.seconds.estimate)
            for record in group_records
            if record.seconds
        ]
        if len(cells) >= FEWEST_CELLS:
            all_fits.append(Fit(*key, *_fit(cells)))
    if not all_fits:
        raise ValueError(
            f"no kernel has {FEWEST_CELLS} workloads of one operation, dtype, order and number of threads, each with "
            "its level; expected a run of --profile full"
        )
    return all_fits


def _fit(cells: Sequence[Cell]) -> tuple[int, Model, tuple[float, ...]]:
    """How many cells were fitted, the model of the best form, and the errors on the held-out cells."""
    ordered = sorted(cells, key=lambda cell: (cell.m * cell.n, cell.n))
    training = [cell for position, cell in enumerate(ordered) if position % _HELD_OUT != 1]
    held_out = ordered[1::_HELD_OUT]
    form = min(FORMS, key=lambda form: _cross_validation_error(form, training))
    model = fit_form(form, training)
    return len(training), model, relative_errors(model, held_out)


def _cross_validation_error(form: str, cells: Sequence[Cell]) -> float:
    """The mean relative error over the folds that the model was not fitted to; an error above 1 counts as 1."""
    errors: list[float] = []
    for fold in range(_FOLDS):
        model = fit_form(form, [cell for position, cell in enumerate(cells) if position % _FOLDS != fold])
        errors += relative_errors(model, cells[fold::_FOLDS])
    return float(np.mean(np.minimum(errors, 1.0)))


def relative_errors(model: Model, cells: Sequence[Cell]) -> tuple[float, ...]:
    """|predicted / measured − 1| of each cell."""
    return tuple(abs(model.seconds(cell) / cell.seconds - 1) for cell in cells)


def fit_form(form: str, cells: Sequence[Cell]) -> Model:
    """The form with the coefficients of the least squared relative errors."""
    levels = tuple(dict.fromkeys(cell.level for cell in cells))
    rows = [_terms(form, levels, cell) for cell in cells]
    names = tuple(rows[0])
    columns: np.ndarray[Any, np.dtype[np.float64]] = np.array([[row[name] for name in names] for row in rows])
    seconds = np.array([cell.seconds for cell in cells])
    if form == "powers":
        solution = np.linalg.lstsq(columns, np.log(seconds), rcond=None)[0]
    else:
        relative = columns / seconds[:, None]
        scale = np.linalg.norm(relative, axis=0)
        scale[scale == 0] = 1.0  # a level without cells
        solution = nnls(relative / scale, np.ones(len(seconds)))[0] / scale
    return Model(form, levels, dict(zip(names, solution.tolist(), strict=True)))


def _terms(form: str, levels: Sequence[str], cell: Cell) -> dict[str, float]:
    """Term → the factor of its coefficient. A level that was not fitted counts as the last fitted level."""
    known_level = cell.level if cell.level in levels else levels[-1]
    m, n = float(cell.m), float(cell.n)
    indicator = {level: float(level == known_level) for level in levels}
    if form == "powers":
        return {f"k in {level}": indicator[level] for level in levels} | {
            "m": float(np.log(m)),
            "n": float(np.log(n)),
        }
    if form == "linear":
        return {"a call": 1.0, "a feature": n, "an example": m, "an element": m * n}
    examples = {"an example": m}
    if form == "levels":
        examples = {f"an example in {level}": m * indicator[level] for level in levels}
    return {"a feature": n, **examples, **{f"an element in {level}": m * n * indicator[level] for level in levels}}
