"""Results files in which any value is hostile, and every command that reads one.

Made from small valid documents of several schemas. A command must print what it always prints, or one line that names
the file: nothing else is a clean end.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from bench.__main__ import main
from bench.analysis import verdict
from bench.commands import exit_codes
from bench.host.sanitize import printable
from bench.results import run_file
from bench.results.record import Cold, Error, Results
from bench.results.tables import with_tables
from tests.support.committed import NO_GIT, tracked
from tests.support.runs import run

Path_ = tuple[Any, ...]
Mutation = tuple[Path_, Any]
REMOVED = ("removed",)
"""Instead of a value: the part is removed."""


@cache
def results() -> Results:
    """A valid run that has a value in every field that a command reads."""
    times = {"loops": 4e-3, "numpy": 2e-4, "numba": 3e-5}
    made = run("good", times, 1e-5, profile="default").results
    records = [
        replace(
            record,
            error=Error(0.004, {"ulps": 4.2}),
            cold=Cold(0.1, 1e-6, 1e-3, 2e-5, 4e-5, 3e-5, 1e-3),
            curves={"cost": [0.7, 0.5, 0.4]},
            break_even={"loops": 10, "numpy": None},
            counters={
                "threads": 2, "busy_threads": 2, "cores_used": 1.5, "over_used": False, "spin_seconds": [1e-3],
                "pools": [{"library": "openblas", "threads": 2}], "page_faults_per_call": 0.0,
                "switches_per_round": 1.0, "compiled_again": 0, "huge_pages": True, "peak_bytes": 1e6,
            },
            launch_spread=0.02, steady=True, passes=1.0, gigabytes_per_second=2.0, level="L2", iterations=9,
        )
        for record in made.records
    ]  # fmt: skip
    machine = deepcopy(made.machine)
    machine["hardware"] |= {
        "architecture": "x86_64",
        "caches": [{"level": 1, "bytes": 2**15, "line_bytes": 64, "shared_by": 1}],
        "gpus": [{"name": "Some GPU", "memory": "80 GiB"}],
    }
    machine["software"] |= {
        "os": "Linux", "blas": {"name": "openblas", "version": "0.3", "threads": 2, "built_for": "Zen"},
        "numba_threading": {"layer": "omp", "threads": 2}, "gpu_driver": None,
    }  # fmt: skip
    machine["settings"] = {"governor": None, "page_bytes": 4096, "hypervisor": True}
    race = made.races[0] | {
        "details": {"steps": 10, "learning_rate": 0.5},
        "ceilings_failed": [{"name": "(read-sum)", "measures": "read", "outcome": "crashed", "reason": "SIGSEGV"}],
        "ceilings": {
            "read": {"seconds": 1e-5, "bytes_per_second": 2e9, "read-sum_seconds": 1e-5},
            "sigmoid": {"seconds": 1e-6, "sigmoids_per_second": 1e9},
            "multiply": {"seconds": 1e-6, "flops_per_second": 4e9},
        },
        "worker_environment": {"OMP_NUM_THREADS": "2"},
        "noise": [{"stolen": 0.0, "others": 0.1}] * 5,
        "seconds": [{"start": 1.0, "prepare": 1.0, "rounds": 1.0, "verify": 1.0}] * 5,
    }
    info = made.run | {
        "began": "2026-01-02T03:04:05+00:00", "profile": "default", "seconds": 30.0, "seconds_per_kernel": 1.0,
        "timeout_seconds": 120.0, "budget": {"start_seconds": 1.0, "rounds_seconds": 2.0, "rest_seconds": 1.0},
    }  # fmt: skip
    return Results(info, machine, (race,), tuple(records), made.operations)


@cache
def documents() -> tuple[dict[str, Any], ...]:
    """Whole files: today's schema as objects and as tables, and of schema 1 with one race and one record."""
    around = {
        "machine_info": {"node": results().machine["id"], "cpu": {"brand_raw": "Some CPU"}},
        "commit_info": {"id": "abc1234", "dirty": False, "project": "logitbench"},
        "benchmarks": [{"name": "test[a]", "stats": {"min": 1.0}}],
    }
    plain = results().as_json() | {"records": [asdict(record) for record in results().records]}
    tables = with_tables(results().as_json())
    return tuple(json.loads(json.dumps(around | {"logitbench": part})) for part in (plain, tables, schema_1()))


