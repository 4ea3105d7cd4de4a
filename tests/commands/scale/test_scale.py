"""`python -m bench scale`, with a plan that takes a second; and its table, from fits made by hand."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.commands.scale import cells, drawing, plan as plans, study
from bench.commands.scale.plan import PLAN, Key, Plan
from bench.host import machine
from kernels import registry

SMALL = Plan("breast-cancer", (50, 200), (0, 2), steps=10, seeds=2)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "PLAN", SMALL)
    monkeypatch.setattr(machine, "fingerprint", lambda: {"id": "some-cpu"})


def row(examples: int, units: int, seed: int, held_out: float, **changes: Any) -> dict[str, Any]:
    one = {"examples": examples, "units": units, "seed": seed, "steps": 5, "trained": 0.1, "held_out": held_out}
    return one | {"base": 0.69, "seconds": 1.0} | changes


@pytest.mark.usefixtures("small")
def test_a_study_runs_ends_early_goes_on_and_is_shown_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, picture = tmp_path / "study.json", tmp_path / "scale.svg"
    assert main(["scale", "--output", str(file), "--minutes", "1e-9"]) == 0
    assert "NOT COMPLETE" in " ".join(capsys.readouterr().out.split())
    assert main(["scale", "--resume", str(file), "--svg", str(picture)]) == 0
    assert "NOT COMPLETE" not in capsys.readouterr().out
    rows = json.loads(file.read_text())["scale"]["rows"]
    assert [Key(one["examples"], one["units"], one["seed"]) for one in rows] == SMALL.keys
    assert all(0 < one["held_out"] < one["base"] for one in rows if one["examples"] == 200)
    assert "logistic regression" in picture.read_text()
    assert main(["scale", "--show", str(file), "--markdown"]) == 0
    assert "| units | examples | held out |" in capsys.readouterr().out
    monkeypatch.setattr(plans, "PLAN", replace(SMALL, steps=11))
    assert main(["scale", "--resume", str(file)]) == 2
    assert "study.json has another steps" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_a_fit_is_of_its_seed_and_of_examples_that_are_not_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, ...]] = []
    fitting = registry.part_of("network", "fitting")

    def fit(*given: Any) -> Any:
        seen.append(given)
        return fitting.Fitted(1, 0.1, 0.1, 1.0)

    monkeypatch.setattr(fitting, "fit", fit)
    assert study.run(SMALL, [], float("inf"), lambda: None, lambda *_: None)
    held_out = {row.tobytes() for _, _, *sets, _, _, _ in seen for one in sets for row in one.X}
    fits = [{row.tobytes() for row in given[1].X} for given in seen]
    assert all(not (rows & held_out) for rows in fits)
    assert [len(rows) for rows in fits] == [key.examples for key in SMALL.keys]
    assert fits[0] != fits[1]  # another seed
    assert fits[0] == fits[2]  # other units


def test_a_cell_is_the_mean_and_the_range_of_its_seeds() -> None:
    plan = replace(PLAN, examples=(1000,), units=(0, 4))
    rows = [row(1000, 4, seed, held_out) for seed, held_out in enumerate((0.5, 0.2, 0.35))]
    (cell,) = cells.cells(plan, rows)
    assert (cell.held_out, cell.least, cell.most, cell.seeds) == (pytest.approx(0.35), 0.2, 0.5, 3)


def test_a_line_for_each_number_of_units() -> None:
    stored: Any = {"plan": SMALL.describe(), "rows": [row(50, units, 0, 0.3) for units in SMALL.units]}
    values = drawing.drawing(stored)["data"]["values"]
    assert [one["kind"] for one in values] == ["logistic regression", "2 × 2 units"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--minutes", "0"], "--minutes is 0; expected a number above 0"),
        (["--svg", "scale.png"], "expected a name that ends in .svg"),
        (["--show", "nowhere.json"], "nowhere.json: No such file or directory"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scale", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [row(5, 1, 0, -1.0)]},
        {"rows": []},
        {"plan": {}},
        {"plan": PLAN.describe() | {"units": "4"}},
        {"plan": PLAN.describe() | {"units": [-1]}},
        {"plan": PLAN.describe() | {"steps": 10**400}},
        {"machine": {"id": "x", "more": float("nan")}},
    ],
)
def test_a_file_that_is_not_valid_is_refused(
    change: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    valid = {"schema": 1, "began": "", "commit": "", "finished": True, "machine": {"id": "x"}}
    stored = valid | {"plan": PLAN.describe(), "rows": [row(5, 1, 0, 0.5)]} | change
    (tmp_path / "a.json").write_text(json.dumps({"scale": stored}))
    assert main(["scale", "--show", str(tmp_path / "a.json")]) == 2
    assert "a.json: not a valid study of scale: " in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_a_study_goes_on_where_it_began(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "study.json"
    assert main(["scale", "--output", str(file), "--minutes", "1e-9"]) == 0
    monkeypatch.setattr(machine, "fingerprint", lambda: {"id": "another-cpu"})
    assert main(["scale", "--resume", str(file)]) == 2
    assert "study.json is of some-cpu, and this is another-cpu: begin another" in capsys.readouterr().err


def test_a_pipe_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    assert main(["scale", "--show", str(tmp_path / "pipe.json")]) == 2
    assert "pipe.json: not a regular file; expected a study's JSON" in capsys.readouterr().err
