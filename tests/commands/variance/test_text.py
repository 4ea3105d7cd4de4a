"""From a made-up document to entries, conclusions, tables and files."""

from __future__ import annotations

import json
from io import StringIO
from math import log1p, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bench.__main__ import main
from bench.commands import study_file
from bench.commands.variance import conclusions, document, text
from bench.commands.variance.document import Study, Unit
from bench.commands.variance.entries import Entry, entries
from bench.report.formatting import clock

WORKLOAD = "10000x32-f64"
ROUNDS, CALLS = 24, 30


def unit(
    condition: str,
    launch_sd: dict[str, float],
    seed: int,
    run: int = 0,
    launches: int = 10,
    rounds_sd: float = 0.01,
    **changed: Any,
) -> Unit:
    """launch_sd: kernel → the planted standard deviation of its launches; that of rounds is rounds_sd"""
    rng, rows, calls, of_launches = np.random.default_rng(seed), [], [], []
    sweeps = list(range(ROUNDS))
    for launch in range(launches):
        for kernel, deviation in launch_sd.items():
            logs = np.log(1e-3) + rng.normal(0, deviation) + rng.normal(0, rounds_sd, ROUNDS)
            rows.append(
                {
                    "workload": WORKLOAD, "launch": launch, "kernel": kernel, "seconds": np.exp(logs).tolist(),
                    "sweeps": sweeps, "disturbed_seconds": [], "disturbed_sweeps": [], "huge_pages": None,
                }
            )  # fmt: skip
        of_launches.append(
            {
                "workload": WORKLOAD, "launch": launch, "wall_seconds": 2.0, "rounds_seconds": 0.48, "stolen": 0.0,
                "others": 0.01, "foreign": [], "disturbed": 0, "counts_all": "",
            }
        )  # fmt: skip
    for kernel in launch_sd:
        constant = [1e-3] * CALLS
        calls.append(
            {
                "workload": WORKLOAD, "launch": 0, "kernel": kernel, "iterations": 64, "seconds": constant,
                "median": constant, "deviation": [8e-5 / 1.4826] * CALLS, "standard_deviation": constant,
                "first": constant, "slowest": constant,
            }
        )  # fmt: skip
    made: dict[str, Any] = {
        "condition": condition, "threads": 2, "run": run, "complete": True, "rounds": {"rows": rows},
        "launches": {"rows": of_launches}, "calls": {"rows": calls}, "failures": {},
    }  # fmt: skip
    return made | changed  # type: ignore[return-value]


def study(units: list[Unit], **changed: Any) -> Study:
    made: dict[str, Any] = {
        "schema": document.SCHEMA, "began": "2026-01-01T00:00:00+00:00", "commit": "1234567", "finished": True,
        "machine": {"id": "some-machine"}, "plan": {}, "baselines": {WORKLOAD: "loops"}, "units": units,
    }  # fmt: skip
    return made | changed  # type: ignore[return-value]


STEADY, UNSTEADY = {"loops": 0.0, "numpy": 0.0}, {"loops": 0.0, "numpy": 0.05}


def entry(of: Study, condition: str = "idle", over: str = "loops") -> Entry:
    return next(one for one in entries(of) if (one.kernel, one.condition, one.over) == ("numpy", condition, over))


def test_an_entry_has_what_was_planted() -> None:
    of = study([unit("idle", UNSTEADY, seed, run, launches=40) for seed, run in ((1, 0), (2, 1))])
    times, ratio = entry(of, over=""), entry(of)
    assert times.spread.launch is not None
    assert sqrt(times.spread.launch.variance) == pytest.approx(0.05, rel=0.2)
    assert times.spread.rounds == pytest.approx(0.01, rel=0.1)
    assert ratio.spread.rounds == pytest.approx(0.01 * sqrt(2), rel=0.1)  # both kernels' rounds
    assert times.calls == pytest.approx(0.08)
    assert times.rounds_predicted == pytest.approx(0.08 / 8)
    assert (ratio.calls, ratio.rounds_predicted) == (None, pytest.approx(0.01 * sqrt(2)))
    assert (ratio.launch_seconds, ratio.round_seconds) == pytest.approx((2.0, 0.48 / ROUNDS))
    assert times.spread.run is not None
    assert (times.spread.runs, times.launches, ratio.spread.degrees) == (2, 80, 78)
    assert times.seconds == pytest.approx(1e-3, rel=0.05)
    assert [one.over for one in entries(of)] == ["", "", "loops"]