@cache
def schema_1() -> dict[str, Any]:
    """The `logitbench` key of a committed file of schema 1, with one race and one record."""
    for file in tracked() or ():
        document: dict[str, Any] = json.loads(file.read_text())["logitbench"]
        if document["schema"] == 1:
            race = document["races"][0]
            chosen = (race["workload"], "numba")
            document["records"] = [one for one in document["records"] if (one["workload"], one["kernel"]) == chosen]
            race["rounds"] = [part for part in race["rounds"] if part["kernel"] == "numba"]
            document["races"] = [race]
            return document
    pytest.skip(NO_GIT)


def paths(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The path of every part of a document; of a list of scalars only those of the first and the last."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from paths(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            if index in (0, len(value) - 1) or isinstance(part, (dict, list)):
                yield from paths(part, (*path, index))


def nested(depth: int) -> Any:
    deep: Any = 0
    for level in range(depth):
        deep = [deep] if level % 2 else {"a": deep}
    return deep


VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 0.5, 10**400, -(10**400), 2**63, 2**63 - 1, 10**15, 1e308, -1e308, 5e-324, 1e-300,
    float("nan"), float("inf"), -float("inf"), -0.0, "", "x", "\x1b[31m\x07\u202ered", "a\nb\tc", "\ud800",
    "7" * 5000, "[bold]x[/nope]", "<b>|`x`", "2026-13-45", "/home/ada/x", [], {}, [None], {"": 0},
    {"\x1b[2J\ud800": "\x1b[2J"},
    [[]], [{}], {"a": None}, [1e308] * 3, nested(5), nested(300), nested(900), REMOVED,
)  # fmt: skip
"""Values that stand where a number, a text or a list belongs."""

NUMBERS = (1e-30, 1e-12, 0.0, 1.0, 3, 1e12, 1e30, 2**62, 1e300)
"""Numbers that may be valid, and make extreme results."""
TEXTS = (
    "",
    "lecture",
    "numpy",
    "numba",
    "memory",
    "L1",
    "read",
    "gpu",
    "wrong",
    "float32",
    "(multiply)",
    "2026",
    "x:y",
)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[int, list[Mutation]]:
    """Which document, and what becomes of one to three of its parts. Each field is as likely as any other."""
    which = draw(st.integers(0, len(documents()) - 1))
    fields = _fields(which)
    changes: list[Mutation] = []
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(fields[draw(st.sampled_from(sorted(fields)))]))
        changes.append((path, draw(_like(_at(documents()[which], path)) | st.sampled_from(VALUES) | _OTHER)))
    return which, changes


_OTHER = st.integers() | st.floats() | st.text(max_size=5)


def _like(value: Any) -> st.SearchStrategy[Any]:
    """Values of the same kind, which are more often accepted."""
    if isinstance(value, bool) or value is None:
        return st.sampled_from((True, False, None, 0.5, "x"))
    if isinstance(value, (int, float)):
        return st.sampled_from(NUMBERS) | st.floats(1e-30, 1e30) | st.integers(0, 2**63 - 1)
    if isinstance(value, str):
        return st.sampled_from(TEXTS) | st.text(max_size=5)
    if isinstance(value, list):
        return st.sampled_from((value[:1], value[1:], value * 2, [], value[::-1]))
    return st.sampled_from(({}, dict(list(value.items())[1:]), {**value, "x": {"y": [1]}}, None))


@cache
def _fields(which: int) -> dict[str, list[Path_]]:
    """Field → its paths: those that differ in no name, only in positions in lists."""
    every: dict[str, list[Path_]] = {}
    for path in paths(documents()[which]):
        every.setdefault(".".join("*" if isinstance(key, int) else str(key) for key in path), []).append(path)
    columns = {name: found for name, found in every.items() if name.startswith("logitbench.records.rows.*")}
    for name, found in columns.items():  # of a table each column is a field
        del every[name]
        for path in found:
            every.setdefault(f"{name} {path[4:5]}", []).append(path)
    return every


