"""python -m bench report: pages, pictures, CSV, and files that cannot be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from csv import DictReader
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.host.checkout import CHECKOUT
from bench.report import csv_export, output
from bench.results import run_file, store
from bench.results.record import Error
from tests.support.pages import RUN
from tests.support.records import RESULTS, WRONG


def test_report_writes_the_page_and_prints_its_path_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.json"
    run_file.write(file, {"logitbench": RUN.as_json()})
    assert main(["report", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"page: {os.path.relpath(tmp_path / 'run.html')}"
    assert main(["report", str(file), "--output", str(tmp_path / "deep" / "other.html")]) == 0
    assert (tmp_path / "deep" / "other.html").read_text() == (tmp_path / "run.html").read_text()
    assert main(["report", str(file), "--csv"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("some-cpu-2c-01234567,2026-01-02")
    assert main(["report", str(file), "--svg", str(tmp_path / "svg")]) == 0
    pictures = sorted((tmp_path / "svg").iterdir())
    assert "speedup.svg" in [picture.name for picture in pictures]
    assert all("var(--" not in picture.read_text() and "numba" in picture.read_text() for picture in pictures)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "run.html", "run.json", "svg"]


def test_csv_has_a_column_for_each_figure_of_each_operation() -> None:
    ok, wrong = RESULTS.records
    descent = replace(
        ok, id="b", error=Error(0.5, {"steps": 12.0}), curves={"cost": [1.0]}, reached=False, of="numpy"
    )
    rows = list(DictReader(StringIO(csv_export.text(replace(RESULTS, records=(ok, wrong, descent))))))
    figures = ("error.bound_fraction", "error.figures.ulps", "error.figures.steps")
    assert [[row[name] for name in figures] for row in rows] == [
        ["0.004", "4.2", ""],
        ["", "", ""],
        ["0.5", "", "12.0"],
    ]
    assert [(row["seconds.estimate"], row["reached"], row["of"]) for row in rows] == [
        ("2e-05", "True", ""), ("", "True", ""), ("2e-05", "False", "numpy"),
    ]  # fmt: skip
    assert not {"output_tail", "counters", "curves", "work"} & rows[0].keys()


RACE = {"workload": "a", "operation": "b", "threads": 1}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": 99}, "schema 99; this version reads schemas 1, 2 and 3"),
        ({"records": [{}]}, "missing"),
        ({"machine": {}}, "logitbench.machine has no id"),
        (
            {"races": [{**RACE, "rounds": [{"kernel": "a", "launch": 0, "seconds": [0]}]}]},
            "races[0].rounds[0].seconds[0] is '0'; expected a number above 0",
        ),
        (
            {"races": [{**RACE, "control": {"kernel": "a"}}]},
            "logitbench.races[0].control has no",
        ),
        ({"races": [{**RACE, "workload": 3}]}, "logitbench.races[0].workload is '3'; expected text"),
        ({"races": [{"workload": "a", "operation": "b"}]}, "logitbench.races[0] has no threads"),
        ({"races": [{"workload": "a", "threads": 1}]}, "logitbench.races[0] has no operation"),
        ({"races": [{**RACE, "details": {"steps": "1"}}]}, "logitbench.races[0].details.steps is '1'; expected a"),
        ({"races": [{**RACE, "data": {"ones": 0.5}}]}, "logitbench.races[0].data has no size"),
        ({"operations": {"b": {"figures": ["c"]}}}, "operations.b.figures is \"['c']\"; expected an object"),
        ({"run": {}}, "logitbench.run has no began"),
    ],
)
def test_a_file_with_a_wrong_part_is_refused(
    change: dict[str, Any], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"logitbench": RUN.as_json() | change}))
    refused(["report", str(file)], says, capsys)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("m", "x", "records[0].m is 'x'; expected a whole number"),
        ("m", True, "records[0].m is 'True'; expected a whole number"),
        ("m", 0, "records[0].m is '0'; expected a whole number, 1 or more"),
        ("threads", None, "records[0].threads is 'None'; expected a whole number"),
        (
            "seconds",
            {"estimate": "1", "low": None, "high": None},
            "records[0].seconds.estimate is '1'; expected a number",
        ),
        (
            "seconds",
            {"estimate": -1.0, "low": None, "high": None},
            "seconds.estimate is '-1.0'; expected a number above 0",
        ),
        (
            "seconds",
            {"estimate": float("nan"), "low": None, "high": None},
            "records[0].seconds.estimate is 'nan'; expected a number",
        ),
        ("seconds", {"estimate": 0, "low": None, "high": None}, "seconds.estimate is '0'; expected a number above 0"),
        ("seconds", {"estimate": 10**400, "low": None, "high": None}, "records[0].seconds.estimate is '1000"),
        ("m", 10**400, "records[0].m is '1000"),
        ("work", {"read": -1}, "records[0].work.read is '-1'; expected a number above 0"),
        ("curves", {"cost": [1.0, None]}, "records[0].curves.cost[1] is 'None'; expected a number"),
        ("reached", 1, "records[0].reached is '1'; expected true or false"),
        ("kernel", ["a"], "records[0].kernel is \"['a']\"; expected text"),
    ],
)
def test_a_file_with_a_wrong_record_is_refused(
    key: str, value: Any, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = RUN.as_json()
    plain["records"][0][key] = value
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"logitbench": plain}))
    refused(["report", str(file)], says, capsys)


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    """A rename would put a page in place of /dev/stdout."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    output.write(pipe, "page")
    assert os.read(reader, 10) == b"page"
    os.close(reader)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    assert pipe.is_fifo()


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.json"
    run_file.write(file, {"logitbench": RUN.as_json()})
    refused(["report", str(file), "--output", str(file)], "a page is HTML", capsys)
    refused(["report", str(file), str(file), "--output", "a.html"], "--output takes one run", capsys)
    refused(["report", str(file), "--output", str(file / "a.html")], "run.json/a.html cannot be written: ", capsys)
    truncated = tmp_path / "half.json"
    truncated.write_text(file.read_text()[:2000])
    refused(["report", str(truncated)], "not a results file of logitbench; expected its JSON", capsys)
    nothing = tmp_path / "nothing.json"
    run_file.write(nothing, {"logitbench": replace(RUN, records=(WRONG,)).as_json()})
    refused(["report", str(nothing), "--output", str(tmp_path / "a.html")], "no kernel was timed in it", capsys)


