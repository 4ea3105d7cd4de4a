"""Records written by hand, and their file: no clock, nothing measured."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from bench.host.checkout import CHECKOUT
from bench.results import record, run_file, schema
from bench.results.record import Error, Ratio, Record, Results, Seconds
from tests.support.records import MACHINE, OK, RESULTS, WRONG


def test_written_results_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "some-cpu" / "run.json"
    run_file.write(file, {"benchmarks": [], "logitbench": RESULTS.as_json()})
    assert run_file.read(file) == RESULTS
    assert [path.name for path in file.parent.iterdir()] == ["run.json"]


def test_what_a_kernel_says_it_is_right_for_is_written_and_read_and_may_be_missing(tmp_path: Path) -> None:
    limited = replace(OK, id="other", kernel="onedal", largest_score=75.0, left_out=["scores-1024", "tail-60"])
    results = replace(RESULTS, records=(OK, limited))
    file = run_file.write(tmp_path / "run.json", {"logitbench": results.as_json()})
    assert run_file.read(file) == results
    document = json.loads(file.read_text())
    assert {"largest_score", "left_out"} <= set(document["logitbench"]["records"]["fields"])
    run_file.write(tmp_path / "older.json", {"logitbench": RESULTS.as_json()})
    older = json.loads((tmp_path / "older.json").read_text())["logitbench"]["records"]["fields"]
    assert not {"largest_score", "left_out"} & set(older)
    first, _ = run_file.read(tmp_path / "older.json").records
    assert (first.largest_score, first.left_out) == (None, [])


@pytest.mark.parametrize(("field", "value"), [("largest_score", "34"), ("largest_score", -34), ("left_out", "rows")])
def test_what_a_kernel_cannot_say_is_refused(field: str, value: Any, tmp_path: Path) -> None:
    document = replace(RESULTS, records=(replace(OK, **{field: value}),)).as_json()
    file = run_file.write(tmp_path / "run.json", {"logitbench": document})
    with pytest.raises(ValueError, match=rf"records\[0\]\.{field} is "):
        run_file.read(file)


def test_texts_of_results_in_memory_are_made_printable_and_nothing_is_lost() -> None:
    strange = replace(OK, kernel="mine\x1b[31m:f")
    operations = {"gradient": {"summary": "a\nb", "figures": {"ulps": "c\u202e"}}}
    shown = run_file.printable_results(replace(RESULTS, records=(strange,), operations=operations))
    assert shown == replace(
        RESULTS,
        records=(replace(OK, kernel="mine:f"),),
        operations={"gradient": {"summary": "a b", "figures": {"ulps": "c"}}},
    )


def test_a_file_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    run_file.write(file, {"logitbench": RESULTS.as_json()})
    before = file.read_text()
    with pytest.raises(ValueError, match="not JSON compliant"):
        run_file.write(file, {"logitbench": RESULTS.as_json() | {"run": {"seconds": float("nan")}}})
    assert (file.read_text(), list(tmp_path.iterdir())) == (before, [file])


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_file_never_overwrites_another(hard_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Path) -> None:
        raise OSError

    if not hard_links:  # some file systems have none
        monkeypatch.setattr(os, "link", refuse)
    file = tmp_path / "run.json"
    written = [run_file.write(file, {"number": number}) for number in range(3)]
    assert [path.name for path in written] == ["run.json", "run-2.json", "run-3.json"]
    assert [json.loads(path.read_text())["number"] for path in written] == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a results file of logitbench"),
        ("[]", "not a results file of logitbench"),
        ('{"benchmarks": []}', "not a results file of logitbench"),
        ('{"logitbench": []}', "not a results file of logitbench"),
        ('{"logitbench": {"schema": 1}}', "not a valid results file of logitbench: logitbench has no machine"),
        (
            '{"logitbench": {"schema": 1, "run": 0, "machine": 0, "races": [], "records": [0]}}',
            "not a valid results file of logitbench: logitbench.machine is '0'; expected an object",
        ),
        ('{"logitbench": {"schema": 99}}', "schema 99; this version reads schemas 1, 2 and 3"),
    ],
)
def test_invalid_files(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        run_file.read(tmp_path / "a.json")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        run_file.read(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("rounds", "message"),
    [
        ({"seconds": [1.0, 2.0], "sweeps": [0, 1], "disturbed_seconds": [3.0], "disturbed_sweeps": [1]}, ""),
        ({"seconds": [1.0, 2.0], "sweeps": [0]}, "races[0].rounds has 1 sweeps for 2 rounds; expected one for each"),
        ({"seconds": [1.0, 2.0]}, "races[0].rounds has 0 sweeps for 2 rounds; expected one for each"),
        ({"seconds": [1.0], "sweeps": [-1]}, "sweeps[0] is '-1'; expected"),
        ({"seconds": [1.0], "sweeps": [0], "disturbed_seconds": [0.0]}, "disturbed_seconds[0] is '0.0'; expected"),
        ({"seconds": [1.0], "sweeps": [0], "period": 0}, "period is '0'; expected"),
    ],
)
def test_each_round_has_its_sweep(rounds: dict[str, Any], message: str, tmp_path: Path) -> None:
    race = RESULTS.races[0] | {"rounds": [{"kernel": "numpy", "launch": 0} | rounds]}
    (tmp_path / "a.json").write_text(json.dumps({"logitbench": replace(RESULTS, races=(race,)).as_json()}))
    if message:
        with pytest.raises(ValueError, match=re.escape(message)):
            run_file.read(tmp_path / "a.json")
    else:
        assert run_file.read(tmp_path / "a.json").races == (race,)


def test_a_record_with_disturbed_rounds_is_read_back(tmp_path: Path) -> None:
    disturbed = replace(
        OK, disturbed_rounds=12, seconds_with_disturbed=Seconds(22e-6, 19e-6, 25e-6),
        speedup_with_disturbed=Ratio(25.0, 20.0, 31.0, "loops", "faster", 5, 9),
    )  # fmt: skip
    file = run_file.write(tmp_path / "a.json", {"logitbench": replace(RESULTS, records=(disturbed, WRONG)).as_json()})
    assert run_file.read(file).records == (disturbed, WRONG)


def test_fields_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    document = RESULTS.as_json()
    document["records"][0]["new"] = 1
    (tmp_path / "a.json").write_text(json.dumps({"logitbench": document}))
    assert run_file.read(tmp_path / "a.json").records[0] == OK


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("FileNotFoundError: '/home/ada/secret/x.npy'", "FileNotFoundError: 'x.npy'"),
        ("see ~/project/kernel.py:3", "see kernel.py:3"),
        ("[Errno 2] No such file or directory: '/home/ada'", "[Errno 2] No such file or directory: '(path)'"),
        ("'/home/ada lovelace/my secrets/x.npy'", "'x.npy'"),
        ("'/home/ada lovelace/my secrets'", "'(path)'"),
        ("file:///home/ada/x.npy or ~ada/y or at:/home/ada/z", "x.npy or (path) or at:(path)"),
        ("--xla_dump_to=/home/ada/dump --flag=true", "--xla_dump_to=(path) --flag=true"),
        ("12 GB/s, dw/m and Xᵀ/m", "12 GB/s, dw/m and Xᵀ/m"),
        (
            "unsupported operand type(s) for /: 'str' and 'int'",
            "unsupported operand type(s) for /: 'str' and 'int'",
        ),
        ("1 / 0, see https://docs.jax.dev/en/latest", "1 / 0, see https://docs.jax.dev/en/latest"),
        ("cc -I/home/ada/inc (/home/ada/x.py) [/home/ada]", "cc -I(path) (x.py) [(path)]"),
        ("../../ada/secret/x.dat", "x.dat"),
        ("no data: pip install '.[data]'", "no data: pip install '.[data]'"),
    ],
)
def test_paths_of_this_machine_are_removed(reason: str, kept: str) -> None:
    results = Results({}, MACHINE, (), (Record(**{**WRONG.__dict__, "reason": reason}),))
    assert results.as_json()["records"][0]["reason"] == kept


def test_every_key_of_a_file_is_described() -> None:
    page = (CHECKOUT / "docs" / "record.md").read_text()
    tree = page[page.index("```") : page.rindex("```")]
    for part in (
        schema.File,
        schema.Machine,
        schema.Run,
        schema.Operation,
        schema.Race,
        schema.Rounds,
        schema.Sweeps,
        schema.Control,
    ):
        missing = [key for key in get_type_hints(part) if not re.search(rf"\b{key}\b", tree)]
        assert not missing, f"{part.__name__}: {missing}"


def test_extra_info_names_its_record() -> None:
    assert record.extra_info(OK)["record"] == OK.id
    assert record.extra_info(OK)["max_ulps"] == 4.2
    other = replace(OK, error=Error(0.5, {"steps": 12.0}))  # of an operation without this figure
    assert record.extra_info(other)["max_ulps"] is None
    assert record.extra_info(WRONG)["speedup"] is None
    assert all(isinstance(value, (str, float, int, type(None))) for value in record.extra_info(OK).values())
