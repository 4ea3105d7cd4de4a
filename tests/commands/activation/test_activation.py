"""`python -m bench activation`, with a plan that takes a second; and its figures, from descents made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.__main__ import main
from bench.commands.activation import analysis, plan as plans, text
from bench.commands.activation.drawing import drawing
from bench.commands.activation.plan import CUSTOMARY, PLAN, Arm, Plan
from bench.host import machine

SMALL = replace(
    PLAN, workload="20x2", width=2, layers=(1,), seeds=2, tuning_seeds=1, budget=3, target=0.1, rates=(0.1, 1.0)
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "PLAN", SMALL)
    monkeypatch.setattr(machine, "fingerprint", lambda: {"id": "some-cpu"})


def row(steps: int | None, rate: float = 1.0, seed: int = 0, counts: bool = True, **changes: Any) -> dict[str, Any]:
    one = {"layers": 1, "unit": "relu", "start": "he", "rate": rate, "seed": seed, "counts": counts}
    norms = [[1.0, 2.0], [1.0, 1.0]]
    return one | {"steps": steps, "seconds": 0.5, "cost": 0.2, "norms": norms, "dead": 0.25} | changes


@pytest.mark.usefixtures("small")
def test_a_study_runs_ends_early_goes_on_and_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "study.json"
    assert main(["activation", "--output", str(file), "--minutes", "1e-9"]) == 0
    assert "NOT COMPLETE" in " ".join(capsys.readouterr().out.split())
    picture = tmp_path / "activation.svg"
    assert main(["activation", "--resume", str(file), "--svg", str(picture)]) == 0
    assert "ReLU, start glorot" in picture.read_text()
    shown = capsys.readouterr().out
    assert "NOT COMPLETE" not in shown
    stored = json.loads(file.read_text())["activation"]
    assert len(stored["rows"]) == 3 * (2 + 2)
    assert {(one["unit"], one["start"]) for one in stored["rows"]} == set(CUSTOMARY)
    assert main(["activation", "--show", str(file), "--markdown"]) == 0
    assert "| 1 | sigmoid | glorot |" in capsys.readouterr().out.replace("`", "")
    monkeypatch.setattr(plans, "PLAN", replace(SMALL, target=0.2))
    assert main(["activation", "--resume", str(file)]) == 2
    assert "study.json has another target" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--minutes", "-1"], "--minutes is -1; expected a number above 0"),
        (["--rates", "1e31"], "--rates is 1e+31; expected a number from 1e-20 to"),
        (["--rates", "0.1,nan"], "--rates is 'nan'; expected a number from 1e-20 to"),
        (["--rates", "0.1,0"], "--rates is 0; expected a number from 1e-20 to"),
        (["--output", "study.txt"], "expected a name that ends in .json"),
        (["--show", "nowhere.json"], "nowhere.json: No such file or directory"),
        (["--resume", "a.json", "--output", "b.json"], "leave --output out"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["activation", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("small")
def test_a_study_of_a_rate_with_many_digits_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "study.json"
    rates = ["--rates", "0.123456789"]
    assert main(["activation", "--output", str(file), "--minutes", "1e-9", *rates]) == 0
    assert main(["activation", "--resume", str(file), *rates]) == 0
    assert {one["rate"] for one in json.loads(file.read_text())["activation"]["rows"]} == {0.123457}


@pytest.mark.usefixtures("small")
def test_scikit_learn_makes_the_same_descents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "study.json"
    assert main(["activation", "--sklearn", "--output", str(file)]) == 0
    assert "1 layer, by scikit-learn, each with its own start" in capsys.readouterr().out
    own = [one for one in json.loads(file.read_text())["activation"]["rows"] if one["start"] == "sklearn"]
    assert [(one["unit"], one["seed"], one["counts"]) for one in own] == [
        ("relu", 0, True), ("relu", 1, True), ("sigmoid", 0, True), ("sigmoid", 1, True)
    ]  # fmt: skip
    assert all(one["steps"] is None or one["cost"] <= SMALL.target for one in own)


@pytest.mark.usefixtures("small")
def test_a_descent_that_diverges_is_stored_said_and_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "study.json"
    assert main(["activation", "--output", str(file), "--rates", "1e20,1e25"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "diverged at the rate 1e+20; try a smaller one with --rates" in shown
    assert main(["activation", "--show", str(file)]) == 0
    assert any(one["cost"] is None for one in json.loads(file.read_text())["activation"]["rows"])


@pytest.mark.parametrize(
    "change", [{"dead": -1.0}, {"steps": "3"}, {"norms": [[1.0]]}, {"norms": [[1.0, 2.0], [1.0]]}, {"cost": "low"}]
)
def test_a_file_that_is_not_valid_is_refused(
    change: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = {
        "schema": 1,
        "began": "",
        "commit": "",
        "finished": True,
        "machine": {"id": "x"},
        "plan": PLAN.describe(),
    }
    (tmp_path / "a.json").write_text(json.dumps({"activation": study | {"rows": [row(3) | change]}}))
    assert main(["activation", "--show", str(tmp_path / "a.json")]) == 2
    assert "a.json: not a valid study of activation: " in capsys.readouterr().err


def test_descents_that_never_get_there_count_with_the_budget() -> None:
    rows = [row(100, seed=0), row(None, seed=1), row(300, seed=2)]
    (summary,) = analysis.summaries(replace(PLAN, layers=(1,), budget=2000), rows)
    assert (summary.reached, summary.descents) == (2, 3)
    assert summary.steps.value == pytest.approx((100 + 2000 + 300) / 3)
    assert summary.steps.low < summary.steps.value < summary.steps.high
    assert (summary.fading, summary.dead) == (0.5, 0.25)


def test_the_rate_is_that_of_the_fewest_steps_then_of_the_lowest_cost() -> None:
    rates = PLAN.rates[:3]
    rows = [row(steps, rate, counts=False) for steps, rate in zip((50, 20, 40), rates, strict=True)]
    assert analysis.chosen_rate(rows, 100) == rates[1]
    costs = [row(None, rate, counts=False, cost=cost) for rate, cost in zip(rates, (0.3, None, 0.1), strict=True)]
    assert analysis.chosen_rate(costs, 100) == rates[2]


def test_the_interval_of_a_ratio_covers_it() -> None:
    """Of exponential numbers with means 3 and 1, twenty of each: about 95 of 100 intervals cover 3."""
    rng = np.random.default_rng(4)
    covered = sum(
        one.low <= 3 <= one.high
        for one in (analysis.ratio(rng.exponential(3, 20), rng.exponential(1, 20)) for _ in range(100))
    )
    assert 85 <= covered <= 100


def test_comparisons_say_when_they_are_a_lower_bound_and_when_they_show_nothing() -> None:
    plan = replace(PLAN, layers=(1,), budget=2000)
    study: Any = {
        "schema": 1, "began": "now", "commit": "x", "finished": True, "machine": {"id": "x"}, "plan": plan.describe(),
        "rows": [
            *(row(100 + seed, seed=seed) for seed in range(5)),
            *(row(None, seed=seed, unit="sigmoid", start="glorot") for seed in range(5)),
            *(row(2000 if seed % 2 else None, seed=seed, start="glorot") for seed in range(5)),
        ],
    }  # fmt: skip
    assert Plan.of(study["plan"]) == plan
    (customary, same) = text.tables(study)[1].notes
    assert customary.startswith("1 layer, each with its customary start: 19.6 [")
    assert customary.endswith("(at least, since some never got there)")
    assert "no difference shown" in same
    assert Arm(1, "relu", "he") in plan.arms


@pytest.mark.parametrize(
    ("slow", "fast", "words"),
    [
        ([100, 200], [50, 60], ""),
        ([5000, 200], [50, 60], ""),  # one that got there with the last step
        ([None, 200], [50, 60], "at least"),
        ([100, 200], [50, None], "at most"),
        ([None, 200], [50, None], "no bound"),
    ],
)
def test_what_a_ratio_is_where_some_never_got_there(
    slow: list[int | None], fast: list[int | None], words: str
) -> None:
    plan = replace(PLAN, layers=(1,))
    rows = [row(steps, seed=seed) for seed, steps in enumerate(fast)]
    rows += [row(steps, seed=seed, unit="sigmoid", start="glorot") for seed, steps in enumerate(slow)]
    stored: Any = {"plan": plan.describe(), "rows": rows}
    (line,) = text.tables(stored)[1].notes
    assert words in line
    assert ("got there" in line) is bool(words)


def test_no_ratio_over_descents_of_no_step() -> None:
    rows = [row(0), row(5, unit="sigmoid", start="glorot")]
    stored: Any = {"plan": replace(PLAN, layers=(1,)).describe(), "rows": rows}
    assert text.tables(stored)[1].notes == ["nothing can be said yet"]


def test_norms_that_vanish_or_differ_beyond_floats_are_drawn_without_them() -> None:
    plan = replace(PLAN, layers=(1,))
    rows = [row(3, norms=[[0.0, 0.0], [1e300, 1e-300]])]
    study = {"plan": plan.describe(), "rows": rows}
    assert "–" in str(text.tables(study))  # type: ignore[arg-type]
    assert "Infinity" not in json.dumps(drawing(study))  # type: ignore[arg-type]
