"""Whether a results file can be shared: from a file made by hand and the one that is committed."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.commands import machines
from bench.commands.check import results_file
from bench.host.checkout import CHECKOUT
from bench.results import run_file, store
from bench.results.record import Results
from bench.workloads import catalog
from tests.support.committed import committed, each_committed
from tests.support.runs import machine_of, run

TIMES = {"numpy": 2e-5, "numba": 5e-6}
THREE_LAUNCHES = {"20261123T071430Z-55abef8", "20261123T082039Z-55abef8"}
"""Of a grid, which the check says of them. No other file may."""


def whole() -> dict[str, Any]:
    """A file that nothing is wrong with."""
    runs = [run("A", TIMES, limit=1e-6, workload=name).results for name in catalog.DEFAULT]
    races, records = (tuple(part for one in runs for part in getattr(one, key)) for key in ("races", "records"))
    results = Results(runs[0].run, runs[0].machine, races, records)
    machine_info = {"node": results.machine["id"], "system": "Linux", "cpu": {"brand_raw": "Some CPU"}}
    commit_info = {"id": "abc1234", "dirty": False, "project": "logitbench"}
    return {"machine_info": machine_info, "commit_info": commit_info, "logitbench": results.as_json()}


def wrong(document: dict[str, Any], folder: Path, *personal: str, name: str = "") -> dict[str, str]:
    identity = document["logitbench"]["machine"]["id"]
    file = folder / "run.json"
    file.write_text(json.dumps(document))
    place = name or f"{identity}/20260102T030405Z-abc1234.json"
    found = results_file.findings(place, json.loads(file.read_text()), run_file.read(file), personal)
    assert len({finding.check for finding in found}) == 8
    checks = dict.fromkeys(finding.check for finding in found if finding.wrong)
    return {check: "; ".join(finding.wrong for finding in found if finding.check == check) for check in checks}


def test_a_whole_file_has_nothing_wrong(tmp_path: Path) -> None:
    assert wrong(whole(), tmp_path, "ada", "analytical-engine") == {}


def test_a_gpus_run_has_workloads_of_its_own(tmp_path: Path) -> None:
    document = whole()
    for key in ("races", "records"):
        document["logitbench"][key] = document["logitbench"][key][:2]
    assert "nothing was timed on breast-cancer, 10000x32-f64" in wrong(document, tmp_path)["whole"]
    document["logitbench"]["records"][0]["device"] = "gpu"
    assert "nothing was timed" not in wrong(document, tmp_path).get("whole", "")


def _set(path: str, value: object) -> Any:
    def change(document: dict[str, Any]) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        part: Any = document
        for step in way:
            part = part[step]
        part[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "check", "says"),
    [
        (
            _set("machine_info.node", "analytical-engine"),
            "nothing personal",
            "machine_info.node may be a host",
        ),
        (_set("machine_info.user", "x"), "nothing personal", "user: not expected in machine_info"),
        (_set("commit_info.branch", "x"), "nothing personal", "branch: not expected"),
        (_set("commit_info.project", "x"), "nothing personal", "commit_info.project may be a folder's name"),
        (_set("machine_info.cpu.x", "at /home/ada/x.py"), "nothing personal", "machine_info.cpu.x names a folder"),
        (_set("machine_info.cpu.x", "by Ada, 1843"), "nothing personal", "holds the name of this host or its user"),
        (_set("logitbench.machine.hardware.cores", 64), "machine", "it was edited"),
        (
            _set("logitbench.records.1.seconds.median", 4e-6),
            "untouched",
            "numba on lecture: its time does not",
        ),
        (_set("logitbench.races.2.ceilings", None), "whole", "limits were not measured on 10000x32-f64"),
        (_set("logitbench.races.2.launches", 3), "whole", "fewer than 5 launches on 10000x32-f64"),
        (_set("logitbench.races", []), "untouched", "does not follow from its rounds"),
        (_set("logitbench.records", []), "whole", "it has no finished race"),
        (_set("logitbench.races.0.control.trustworthy", False), "trustworthy", "lecture: the control shows"),
        (_set("logitbench.races.0.control", None), "trustworthy", "lecture: without a control"),
        (_set("logitbench.run.commit", "abc1234-dirty"), "commit", "was not committed"),
        (_set("logitbench.run.commit", "nogit"), "commit", "does not say which commit"),
        (_set("logitbench.records.0.kernel", "mine:f"), "public", "mine:f: nobody else has this kernel"),
        (_set("logitbench.records.0.workload", "patients"), "public", "patients: nobody else has these data"),
        (_set("logitbench.records.0.outcome", "wrong"), "whole", "numpy on lecture: wrong"),
    ],
)
def test_what_is_wrong_is_said(change: Any, check: str, says: str, tmp_path: Path) -> None:
    document = deepcopy(whole())
    change(document)
    assert says in wrong(document, tmp_path, "ada")[check]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Downloads/20260102T030405Z-abc1234.json", "it lies in Downloads; expected results/some-2c-"),
        ("{id}/20260102T030405Z-abc1234-interrupted.json", "the run was interrupted"),
        ("{id}/best.json", "it is called best.json; expected <UTC time>-<commit>.json"),
    ],
)
def test_where_it_lies(name: str, says: str, tmp_path: Path) -> None:
    document = whole()
    name = name.format(id=document["logitbench"]["machine"]["id"])
    assert says in wrong(document, tmp_path, name=name)["name"]


def test_names_of_nobody_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "engine.example.org")
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/al"))
    assert results_file.here() == ["engine.example.org", "engine"]


@each_committed("file")
def test_what_is_committed_can_be_shared(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", str(file)])
    wrong = [line[:40] for line in capsys.readouterr().out.splitlines() if not line.endswith(" ok")]
    if file.stem in THREE_LAUNCHES:
        assert (code, wrong) == (1, ["whole            fewer than 5 launches on"[:40]])
    else:
        assert (code, wrong) == (0, [])


def test_the_command_says_a_line_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps(whole()))
    assert main(["check", str(file)]) == 1
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) == 9
    assert "name             it is called run.json" in shown


@pytest.mark.parametrize("command", ["check", "compare"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("", "no results file of logitbench"),
        ('{"logitbench": {"schema": 1, "ru', "no results file of logitbench"),
        ('{"benchmarks": [], "machine_info": {}}', "no results file of logitbench"),
        ('{"logitbench": {"schema": 2}}', "schema 2; this version reads schema 1"),
        (
            '{"logitbench": {"schema": 1, "run": {}, "machine": {}, "races": [], "records": []}}',
            "logitbench.machine has no id",
        ),
    ],
)
def test_bad_files(
    command: str, content: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_text(content)
    other = tmp_path / "other.json"
    other.write_text(json.dumps(whole()))
    others = [str(other)] * (command == "compare")
    assert main([command, str(file), *others]) == 2
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert says in shown.err


def test_the_results_page_is_made_from_the_files() -> None:
    there: dict[str, list[Results]] = {}
    for path in committed():
        there.setdefault(path.parent.name, []).append(run_file.read(path))
    page = (CHECKOUT / "results" / "README.md").read_text()
    assert page == machines.page(there), "run make results, and git add results/"


def test_the_page_has_each_machine_with_its_newest_figures() -> None:
    one, two = (run(cpu, TIMES, limit=1e-6, on=machine_of(cpu)).results for cpu in ("Some CPU", "Other CPU"))
    older = run("older", {"numpy": 1.0}, on=machine_of("Some CPU")).results
    page = machines.page({one.machine["id"]: [older, one], two.machine["id"]: [two]})
    assert "| Some CPU | 2 | 2 | 2026-01-02 | lecture | `numba` | 2.00 [1.90, 2.10] | 20% | 24.0 GB/s |" in page
    assert page.count("## ") == 2
    assert "| lecture | 2 | `numba` | 5.00 µs | 2.00 [1.90, 2.10] | 4.00 [3.90, 4.10] × `loops` | 20% |" in page


def test_machine_all_lists_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store, "RESULTS", tmp_path)
    ids = [machine_of(cpu)["id"] for cpu in ("Some CPU", "Other CPU")]
    for name, cpu in zip(ids, ("Some CPU", "Other CPU"), strict=True):
        results = run(name, TIMES, limit=1e-6, on=machine_of(cpu)).results
        run_file.write(tmp_path / name / "20260102T030405Z-abc1234.json", {"logitbench": results.as_json()})
    assert main(["machine", "--all"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ids)
    assert max(map(len, shown.splitlines())) <= 80


def test_runs_are_files_machines_or_the_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for machine, stamp in (("a-2c-01", "20260101"), ("a-2c-01", "20260102"), ("b-2c-02", "20260101")):
        for end in ("", "-interrupted"):
            file = tmp_path / machine / f"{stamp}T000000Z-abc1234{end}.json"
            run_file.write(file, {"logitbench": run("A", TIMES).results.as_json()})
    monkeypatch.setattr("bench.host.machine.identity", lambda: "b-2c-02")
    found = store.load_runs(
        ["a-2c-01", "latest", str(tmp_path / "a-2c-01" / "20260101T000000Z-abc1234.json")], tmp_path
    )
    assert [one.name for one in found] == [
        "20260102T000000Z-abc1234",
        "b-2c-02/20260101T000000Z-abc1234",
        "a-2c-01/20260101T000000Z-abc1234",
    ]
    with pytest.raises(ValueError, match=r"'c' is no run: .* which has a-2c-01, b-2c-02; expected a results file"):
        store.load_runs(["c"], tmp_path)
