"""Fits of times that follow a known law, with and without noise, and of random times."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.__main__ import main
from bench.analysis import scaling
from bench.analysis.scaling import Cell
from bench.results import run_file
from bench.results.record import Record, Seconds
from tests.support.records import OK, RESULTS

SIZES = {"L1": 2**14, "L2": 2**19, "L3": 2**23, "memory": 2**28}
FEATURES = (2, 8, 32, 128, 1024)
ELEMENT = {"L1": 1e-11, "L2": 2e-11, "L3": 4e-11, "memory": 3e-10}
EXAMPLE = {"L1": 1e-9, "L2": 1.2e-9, "L3": 2e-9, "memory": 2e-8}

LAWS: dict[str, Callable[[Cell], float]] = {
    "linear": lambda c: 2e-6 + 3e-9 * c.m + 4e-8 * c.n + 5e-11 * c.m * c.n,
    "elements": lambda c: 2e-6 + 3e-9 * c.m + 4e-8 * c.n + ELEMENT[c.level] * c.m * c.n,
    "levels": lambda c: 2e-6 + EXAMPLE[c.level] * c.m + 4e-8 * c.n + ELEMENT[c.level] * c.m * c.n,
    "powers": lambda c: 1e3 * ELEMENT[c.level] * c.m**0.7 * c.n**0.4,
}


def grid(law: Callable[[Cell], float]) -> list[Cell]:
    cells = [Cell(size // (4 * n), n, level, 0.0) for level, size in SIZES.items() for n in FEATURES]
    return [replace(cell, seconds=law(cell)) for cell in cells]


def records(cells: list[Cell], kernel: str = "numpy") -> list[Record]:
    return [
        replace(
            OK, kernel=kernel, m=cell.m, n=cell.n, level=cell.level, seconds=Seconds(cell.seconds, None, None)
        )
        for cell in cells
    ]  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
def test_a_law_among_the_forms_predicts_the_held_out_cells(law: str) -> None:
    (fit,) = scaling.fits(records(grid(LAWS[law])))
    assert (fit.cells, len(fit.relative_errors)) == (15, 5)
    assert fit.largest < 1e-6
    assert (fit.kernel, fit.dtype, fit.order, fit.threads) == ("numpy", "float64", "C", 2)


def test_the_coefficients_are_those_of_the_law() -> None:
    # m and n vary independently, so every coefficient is determined
    cells = [Cell(m, n, "memory", 0.0) for m in (10, 1000, 100_000) for n in (1, 10, 100, 1000)]
    model = scaling.fit_form("linear", [replace(cell, seconds=LAWS["linear"](cell)) for cell in cells])
    expected = {"a call": 2e-6, "a feature": 4e-8, "an example": 3e-9, "an element": 5e-11}
    assert model.coefficients == pytest.approx(expected, rel=1e-6)


def test_no_coefficient_is_negative() -> None:
    rng = np.random.default_rng(0)
    cells = [replace(cell, seconds=float(rng.uniform(1e-6, 1.0))) for cell in grid(LAWS["linear"])]
    for form in ("linear", "elements", "levels"):
        assert min(scaling.fit_form(form, cells).coefficients.values()) >= 0


def test_noise_of_three_per_cent_is_an_error_of_that_size() -> None:
    rng = np.random.default_rng(1)
    (fit,) = scaling.fits(records(grid(lambda c: LAWS["levels"](c) * float(np.exp(0.03 * rng.standard_normal())))))
    assert 0.001 < fit.median < 0.08


def test_random_times_have_a_large_error() -> None:
    rng = np.random.default_rng(2)
    (fit,) = scaling.fits(records(grid(lambda _c: float(10 ** rng.uniform(-6, 0)))))
    assert fit.median > 0.5


def test_an_error_above_1_counts_as_1() -> None:
    cells = grid(LAWS["linear"])
    wild = [replace(cell, seconds=cell.seconds * (1e-6 if i == 7 else 1.0)) for i, cell in enumerate(cells)]
    assert max(scaling._cross_validation_error(form, wild) for form in scaling.FORMS) <= 1


def test_held_out_cells_do_not_influence_the_fit() -> None:
    cells = sorted(grid(LAWS["levels"]), key=lambda cell: (cell.m * cell.n, cell.n))
    (before,) = scaling.fits(records(cells))
    changed = [replace(cell, seconds=100 * cell.seconds) if i % 4 == 1 else cell for i, cell in enumerate(cells)]
    (after,) = scaling.fits(records(changed))
    assert after.model == before.model
    assert after.relative_errors == pytest.approx([0.99] * 5)


def test_operations_kernels_dtypes_orders_and_threads_are_fitted_separately() -> None:
    base = records(grid(LAWS["linear"]))
    changes: tuple[dict[str, Any], ...] = (
        {"kernel": "jax"}, {"dtype": "float32"}, {"order": "F"}, {"threads": 1}, {"operation": "descend"},
        {"operation": "descend", "workload": "descend:lecture@steps=10"},
    )  # fmt: skip
    others = [replace(record, **change) for change in changes for record in base]
    few = records(grid(LAWS["linear"])[: scaling.FEWEST_CELLS - 1], "numba")
    failed = [replace(record, kernel="sklearn", outcome="wrong") for record in base]
    fits = scaling.fits([*base, *others, *few, *failed])
    assert len(fits) == 7
    assert {fit.operation for fit in fits} == {"gradient", "descend", "descend@steps=10"}
    assert not {"numba", "sklearn"} & {fit.kernel for fit in fits}


def test_too_few_cells_are_an_error_of_one_line() -> None:
    with pytest.raises(ValueError, match="no kernel has 12 workloads .* expected a run of --profile full"):
        scaling.fits(records(grid(LAWS["linear"])[:5]))
    with pytest.raises(ValueError, match="each with its level"):
        scaling.fits([replace(record, level=None) for record in records(grid(LAWS["linear"]))])


def test_the_report_prints_the_errors_on_the_held_out_cells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    timed = [*records(grid(LAWS["elements"])), *records(grid(LAWS["powers"]), "jax-blocked")]
    # not by run_file.write, which rounds: two forms contain the first law, and rounding would decide between them
    file.write_text(json.dumps({"logitbench": replace(RESULTS, records=tuple(timed)).as_json()}))
    assert main(["report", str(file), "--fit"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("numpy"))
    assert row.split() == ["numpy", "f64", "C", "elements", "2", "15", "5", "0%", "0%"]
    assert "  jax-blocked float64 C, threads: 2: powers of m and n" in lines
    text = " ".join(" ".join(lines).split())
    assert "numpy float64 C, threads: 2: 40.0 ns a feature, 3.00 ns an example, " in text
    assert max(map(len, lines)) <= 80


def test_the_report_names_the_operation_where_there_are_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    base = records(grid(LAWS["elements"]))
    descents = [replace(record, operation="descend") for record in base]
    run_file.write(file, {"logitbench": replace(RESULTS, records=(*base, *descents)).as_json()})
    assert main(["report", str(file), "--fit"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if " f64 " in line] == [["descend", "numpy"], ["gradient", "numpy"]]
    assert any(line.startswith("  descend, numpy float64 C, threads: 2: ") for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_file_without_a_grid_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.json"
    run_file.write(file, {"logitbench": RESULTS.as_json()})
    assert main(["report", str(file), "--fit"]) == 2
    assert ": no kernel has 12 workloads of one " in capsys.readouterr().err
