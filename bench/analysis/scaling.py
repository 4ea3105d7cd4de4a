"""How a kernel's time grows with m and n: a few forms, one chosen, and its error on cells that it has not seen. Pure.

    linear     t = a + b m + c n + d mn
    elements   t = b m + c n + d mn, with a d for each level of the memory where X lies
    levels     t = b m + c n + d mn, with a b and a d for each level
    powers     t = k mᵖ nᵠ, with a k for each level

In the second and third, what a call costs by itself is a part of d: a level has one mn in the grid, so that nothing
tells them apart; nor does it tell p from q, of which their difference counts. The first three have no negative
coefficient (a call cannot take less for more work), and all are fitted to relative errors: times span six decades.

Every fourth cell is held out. The form is chosen on the other cells alone, by leaving out a fifth of them at a time,
so that the error on those held out is the error of a prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any

import numpy as np
from scipy.optimize import nnls

from bench.results.record import Record

FEWEST_CELLS = 12
"""Of a kernel: nine are left for the nine coefficients of the largest form, some of which will be 0."""
_HELD_OUT, _FOLDS = 4, 5


@dataclass(frozen=True)
class Cell:
    """One workload's time."""

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
    """Term → seconds for each (of the powers: logarithm of k, and the exponents)."""

    def seconds(self, cell: Cell) -> float:
        """What it predicts for a cell of these m, n and level."""
        terms = _terms(self.form, self.levels, cell)
        total = sum(self.coefficients[name] * value for name, value in terms.items())
        return float(np.exp(total)) if self.form == "powers" else total


@dataclass(frozen=True)
class Fit:
    """What was found of one kernel, at one dtype, order and number of threads."""

    kernel: str
    dtype: str
    order: str
    threads: int
    cells: int
    """That it was fitted to."""
    model: Model
    relative_errors: tuple[float, ...]
    """|predicted / measured − 1| of each cell that was held out."""

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.relative_errors)

    @property
    def largest(self) -> float:
        """The worst."""
        return max(self.relative_errors)


FORMS = ("linear", "elements", "levels", "powers")


def fits(records: Sequence[Record]) -> list[Fit]:
    """A fit for each kernel, dtype, order and number of threads that has cells enough. Raises ValueError for none."""

    def group(record: Record) -> tuple[str, str, str, int]:
        return record.kernel, record.dtype, record.order, record.threads

    found = []
    timed = [record for record in records if record.outcome == "ok" and record.seconds and record.level]
    for key, own in groupby(sorted(timed, key=group), key=group):
        cells = [Cell(r.m, r.n, str(r.level), r.seconds.median) for r in own if r.seconds]
        if len(cells) >= FEWEST_CELLS:
            found.append(Fit(*key, *_fit(cells)))
    if not found:
        raise ValueError(
            f"no kernel has {FEWEST_CELLS} workloads of one dtype, order and number of threads, with the level of "
            "each; expected a run of --profile full"
        )
    return found


def _fit(cells: Sequence[Cell]) -> tuple[int, Model, tuple[float, ...]]:
    """How many cells it was fitted to, the model of the best form, and the errors on the rest."""
    ordered = sorted(cells, key=lambda cell: (cell.m * cell.n, cell.n))
    seen = [cell for place, cell in enumerate(ordered) if place % _HELD_OUT != 1]
    unseen = [cell for place, cell in enumerate(ordered) if place % _HELD_OUT == 1]
    form = min(FORMS, key=lambda form: _left_out_error(form, seen))
    model = fitted(form, seen)
    return len(seen), model, relative_errors(model, unseen)


def _left_out_error(form: str, cells: Sequence[Cell]) -> float:
    """The mean over cells that the model they are compared with was not fitted to; a wild one counts as 1."""
    found: list[float] = []
    for fold in range(_FOLDS):
        model = fitted(form, [cell for place, cell in enumerate(cells) if place % _FOLDS != fold])
        found += relative_errors(model, cells[fold::_FOLDS])
    return float(np.mean(np.minimum(found, 1.0)))


def relative_errors(model: Model, cells: Sequence[Cell]) -> tuple[float, ...]:
    """|predicted / measured − 1| of each."""
    return tuple(abs(model.seconds(cell) / cell.seconds - 1) for cell in cells)


def fitted(form: str, cells: Sequence[Cell]) -> Model:
    """The form with the coefficients that fit the cells best, in relative errors."""
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
        scale[scale == 0] = 1.0  # of a level without cells
        solution = nnls(relative / scale, np.ones(len(seconds)))[0] / scale
    return Model(form, levels, dict(zip(names, solution.tolist(), strict=True)))


def _terms(form: str, levels: Sequence[str], cell: Cell) -> dict[str, float]:
    """Term → what its coefficient is multiplied with. A level that was not seen is taken for the last that was."""
    at = cell.level if cell.level in levels else levels[-1]
    m, n = float(cell.m), float(cell.n)
    here = {level: float(level == at) for level in levels}
    if form == "powers":
        return {f"k in {level}": here[level] for level in levels} | {"m": float(np.log(m)), "n": float(np.log(n))}
    if form == "linear":
        return {"a call": 1.0, "a feature": n, "an example": m, "an element": m * n}
    examples = {"an example": m}
    if form == "levels":
        examples = {f"an example in {level}": m * here[level] for level in levels}
    return {"a feature": n, **examples, **{f"an element in {level}": m * n * here[level] for level in levels}}
