"""How results files are written: short, with seven digits, and a line for what is compared."""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import sys
from copy import deepcopy
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bench.plugin.storage import without_repetitions
from bench.results import json_text, run_file
from bench.results.json_text import DIGITS, rounded, text
from bench.results.tables import from_table, to_table, with_tables, without_tables
from tests.support.committed import committed
from tests.support.runs import run

FULL, SHORT = "20261123T071430Z-55abef8", "20261123T084801Z-d446b26"


def file_of(stem: str) -> Path:
    return next(path for path in committed() if path.stem == stem)


@cache
def written(stem: str) -> str:
    """The text of a committed file, lifted and written as a run writes its file today."""
    document = json.loads(file_of(stem).read_text())
    document["logitbench"] = with_tables(run_file.read(file_of(stem)).as_json())
    return text(without_repetitions(document))


def test_the_full_run_is_a_third_as_long_with_few_lines() -> None:
    """4.7 MB in 209,000 lines before, of which indentation and the names of keys were most."""
    before, after = file_of(FULL).read_text(), written(FULL)
    assert len(after.encode()) < len(before.encode()) / 3
    assert after.count("\n") < before.count("\n") / 25


def test_the_full_run_is_read_back_up_to_the_rounding(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(written(FULL))
    before, after = run_file.read(file_of(FULL)), run_file.read(tmp_path / "run.json")
    assert rounded(asdict(before)) == rounded(asdict(after))
    assert rounded(before.as_json()) == after.as_json()
    assert [race["data"] for race in after.races] == [race["data"] for race in before.races]  # these are exact
    assert after.machine == before.machine


def test_pytest_benchmark_reads_it(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(written(SHORT))
    columns = "min,max,mean,stddev,median,iqr,outliers,ops,rounds,iterations"
    command = ["compare", str(tmp_path / "run.json"), f"--columns={columns}", f"--csv={tmp_path / 'run.csv'}"]
    subprocess.run([sys.executable, "-m", "pytest_benchmark", *command], check=True, capture_output=True)
    headings, *rows = (tmp_path / "run.csv").read_text().splitlines()
    assert set(columns.split(",")) <= set(headings.split(","))
    assert len(rows) == len(json.loads(file_of(SHORT).read_text())["benchmarks"]) > 30


def test_one_changed_race_changes_only_its_lines() -> None:
    document = json.loads(written(SHORT))
    other = deepcopy(document)
    race, records = other["logitbench"]["races"][1], other["logitbench"]["records"]
    name, seconds = race["workload"], race["rounds"]["fields"].index("seconds")
    for row in race["rounds"]["rows"]:
        row[seconds] = [1.5 * each for each in row[seconds]]
    race["control"]["trustworthy"] = False
    expected = {f'"control": {_compact(race["control"])}', *map(_compact, race["rounds"]["rows"])}
    workload, estimate = (records["fields"].index(field) for field in ("workload", "seconds.estimate"))
    for row in records["rows"]:
        if row[workload] == name and row[estimate] is not None:
            row[estimate] *= 1.5
            expected.add(_compact(row))
    for benchmark in other["benchmarks"]:
        if benchmark["params"]["workload"] == name:
            benchmark["stats"]["median"] *= 1.5
            expected.add(_compact(benchmark))
    before, after = text(document).splitlines(), text(other).splitlines()
    changed = [line.strip().rstrip(",") for one, line in zip(before, after, strict=True) if one != line]
    assert len(changed) == len(set(changed)) > 50
    assert set(changed) == expected


def _compact(part: Any) -> str:
    return json.dumps(rounded(part), separators=(",", ":"))


@pytest.mark.parametrize("key", ["races", "records"])
def test_a_race_or_a_record_that_is_left_out_changes_no_other_line(key: str) -> None:
    document = json.loads(written(SHORT))
    fewer = deepcopy(document)
    listed = fewer["logitbench"][key]
    removed = (listed["rows"] if key == "records" else listed).pop(2)
    diff = list(difflib.unified_diff(text(document).splitlines(), text(fewer).splitlines(), n=0, lineterm=""))[3:]
    assert diff
    assert all(line[0] == "-" for line in diff)
    lines = {line[1:].strip().rstrip(",") for line in diff}
    parts = [removed] if key == "records" else removed["rounds"]["rows"]
    assert set(map(_compact, parts)) <= lines
    assert len(diff) == 1 if key == "records" else f'"workload": "{removed["workload"]}"' in lines


def test_only_digests_details_and_the_machine_keep_all_digits() -> None:
    third = 1 / 3
    document = {key: {"x": [third, {"y": third}]} for key in ("data", "details", "machine", "seconds")}
    read = json.loads(text(document))
    assert {key: read[key] == document[key] for key in read} == {
        "data": True, "details": True, "machine": True, "seconds": False,
    }  # fmt: skip
    assert read["seconds"] == {"x": [0.3333333, {"y": 0.3333333}]}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_changes_by_half_a_unit_of_its_last_digit(number: float) -> None:
    after = rounded(number)
    assert isinstance(after, float)
    assert abs(after - number) <= 10.0 ** (1 - DIGITS) / 2 * abs(number) * (1 + 1e-12) + 5e-324
    assert len(re.sub(r"e.*|\D", "", repr(after)).strip("0")) <= DIGITS or number == 0
    assert rounded(after) == after


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.integers(-9999, 9999).map(float) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
)


@given(st.dictionaries(st.sampled_from(["rows", "benchmarks", "data"]) | st.text(), JSON))
def test_what_is_written_is_read(document: dict[str, Any]) -> None:
    assert json.loads(text(document)) == document


def test_numbers_and_records_are_on_one_line() -> None:
    wide = ["a long text of thirty-one letters"] * 9
    races = [{"rounds": {"fields": ["seconds"], "rows": [[[0.5] * 99], [wide]]}, "noise": [{"texts": wide}]}]
    assert text({"benchmarks": [{"nested": {"texts": wide}}], "races": races}).splitlines() == [
        "{",
        ' "benchmarks": [',
        f'  {{"nested":{{"texts":{json.dumps(wide, separators=(",", ":"))}}}}}',
        " ],",
        ' "races": [',
        "  {",
        '   "rounds": {',
        '    "fields": ["seconds"],',
        '    "rows": [',
        f"     [[{','.join(['0.5'] * 99)}]],",
        f"     [{json.dumps(wide, separators=(',', ':'))}]",
        "    ]",
        "   },",
        '   "noise": [',
        "    {",
        f'     "texts": {json.dumps(wide, separators=(",", ":"))}',
        "    }",
        "   ]",
        "  }",
        " ]",
        "}",
    ]


def test_the_benchmarks_keep_what_only_they_have() -> None:
    kept = {"name": "test_gradient[lecture-numpy]", "params": {"kernel": "numpy"}, "stats": {"median": 1.0}}
    info = {"record": "gradient/lecture/numpy/2", "outcome": "ok", "speedup": 2.0, "colour": "blue"}
    benchmark = {**kept, "extra_info": info, "options": {"timer": "x"}, "param": "lecture-numpy"} | {
        "stats": {"median": 1.0, "data": [1.0]}
    }
    document = {"benchmarks": [benchmark], "logitbench": 1}
    before = deepcopy(document)
    (short,) = without_repetitions(document)["benchmarks"]
    assert short == {**kept, "extra_info": {"record": "gradient/lecture/numpy/2", "colour": "blue"}}
    assert document == before


def test_defaults_are_left_out_and_filled_in(tmp_path: Path) -> None:
    results = run("A", {"numpy": 1e-5}).results
    (record,) = results.records
    (plain,) = results.as_json()["records"]
    assert not {"reason", "cold", "curves", "reached", "level", "outliers"} & plain.keys()
    assert plain["speedup"] == {"estimate": 4.0, "low": 3.9, "high": 4.1, "baseline": "loops", "verdict": "faster"}
    file = run_file.write(tmp_path / "run.json", {"logitbench": results.as_json()})
    assert rounded(asdict(run_file.read(file))) == rounded(asdict(results))
    unreached = replace(results, records=(replace(record, reached=False, curves={"cost": [2.0, 1.0]}, of="numpy"),))
    file = run_file.write(tmp_path / "other.json", {"logitbench": unreached.as_json()})
    assert run_file.read(file).records[0].reached is False
    assert rounded(asdict(run_file.read(file))) == rounded(asdict(unreached))


def test_a_number_that_is_not_finite_is_refused() -> None:
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            json_text.text({"records": [{"x": number}]})


ROWS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "cold", "seconds.x"]), st.integers() | st.text()))


