"""Files of schemas 1 and 2, read as if they were written today; and hostile ones, refused in one line."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from bench.results import run_file
from bench.results.lift import lift
from bench.results.record import SCHEMA, Results
from kernels import load_operation
from kernels.contract import Size
from tests.support.committed import NO_GIT, each_committed, tracked
from tests.support.hostile import paths

HOSTILE: tuple[Any, ...] = (
    None, True, -1, 1.5, 10**400, -(10**400), float("nan"), "x\u200b\n", [None], {}, {"a": None}, [{"median": []}],
)  # fmt: skip


@cache
def small() -> dict[str, Any]:
    """The `logitbench` key of a committed file of schema 1, with one race and one record."""
    files = tracked()
    if not files:
        pytest.skip(NO_GIT)
    document: dict[str, Any] = json.loads(files[0].read_text())["logitbench"]
    assert document["schema"] == 1
    race = document["races"][0]
    document["records"] = [
        next(one for one in document["records"] if (one["workload"], one["kernel"]) == (race["workload"], "numba"))
    ]
    race["rounds"] = race["rounds"][:1]
    document["races"] = [race]
    return document


def read(document: object, folder: Path) -> Results | str:
    """The results, or the one line that refuses the file. Any other exception fails the test."""
    file = folder / "run.json"
    file.write_text(json.dumps({"logitbench": document}))
    try:
        return run_file.read(file)
    except ValueError as error:
        line = str(error)
        assert line.startswith("run.json: ")
        assert line.isprintable()
        return line


def changed(document: Any, path: tuple[Any, ...], change: Any) -> None:
    """Replace one part of the document, or remove it where the change is (). A path that is gone is ignored."""
    *parents, last = path
    for key in parents:
        try:
            document = document[key]
        except (LookupError, TypeError):
            return
    if isinstance(document, (dict, list)) and (isinstance(document, dict) or len(document) > last):
        if change == ():
            document.pop(last, None) if isinstance(document, dict) else document.pop(last)
        else:
            document[last] = change


@each_committed("file")
def test_a_committed_file_is_read_as_it_is_or_lifted(file: Path) -> None:
    document, results = json.loads(file.read_text())["logitbench"], run_file.read(file)
    assert results.schema == SCHEMA
    if document["schema"] == 1:
        is_lifted(document, results)
    else:
        is_read(document, results)


def is_read(document: dict[str, Any], results: Results) -> None:
    """Every cell of the table of records that is not null is the record's."""
    table = document["records"]
    assert len(results.records) == len(table["rows"]) > 0
    for record, row in zip(map(asdict, results.records), table["rows"], strict=True):
        for name, cell in zip(table["fields"], row, strict=True):
            field, dot, key = name.partition(".")
            if cell is not None:
                assert (record[field][key] if dot else record[field]) == cell
    assert [race["workload"] for race in results.races] == [race["workload"] for race in document["races"]]
    for race, was in zip(results.races, document["races"], strict=True):
        for launch, row in zip(race["rounds"], was["rounds"]["rows"], strict=True):
            stored = dict(zip(was["rounds"]["fields"], row, strict=True))
            assert launch == (stored if document["schema"] == SCHEMA else every_sweep_counts(stored))


def every_sweep_counts(rounds: dict[str, Any]) -> dict[str, Any]:
    """The rounds of a kernel in a launch of schema 1 or 2, in which each kernel took part in every sweep."""
    return rounds | {"sweeps": list(range(len(rounds["seconds"])))}