def _at(document: Any, path: Sequence[Any]) -> Any:
    for key in path:
        document = document[key]
    return document


def mutated(which: int, changes: Sequence[Mutation]) -> dict[str, Any]:
    """The document with the changes made. A change in a part that an earlier one has replaced is left out."""
    document = deepcopy(documents()[which])
    for path, value in changes:
        *parents, last = path
        try:
            part = _at(document, parents)
        except (LookupError, TypeError):
            continue
        if isinstance(part, dict) or (isinstance(part, list) and isinstance(last, int) and last < len(part)):
            part[last] = deepcopy(value)
            if value is REMOVED:
                del part[last]
    return document


def write(document: object, file: Path) -> None:
    """As JSON, with lone surrogates as escapes and numbers that are not finite as Python writes them."""
    file.write_text(json.dumps(document))


@dataclass(frozen=True)
class Folder:
    """A results/ folder in which `machine --all` looks."""

    path: Path

    @property
    def hostile(self) -> Path:
        """The file that is hostile."""
        return self.path / "machine" / "hostile.json"

    def good(self, which: int, machine: str = "same") -> Path:
        """The valid file that the hostile one is made from; or as another machine would have written it."""
        return self.path / f"{machine}-machine" / f"hostile-{which}.json"

    def fill(self) -> None:
        """Write the valid files."""
        self.hostile.parent.mkdir(parents=True)
        for which, document in enumerate(documents()):
            other = deepcopy(document)
            other["logitbench"]["machine"]["id"] = "other-cpu"
            for machine, content in (("same", document), ("other", other)):
                self.good(which, machine).parent.mkdir(exist_ok=True)
                write(content, self.good(which, machine))


def printing(folder: Folder, which: int) -> list[list[str]]:
    """The arguments of every command that reads results files and only prints."""
    name, good, other = str(folder.hostile), str(folder.good(which)), str(folder.good(which, "other"))
    workload = "lecture"
    return [
        *(["report", name, option] for option in ("--csv", "--markdown", "--fit")),
        ["report", name, "--markdown", "--workloads", workload],
        ["report", name, "--ladder", workload],
        *(["compare", *pair] for pair in ((name, good), (good, name), (name, name), (other, name))),
        ["compare", name, other, "--markdown"],
        ["check", name],
        ["machine", "--all"],
        ["machine", "--all", "--markdown"],
    ]


def drawing(folder: Folder, which: int) -> list[list[str]]:
    """The arguments of every command that draws, which takes a second each."""
    name, out = str(folder.hostile), ["--output", str(folder.path / "page.html")]
    return [
        ["report", name],
        ["report", name, *out],
        ["report", name, "--svg", str(folder.path / "svg")],
        ["compare", name, str(folder.good(which)), *out],
        ["compare", str(folder.good(which, "other")), name, *out],
    ]


def run_cleanly(arguments: Sequence[str], file: Path) -> int:
    """Run a command in this process, and return its exit code. An end that is not clean fails the test.

    Standard output is a pipe in UTF-8, as for a user, so that a text that cannot be written fails here too.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    output, error = (stream.buffer.getvalue().decode() for stream in (out, err))
    assert code in (exit_codes.OK, exit_codes.FAILED, exit_codes.USAGE), code
    assert "Traceback" not in output + error
    assert re.fullmatch(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]*", output), "control characters"
    if code == exit_codes.USAGE:
        assert re.fullmatch(r"error: [^\n]+\n", error), error
        assert file.stem in error, error
        assert not re.search("math domain|convert|unpack|range error|must be", error), error
    else:
        assert error == ""
        assert output
    return code


def judge_against(file: Path) -> None:
    """What --fail-if-slower does with the file once the run has ended. Raises ValueError, in one line."""
    baseline = run_file.read(file)
    ids = [record.id for record in results().records]
    earlier = {record.id: record for record in verdict.comparable_records(ids, baseline)}
    for record in results().records:
        if record.id in earlier:
            judgement = verdict.judge_against_run(record, earlier[record.id], 2.0, len(earlier), file.name)
            assert judgement.verdict
            assert printable(judgement.line) == judgement.line