def test_the_default_is_the_newest_finished_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store, "RESULTS", tmp_path)
    monkeypatch.setattr("bench.host.machine.identity", lambda: "here-2c-01234567")
    refused(
        ["report", "--csv"], "results/here-2c-01234567 has no finished run of this machine; name a file, or", capsys
    )
    for day, end in ((1, ""), (2, ""), (3, "-interrupted")):
        one = replace(RUN, run={**RUN.run, "began": f"2026-01-0{day}T00:00:00+00:00"})
        file = tmp_path / "here-2c-01234567" / f"2026010{day}T000000Z-abc1234{end}.json"
        run_file.write(file, {"logitbench": one.as_json()})
    assert main(["report", "--csv"]) == 0
    assert "2026-01-02" in capsys.readouterr().out.splitlines()[1]


def refused(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_without_the_report_extra_there_is_a_summary_and_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise ValueError(output.MISSING)

    monkeypatch.setattr(output, "require_page_extra", missing)
    file = tmp_path / "run.json"
    run_file.write(file, {"logitbench": RUN.as_json()})
    assert main(["report", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "× loops" in "\n".join(lines)
    assert lines[-1] == "no page: a page needs Altair and vl-convert: pip install '.[report]'"
    refused(["report", str(file), "--output", str(tmp_path / "a.html")], "pip install '.[report]'", capsys)


def test_the_terminal_summary_imports_no_altair() -> None:
    code = (
        "import sys, bench.commands.report, bench.report.terminal, bench.report.headline, bench.report.csv_export\n"
        "assert not {'altair', 'vl_convert', 'narwhals'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True)