def test_a_kernel_that_failed_in_one_run_has_no_entry() -> None:
    failed = unit("idle", STEADY, 2, 1, failures={f"numpy on {WORKLOAD}": "wrong: data"})
    of = study([unit("idle", STEADY, 1), failed])
    assert {one.kernel for one in entries(of)} == {"loops"}
    assert f"numpy on {WORKLOAD}: wrong: data" in text.markdown(of)


def test_without_a_race_the_rounds_of_the_calls_count() -> None:
    cold = unit("cold", STEADY, 1, rounds={"rows": []}, launches=0)
    one = entry(study([cold]), "cold", "")
    assert (one.launch_seconds, one.round_seconds, one.spread.rounds_per_launch) == (None, None, CALLS)
    assert one.seconds == 1e-3


def test_a_launch_that_only_one_kernel_reached_has_no_ratio() -> None:
    whole = unit("idle", STEADY, 1)
    whole["rounds"]["rows"] = [
        row for row in whole["rounds"]["rows"] if row["kernel"] == "loops" or row["launch"] > 3
    ]
    assert entry(study([whole])).spread.degrees == 5


def test_only_wide_idle_ratios_have_a_conclusion() -> None:
    assert conclusions.conclusions(entries(study([unit("idle", STEADY, 1), unit("cpu", UNSTEADY, 2)]))) == []
    (line,) = conclusions.conclusions(entries(study([unit("idle", UNSTEADY, 1), unit("cpu", UNSTEADY, 2)])))
    assert line.startswith(f"numpy over loops on {WORKLOAD}, 2 threads: ±")


def test_the_cause_is_what_the_components_say() -> None:
    launches = conclusions.likely_cause(entry(study([unit("idle", UNSTEADY, 1)])), {})
    assert launches.startswith("Launches differ by ")
    assert "what a start decides" in launches
    rounds = conclusions.likely_cause(entry(study([unit("idle", STEADY, 1, rounds_sd=0.2)])), {})
    assert rounds.startswith("Its rounds' scatter of ")
    assert "what disturbs a round outlasts a call" in rounds
    as_calls = conclusions.likely_cause(entry(study([unit("idle", STEADY, 1)])), {})
    assert "outlasts" not in as_calls
    drifting = unit("idle", STEADY, 1)
    for row in drifting["rounds"]["rows"]:
        if row["kernel"] == "numpy":
            pace = 0.03 * (1 if row["launch"] % 2 else -1)
            row["seconds"] = [s * (1 + pace * number) for number, s in enumerate(row["seconds"])]
    assert "while they last: the machine's speed" in conclusions.likely_cause(entry(study([drifting])), {})
    busy = unit("idle", UNSTEADY, 1)
    busy["launches"]["rows"][3] |= {"others": 0.2, "stolen": 0.1}
    assert "used up to 30% of a core" in conclusions.likely_cause(entry(study([busy])), {})
    planted = conclusions.likely_cause(entry(study([unit("idle", UNSTEADY, 1)])), {"cpu": 3.1, "bound": 0.25})
    assert "narrower with bound (0.25 ×), which takes a cause away; wider with cpu (3.1 ×)." in planted


def test_an_effect_of_a_cause_is_its_launches_over_the_idle_ones() -> None:
    of = entries(study([unit("idle", STEADY, 1), unit("cpu", UNSTEADY, 2), unit("bound", STEADY, 3)]))
    shown = {(one.condition, one.over): factor for one, factor in conclusions.effects(of).items()}
    assert set(shown) == {("cpu", ""), ("cpu", "loops")}
    idle, planted = (next(one for one in of if one.condition == name and one.over) for name in ("idle", "cpu"))
    assert shown["cpu", "loops"] == pytest.approx((planted.spread.launches or 0.0) / (idle.spread.launches or 1.0))