@given(ROWS)
def test_a_table_has_the_same_objects(objects: list[dict[str, Any]]) -> None:
    table = to_table(objects)
    assert [{key: value for key, value in one.items() if value is not None} for one in from_table(table)] == objects
    assert from_table(objects) is objects


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"fields": ["a", 1], "rows": []}, "a table whose fields or rows are not lists"),
        ({"fields": ["a"], "rows": [[1], [1, 2]]}, "a table with a row that has not 1 values"),
    ],
)
def test_a_malformed_table_is_refused(table: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}$"):
        from_table(table)


def test_nested_fields_are_fields_of_their_own() -> None:
    objects: list[dict[str, Any]] = [{"kernel": "a", "seconds": {"estimate": 1.0, "low": None}}, {"kernel": "b"}]
    table = to_table(objects, ("seconds",), ("seconds", "kernel"))
    assert table == {
        "fields": ["seconds.estimate", "seconds.low", "kernel"],
        "rows": [[1.0, None, "a"], [None, None, "b"]],
    }
    assert from_table(table, ("seconds",)) == objects


@pytest.mark.parametrize(
    "table",
    [
        {"fields": "a", "rows": []},
        {"fields": [1], "rows": []},
        {"fields": ["a"], "rows": [[1, 2]]},
        {"fields": ["a"], "rows": [3]},
    ],
)
def test_a_table_that_is_none_is_refused_in_one_line(table: Any, tmp_path: Path) -> None:
    document = {"logitbench": with_tables(run("A", {"numpy": 1e-5}).results.as_json()) | {"records": table}}
    (tmp_path / "run.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=r"^run\.json: not a valid results file of logitbench: a table .*$"):
        run_file.read(tmp_path / "run.json")


def test_an_environment_is_written_once_for_races_that_follow_each_other() -> None:
    races = [{"worker_environment": {"OMP_NUM_THREADS": number}, "workload": number} for number in "1122"]
    document: dict[str, Any] = {"races": [*races, {"workload": "none"}], "records": []}
    written_races = with_tables(document)["races"]
    assert ["worker_environment" in race for race in written_races] == [True, False, True, False, True]
    assert without_tables(with_tables(document)) == document
