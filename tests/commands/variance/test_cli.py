"""The command line: what it says before it starts, what it refuses, how it ends and how it goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.commands.variance import document, study
from bench.commands.variance.document import Unit
from bench.commands.variance.plan import Key, Plan

SMALL = ["--kernels", "numpy", "--workloads", "50x3", "--threads", "1", "--causes", "cold", "--runs", "1"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--causes", "heat"], "no cause is called 'heat'; expected idle, "),
        (["--minutes", "0"], "--minutes is 0; expected a number above 0"),
        (["--launches", "1"], "--launches is 1; expected a whole number from 2 to 10,000: one has no interval"),
        (["--threads", "0"], "--threads is 0; expected a whole number from 1"),
        (["--kernels", "nump"], "no kernel is called 'nump'; the nearest: numpy"),
        (["--workloads", "0x1"], "'0x1' has no examples"),
        (["--output", "a.txt"], "--output is 'a.txt'; expected a name that ends in .json"),
        (["--output", "a.json", "--resume", "b.json"], "--resume FILE.json goes on in that file"),
        (["--resume", "no-such.json"], "no-such.json: No such file or directory"),
        (["--show", "no-such.json"], "no-such.json: No such file or directory"),
    ],
)
def test_mistakes_are_reported_in_one_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "_measure", lambda *_: pytest.fail("it measured"))
    assert main(["variance", *SMALL, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {says}")
    assert error.count("\n") == 1


def units_of(monkeypatch: pytest.MonkeyPatch, act: Callable[[Key], None]) -> list[Key]:
    begun: list[Key] = []

    def measure(_plan: Plan, key: Key, unit: Unit, *_: Any) -> bool:
        begun.append(key)
        act(key)
        unit["failures"]["numpy on 50x3-f64"] = "wrong"
        return True

    monkeypatch.setattr(study, "_measure", measure)
    return begun


def test_it_says_how_long_it_takes_and_goes_on_after_ctrl_c(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(key: Key) -> None:
        if key.condition == "cold":
            raise KeyboardInterrupt

    file = tmp_path / "new" / "study.json"
    units_of(monkeypatch, interrupted)
    assert main(["variance", *SMALL, "--launches", "3", "--output", str(file)]) == 130
    captured = capsys.readouterr()
    assert captured.err.startswith("2 sessions of 3 launches: about ")
    assert "study.json" in captured.err
    assert "NOT COMPLETE" in captured.out
    assert [unit["condition"] for unit in document.read(file)["units"]] == ["idle"]
    begun = units_of(monkeypatch, lambda _: None)
    assert main(["variance", *SMALL, "--resume", str(file)]) == 0
    assert begun == [Key("cold", 1, 0)]
    captured = capsys.readouterr()
    assert captured.err.startswith("1 session of 3 launches: about ")
    assert "NOT COMPLETE" not in captured.out
    assert document.read(file)["finished"]


@pytest.mark.parametrize(
    ("arguments", "other"),
    [(["--runs", "2"], "runs"), (["--causes", "cpu"], "conditions"), (["--launches", "4"], "launches")],
)
def test_a_study_with_other_options_is_not_continued(
    arguments: list[str],
    other: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "study.json"
    units_of(monkeypatch, lambda _: None)
    assert main(["variance", *SMALL, "--launches", "3", "--output", str(file)]) == 0
    before = file.read_bytes()
    capsys.readouterr()
    assert main(["variance", *SMALL, "--resume", str(file), *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"error: study.json has another {other}: ")
    assert file.read_bytes() == before


def test_a_study_of_other_sources_is_not_continued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "study.json"
    units_of(monkeypatch, lambda _: None)
    main(["variance", *SMALL, "--launches", "3", "--output", str(file)])
    stored = json.loads(file.read_text())
    stored["variance"]["plan"]["sources"] = "0123"
    file.write_text(json.dumps(stored))
    capsys.readouterr()
    assert main(["variance", *SMALL, "--resume", str(file)]) == 2
    assert "has another sources" in capsys.readouterr().err


def test_the_time_limit_is_said_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def two_minutes(_key: Key) -> None:
        now[0] += 120.0

    monkeypatch.setattr(Plan, "seconds", lambda *_: 120.0)
    begun = units_of(monkeypatch, two_minutes)
    assert main(["variance", *SMALL, "--minutes", "1", "--output", str(tmp_path / "a.json")]) == 0
    assert len(begun) == 1
    captured = capsys.readouterr()
    assert "about 4 min 00 s; it ends after 1 min 00 s, and --resume goes on" in captured.err
    assert "NOT COMPLETE" in captured.out


def test_a_file_goes_where_the_machines_results_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from bench.host import checkout, machine

    monkeypatch.setattr(checkout, "RESULTS", tmp_path)
    units_of(monkeypatch, lambda _: None)
    assert main(["variance", *SMALL, "--launches", "2"]) == 0
    (file,) = (tmp_path / machine.identity() / "variance").iterdir()
    assert document.read(file)["machine"]["id"] == machine.identity()


def test_markdown_of_a_stored_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    units_of(monkeypatch, lambda _: None)
    main(["variance", *SMALL, "--launches", "2", "--output", str(tmp_path / "a.json")])
    capsys.readouterr()
    assert main(["variance", "--show", str(tmp_path / "a.json"), "--markdown"]) == 0
    assert "- numpy on 50x3-f64: wrong\n" in capsys.readouterr().out


def test_a_real_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "real.json"
    assert main(["variance", *SMALL, "--launches", "2", "--output", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "50x3-f64, 1 thread: ratios over loops" in shown
    assert {unit["condition"] for unit in document.read(file)["units"]} == {"idle", "cold"}