def is_lifted(document: dict[str, Any], results: Results) -> None:
    gradient = load_operation("gradient")
    assert (results.run, results.machine) == (document["run"], document["machine"])
    assert len(results.records) == len(document["records"]) > 0
    for record, was in zip(results.records, document["records"], strict=True):
        for key in was.keys() - {"printed", "seen", "error", "seconds", "cold", "speedup", "over_numpy", "ceiling"}:
            assert getattr(record, key) == was[key]
        assert (record.output_tail, record.counters, record.reached) == (was["printed"], was["seen"], True)
        if was["seconds"]:
            assert record.seconds is not None
            assert record.seconds.estimate == was["seconds"]["median"]
            assert (record.seconds.low, record.seconds.high) == (was["seconds"]["low"], was["seconds"]["high"])
        if was["error"]:
            assert record.error is not None
            assert record.error.figures == {"ulps": was["error"]["max_ulps"]}
            assert (record.error.max_ulps, record.error.bound_fraction) == tuple(was["error"].values())
        work = gradient.work(Size(record.m, record.n, int(record.dtype[-2:]) // 8), None)
        assert work is not None
        assert (record.work, record.bytes_per_call) == (work.ceilings, work.bytes)
        for part in ("cold", "speedup", "over_numpy", "ceiling"):
            assert was[part] is None or was[part].items() <= vars(getattr(record, part)).items()
    for race, was in zip(results.races, document["races"], strict=True):
        assert (race["operation"], race["details"]) == ("gradient", {})
        assert race["rounds"] == [every_sweep_counts(rounds) for rounds in was["rounds"]]
        for launch, seconds in zip(race["seconds"], was["seconds"], strict=True):
            assert list(launch) == ["start", "prepare", "rounds", "verify"]
            assert list(launch.values()) == list(seconds.values())
    assert results.operations["gradient"]["figures"] == gradient.figures


def test_what_a_kernel_printed_is_kept(tmp_path: Path) -> None:
    document = deepcopy(small())  # no kernel of the committed runs printed anything
    document["records"][0]["printed"] = "oh"
    results = read(document, tmp_path)
    assert isinstance(results, Results)
    assert results.records[0].output_tail == "oh"


def test_each_part_of_a_file_of_schema_1_may_be_hostile(tmp_path: Path) -> None:
    """Every part is removed, and replaced by each of the values above: it is read, or refused in one line."""
    assert isinstance(read(small(), tmp_path), Results)
    refused = 0
    for path in (path for path in paths(small()) if path[0] in ("races", "records")):
        for change in ((), *HOSTILE):
            document = deepcopy(small())
            changed(document, path, change)
            refused += isinstance(read(document, tmp_path), str)
    assert refused > 1000


PATHS = st.deferred(lambda: st.sampled_from(list(paths(small()))))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.tuples(PATHS, st.just(()) | st.sampled_from(HOSTILE) | VALUES), min_size=1, max_size=4))
@settings(max_examples=200)
def test_several_parts_of_a_file_of_schema_1_may_be_hostile(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[Any, ...], Any]]
) -> None:
    document = deepcopy(small())
    for path, change in changes:
        changed(document, path, change)
    read(document, tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("schema", [1, 2])
def test_before_schema_3_every_sweep_counts(schema: int) -> None:
    """What has not the form of its schema stays as it is."""
    rounds = [{"kernel": "numpy", "seconds": [3.0, 1.0, 2.0]}, {"seconds": None}, 7, {}]
    lifted = lift({"races": [{"rounds": rounds}, {}, {"rounds": 7}]}, schema)["races"]
    assert lifted[0]["rounds"] == [rounds[0] | {"sweeps": [0, 1, 2]}, *rounds[1:]]  # type: ignore[operator]
    assert "rounds" not in lifted[1]
    assert lifted[2]["rounds"] == 7


@given(st.dictionaries(st.sampled_from(["races", "records", "schema", "run"]) | st.text(max_size=3), VALUES))
def test_anything_is_lifted(document: dict[str, Any]) -> None:
    for schema in (1, 2):
        assert lift(deepcopy(document), schema)["schema"] == SCHEMA


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (4, "schema 4; this version reads schemas 1, 2 and 3"),
        (0, "schema 0;"),
        (True, "schema True;"),
        (1.0, "schema 1.0;"),
        ("2", "schema '2';"),
        (None, "schema None;"),
        ([1], "schema [1];"),
        (10**400, "schema 10000000000000000000; this version"),
    ],
)
def test_other_schemas_are_refused(schema: object, says: str, tmp_path: Path) -> None:
    line = read(small() | {"schema": schema}, tmp_path)
    assert isinstance(line, str)
    assert line.startswith(f"run.json: {says}")


def test_a_key_that_becomes_another_when_it_is_made_printable_is_checked(tmp_path: Path) -> None:
    document = deepcopy(small())
    document["races"][0]["workload\u200b"] = 3
    assert "races[0].workload is '3'; expected text" in str(read(document, tmp_path))


def test_nesting_too_deep_to_print_is_refused(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(800):
        deep = [deep]
    assert "not a results file of logitbench" in str(read(small() | {"run": {"began": "", "x": deep}}, tmp_path))