def test_the_cost_is_that_of_the_race() -> None:
    one = entry(study([unit("idle", UNSTEADY, 1)]))
    half = one.spread.half_width
    assert half is not None
    assert half > log1p(0.025)
    said = conclusions.cost(one)
    launches = int(said.removeprefix("±2.5% needs ").partition(" ")[0])
    assert launches > 5
    assert said == f"±2.5% needs {launches} launches (about {clock(2.0 * (launches - 5))} more)."
    few = conclusions.cost(entry(study([unit("idle", STEADY, 1, rounds_sd=0.2)])))
    assert "launches (about" in few
    assert "rounds in each of 5 launches (about" in few


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0.00"), (0.0004, "0.04"), (0.00095, "0.1"), (0.0123, "1.2"), (0.0994, "9.9"), (2.0, "200")],
)
def test_percentages_have_two_digits(share: float, shown: str) -> None:
    assert conclusions.percent(share) == shown


UNITS = [unit("idle", UNSTEADY, 1), unit("small-pages", STEADY, 2), unit("idle", UNSTEADY, 3, run=1)]


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_shows_every_level(width: int) -> None:
    page = StringIO()
    text.summary(Console(file=page, width=width, highlight=False), study(UNITS))
    shown = page.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    for words in ("2 threads: times", "ratios over loops", "Between idle runs", "none, <", "What was planted"):
        assert words in shown
    assert "NOT COMPLETE" not in shown
    assert "±2.5% needs" in " ".join(shown.split())


def test_markdown_has_the_same_tables() -> None:
    shown = text.markdown(study(UNITS, finished=False))
    assert "NOT COMPLETE" in shown
    assert "| kernel | planted | time | calls | rounds | launches | beyond |" in shown
    assert "| `numpy` | small-pages |" in shown
    assert shown.count("\n- numpy over loops on") == 1


def test_disturbed_rounds_that_count_are_named() -> None:
    busy = unit("cpu", STEADY, 1)
    for row in busy["launches"]["rows"][:4]:
        row["counts_all"] = "it was never quiet"
    assert "cpu: rounds beside foreign processes count in 4 of 10 launches." in text.markdown(study([busy]))


def test_one_launch_concludes_nothing() -> None:
    shown = text.markdown(study([unit("idle", UNSTEADY, 1, launches=1)]))
    assert "no ratio has two launches: nothing can be said" in shown
    assert "- none\n" in text.markdown(study([unit("idle", STEADY, 1)]))


def test_a_file_is_read_as_it_was_written_and_replaced_as_a_whole(tmp_path: Path) -> None:
    whole = study(UNITS)
    path = study_file.create(tmp_path / "a.json", "variance", whole)
    assert study_file.create(tmp_path / "a.json", "variance", whole).name == "a-2.json"
    assert text.markdown(document.read(path)) == text.markdown(whole)
    study_file.replace(path, "variance", study(UNITS[:1]))
    assert len(document.read(path)["units"]) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a-2.json", "a.json"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.clear(), "not a variance study of logitbench; expected its JSON"),
        (lambda d: d["variance"].update(schema=9), "schema 9; this version reads schema 1"),
        (lambda d: d["variance"].pop("plan"), "not a valid variance study: variance has no plan"),
        (lambda d: d["variance"].update(machine={}), "variance.machine has no id"),
        (lambda d: d["variance"]["units"][0].update(threads="2"), "units[0].threads is '2'"),
        (
            lambda d: d["variance"]["units"][0]["rounds"]["rows"][0]["seconds"].pop(),
            "seconds and sweeps of",
        ),
        (lambda d: d["variance"]["units"][0]["rounds"]["rows"][0]["seconds"].__setitem__(0, 0), "a number above 0"),
        (lambda d: d["variance"]["units"][0]["calls"]["rows"][0].pop("median"), "units[0].calls[0] has no median"),
    ],
)
def test_a_file_that_is_not_valid_is_refused_in_one_line(
    change: Any, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = json.loads(json.dumps({"variance": study(UNITS[:1])}))
    change(broken)
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    assert main(["variance", "--show", str(tmp_path / "broken.json")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: broken.json: ")
    assert error.count("\n") == 1
    assert says in error
