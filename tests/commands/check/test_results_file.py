"""Whether a results file can be shared: a file made by hand, and the committed ones."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.commands import machines
from bench.commands.check import results_file
from bench.host.checkout import CHECKOUT
from bench.results import json_text, run_file, store
from bench.results.record import Results
from bench.workloads import catalog
from tests.support.committed import committed, each_committed
from tests.support.runs import machine_of, run

TIMES = {"numpy": 2e-5, "numba": 5e-6}
THREE_LAUNCHES = {"20261123T071430Z-55abef8", "20261123T082039Z-55abef8"}
"""Runs of a grid of workloads, which the check reports. No other committed file may have so few."""


def whole() -> dict[str, Any]:
    """The JSON of a file that passes every check."""
    runs = [run("A", TIMES, ceiling=1e-6, workload=name).results for name in catalog.DEFAULT]
    races, records = (tuple(part for one in runs for part in getattr(one, key)) for key in ("races", "records"))
    results = Results(runs[0].run, runs[0].machine, races, records, runs[0].operations)
    machine_info = {"node": results.machine["id"], "system": "Linux", "cpu": {"brand_raw": "Some CPU"}}
    commit_info = {"id": "abc1234", "dirty": False, "project": "logitbench"}
    return {"machine_info": machine_info, "commit_info": commit_info, "logitbench": results.as_json()}


def failures(document: dict[str, Any], folder: Path, *personal: str, name: str = "") -> dict[str, str]:
    """The failed checks, each with its messages."""
    identity = document["logitbench"]["machine"]["id"]
    file = folder / "run.json"
    file.write_text(json.dumps(document))
    name = name or f"{identity}/20260102T030405Z-abc1234.json"
    results = results_file.check_file(name, json.loads(file.read_text()), run_file.read(file), personal)
    assert len({result.check for result in results}) == 8
    failed = dict.fromkeys(result.check for result in results if result.failure)
    return {check: "; ".join(result.failure for result in results if result.check == check) for check in failed}


def test_a_complete_file_passes_every_check(tmp_path: Path) -> None:
    assert failures(whole(), tmp_path, "ada", "analytical-engine") == {}


def test_a_run_on_a_gpu_may_have_its_own_workloads(tmp_path: Path) -> None:
    document = whole()
    for key in ("races", "records"):
        document["logitbench"][key] = document["logitbench"][key][:2]
    assert "nothing was timed on breast-cancer, 10000x32-f64" in failures(document, tmp_path)["whole"]
    document["logitbench"]["records"][0]["device"] = "gpu"
    assert "nothing was timed" not in failures(document, tmp_path).get("whole", "")


def _set(path: str, value: object) -> Any:
    def change(document: dict[str, Any]) -> None:
        *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
        container: Any = document
        for key in parents:
            container = container[key]
        container[last] = value

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
        (_set("machine_info.cpu.x", "by Ada, 1843"), "nothing personal", "has the name of this host or its user"),
        (_set("logitbench.machine.hardware.cores", 64), "machine", "it was edited"),
        (
            _set("logitbench.records.1.seconds.estimate", 4e-6),
            "untouched",
            "numba on lecture: its time does not",
        ),
        (
            _set("logitbench.races.2.ceilings", None),
            "whole",
            "the machine's ceilings were not measured on 10000x32-f64",
        ),
        (
            _set("logitbench.races.2.launches", 4),
            "whole",
            "fewer than 5 launches on 10000x32-f64: run with --launches 5",
        ),
        (_set("logitbench.races", []), "untouched", "does not follow from its rounds"),
        (_set("logitbench.records", []), "whole", "it has no finished race"),
        (_set("logitbench.races.0.control.trustworthy", False), "trustworthy", "lecture: the control shows"),
        (_set("logitbench.races.0.control", None), "trustworthy", "lecture: it has no control"),
        (_set("logitbench.run.commit", "abc1234-dirty"), "commit", "was not committed"),
        (_set("logitbench.run.commit", "nogit"), "commit", "does not say which commit"),
        (_set("logitbench.records.0.kernel", "mine:f"), "public", "mine:f: nobody else has this kernel"),
        (_set("logitbench.records.0.workload", "patients"), "public", "patients: nobody else has these data"),
        (_set("logitbench.records.0.outcome", "wrong"), "whole", "numpy on lecture: wrong"),
    ],
)
def test_each_failure_is_reported(change: Any, check: str, says: str, tmp_path: Path) -> None:
    document = deepcopy(whole())
    change(document)
    assert says in failures(document, tmp_path, "ada")[check]


def test_rounding_is_no_edit_and_anything_larger_is(tmp_path: Path) -> None:
    """Times written with seven digits follow from rounds written with seven; with 3e-6 more they do not."""
    document = whole()
    for factor in (1.0000001, 1.2345678912, 3.3333333333, 9.87654321987):
        rounded = json_text.rounded(deepcopy(document))
        for race in rounded["logitbench"]["races"]:
            for part in race["rounds"]:
                part["seconds"] = [json_text.rounded(factor * seconds) for seconds in part["seconds"]]
        for record, original in zip(rounded["logitbench"]["records"], document["logitbench"]["records"], strict=True):
            record["seconds"]["estimate"] = json_text.rounded(factor * original["seconds"]["estimate"])
        assert failures(rounded, tmp_path) == {}
        rounded["logitbench"]["records"][1]["seconds"]["estimate"] *= 1 + 3e-6
        assert set(failures(rounded, tmp_path)) == {"untouched"}


def test_files_of_schema_1_have_all_digits_and_are_checked_as_such(tmp_path: Path) -> None:
    path = committed()[0]
    document, name = json.loads(path.read_text()), "/".join(path.parts[-2:])
    assert failures(document, tmp_path, name=name) == {}
    timed = next(record for record in document["logitbench"]["records"] if record["seconds"])
    timed["seconds"]["median"] *= 1 + 1e-8
    assert set(failures(document, tmp_path, name=name)) == {"untouched"}


def test_kernels_of_each_operation_can_be_shared_and_work_without_ceilings_needs_none(tmp_path: Path) -> None:
    document = whole()
    results = document["logitbench"]
    record, race = results["records"][0], results["races"][0]
    assert (record["workload"], race["workload"]) == ("lecture", "lecture")
    descent = {"operation": "descend", "workload": "descend:lecture", "kernel": "numba-compiled", "work": None}
    rounds = [part | {"kernel": "numba-compiled"} for part in race["rounds"] if part["kernel"] == record["kernel"]]
    results["records"].append(record | descent)
    results["races"].append(
        race | {"operation": "descend", "workload": "descend:lecture", "rounds": rounds, "ceilings": None}
    )
    assert failures(document, tmp_path) == {}
    results["records"][-1]["work"] = record["work"]
    assert "ceilings were not measured on descend:lecture" in failures(document, tmp_path)["whole"]
    results["records"][-1] |= {"operation": "gradient", "work": None}
    assert failures(document, tmp_path) == {"public": "numba-compiled: nobody else has this kernel; run without it"}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Downloads/20260102T030405Z-abc1234.json", "it is in Downloads; expected results/some-2c-"),
        ("{id}/20260102T030405Z-abc1234-interrupted.json", "the run was interrupted"),
        ("{id}/best.json", "its name is best.json; expected <UTC time>-<commit>.json"),
    ],
)
def test_the_path_under_results_is_checked(name: str, says: str, tmp_path: Path) -> None:
    document = whole()
    name = name.format(id=document["logitbench"]["machine"]["id"])
    assert says in failures(document, tmp_path, name=name)["name"]


def test_names_that_identify_nobody_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "engine.example.org")
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/al"))
    assert results_file.local_names() == ["engine.example.org", "engine"]


@each_committed("file")
def test_committed_files_can_be_shared(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", str(file)])
    failed = [line[:40] for line in capsys.readouterr().out.splitlines() if not line.endswith(" ok")]
    if file.stem in THREE_LAUNCHES:
        assert (code, failed) == (1, ["whole            fewer than 5 launches on"[:40]])
    else:
        assert (code, failed) == (0, [])


def test_the_command_prints_a_line_for_each_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps(whole()))
    assert main(["check", str(file)]) == 1
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) == 9
    assert "name             its name is run.json" in shown


@pytest.mark.parametrize("command", ["check", "compare"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("", "not a results file of logitbench"),
        ('{"logitbench": {"schema": 1, "ru', "not a results file of logitbench"),
        ('{"benchmarks": [], "machine_info": {}}', "not a results file of logitbench"),
        ('{"logitbench": {"schema": 4}}', "schema 4; this version reads schemas 1, 2 and 3"),
        (
            '{"logitbench": {"schema": 1, "run": {}, "machine": {}, "races": [], "records": []}}',
            "logitbench.machine has no id",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(
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


def test_the_committed_results_page_is_generated_from_the_files() -> None:
    runs: dict[str, list[Results]] = {}
    for path in committed():
        runs.setdefault(path.parent.name, []).append(run_file.read(path))
    page = (CHECKOUT / "results" / "README.md").read_text()
    assert page == machines.page(runs), "run make results, and git add results/"


def test_the_results_page_has_each_machine_with_its_newest_figures() -> None:
    one, two = (run(cpu, TIMES, ceiling=1e-6, on=machine_of(cpu)).results for cpu in ("Some CPU", "Other CPU"))
    older = run("older", {"numpy": 1.0}, on=machine_of("Some CPU")).results
    page = machines.page({one.machine["id"]: [older, one], two.machine["id"]: [two]})
    assert "| Some CPU | 2 | 2 | 2026-01-02 | lecture | `numba` | 2.00 [1.90, 2.10] | 20% | 24.0 GB/s |" in page
    assert page.count("## ") == 2
    assert "| lecture | 2 | `numba` | 5.00 µs | 2.00 [1.90, 2.10] | 4.00 [3.90, 4.10] (loops) | 20% |" in page


def test_a_kernel_that_did_not_reach_its_aim_is_not_the_fastest() -> None:
    results = run("A", TIMES, ceiling=1e-6, unreached=["numba"]).results
    page = machines.page({results.machine["id"]: [results]})
    assert page.count("`numpy`") == 2
    assert "`numba`" not in page
    nobody = run("A", TIMES, ceiling=1e-6, unreached=TIMES).results
    assert "2026-01-02 | - | - | - | - | - |" in machines.page({nobody.machine["id"]: [nobody]})


def test_machine_all_lists_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store, "RESULTS", tmp_path)
    ids = [machine_of(cpu)["id"] for cpu in ("Some CPU", "Other CPU")]
    for name, cpu in zip(ids, ("Some CPU", "Other CPU"), strict=True):
        results = run(name, TIMES, ceiling=1e-6, on=machine_of(cpu)).results
        run_file.write(tmp_path / name / "20260102T030405Z-abc1234.json", {"logitbench": results.as_json()})
    assert main(["machine", "--all"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ids)
    assert max(map(len, shown.splitlines())) <= 80
    assert "of ceiling" in shown


def test_a_run_is_named_by_file_machine_or_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_an_older_run_of_a_profile_needs_the_workloads_of_its_operations_alone() -> None:
    """`learn` has got fits and other learning rates since this file was written."""
    (file,) = (path for path in committed() if path.stem == "20261124T193525Z-c205edd")
    results = run_file.read(file)
    assert (results.run["profile"], list(results.operations)) == ("learn", ["descend"])
    assert not [line for line in results_file._whole(results) if line.startswith("nothing was timed")]
    part = replace(results, records=tuple(r for r in results.records if r.workload != "descend:breast-cancer"))
    (line,) = (line for line in results_file._whole(part) if line.startswith("nothing was timed"))
    assert line.startswith("nothing was timed on descend:breast-cancer: run pytest --benchmark --profile learn")
