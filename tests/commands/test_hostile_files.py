"""Any value in a results file may be hostile: every command that reads it ends cleanly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings

from bench.results import run_file, store
from tests.support import hostile
from tests.support.hostile import REMOVED, Folder, Mutation


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    made = Folder(tmp_path_factory.mktemp("results"))
    made.fill()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "RESULTS", made.path)
        yield made


def end_cleanly(folder: Folder, which: int, changes: Sequence[Mutation], commands: list[list[str]]) -> None:
    """Every command ends cleanly; one is enough where the file is refused."""
    hostile.write(hostile.mutated(which, changes), folder.hostile)
    try:
        run_file.read(folder.hostile)
    except ValueError:
        commands = commands[:1]
    else:
        hostile.judge_against(folder.hostile)
    for arguments in commands:
        hostile.run_cleanly(arguments, folder.hostile)


@given(change=hostile.mutations())
@settings(max_examples=15)
def test_a_command_that_prints_ends_cleanly(folder: Folder, change: tuple[int, list[Mutation]]) -> None:
    end_cleanly(folder, *change, hostile.printing(folder, change[0]))


@pytest.mark.slow
@given(change=hostile.mutations())
@settings(max_examples=300)
def test_every_command_that_prints_ends_cleanly(folder: Folder, change: tuple[int, list[Mutation]]) -> None:
    end_cleanly(folder, *change, hostile.printing(folder, change[0]))


@pytest.mark.slow
@given(change=hostile.mutations())
@settings(max_examples=10)
def test_every_command_that_draws_ends_cleanly(folder: Folder, change: tuple[int, list[Mutation]]) -> None:
    pytest.importorskip("altair")
    end_cleanly(folder, *change, hostile.drawing(folder, change[0]))


@pytest.mark.parametrize("which", range(3))
def test_the_documents_are_valid_as_they_are(which: int, folder: Folder) -> None:
    hostile.write(hostile.documents()[which], folder.hostile)
    codes = {
        " ".join(command): hostile.run_cleanly(command, folder.hostile) for command in hostile.printing(folder, which)
    }
    refusals = [command for command, code in codes.items() if code == 2]
    assert all("--fit" in command or "lecture" in command for command in refusals), refusals


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("races", 0, "ceilings_failed", 0, "outcome"), REMOVED, "races[0].ceilings_failed[0] has no outcome"),
        (("races", 0, "ceilings", "multiply", "seconds"), REMOVED, "races[0].ceilings.multiply has no seconds"),
        (("races", 0, "ceilings", "read", "bytes_per_second"), REMOVED, "ceilings.read has no bytes_per_second"),
        (("races", 0, "rounds", 0, "seconds"), [], "rounds[0].seconds is '[]'; expected a list that is not empty"),
        (("races", 0, "rounds", 0, "seconds", 0), 0, "rounds[0].seconds[0] is '0'; expected a number above 0"),
        (("races", 0, "rounds", 0, "seconds", 0), 10**400, "expected a number"),
        (("races", 0, "data", "x"), {}, "races[0].data.x is '{}'; expected a number"),
        (("races", 0, "threads"), 0, "races[0].threads is '0'; expected a whole number, 1 or more"),
        (("races", 0, "seconds", 0, "start"), -1, "seconds[0].start is '-1'; expected a number, 0 or more"),
        (("records", 0, "cold", "import_seconds"), -1, "cold.import_seconds is '-1'; expected a number, 0 or more"),
        (("records", 0, "counters", "cores_used"), "x", "records[0].counters.cores_used is 'x'; expected a number"),
        (("records", 0, "counters", "pools"), [{}], "records[0].counters.pools[0] has no library"),
        (("records", 0, "break_even", "loops"), -1, "break_even.loops is '-1'; expected a whole number, 0 or more"),
        (("records", 0, "m"), 0, "records[0].m is '0'; expected a whole number, 1 or more"),
        (("machine", "hardware", "caches", 0, "bytes"), 0, "caches[0].bytes is '0'; expected a whole number, 1"),
        (("machine", "settings", "governor"), [], "governor is '[]'; expected text or a whole number or a number or"),
        (("machine", "x"), {"y": float("nan")}, "logitbench.machine.x.y is 'nan'; expected a finite number"),
        (("run", "budget"), {"start_seconds": 1}, "logitbench.run.budget has no rounds_seconds"),
        (("run", "seconds"), float("inf"), "logitbench.run.seconds is 'inf'; expected a number"),
        (("run", "x"), 10**400, "logitbench.run.x is '1000000000000000000000000000000000000000'; expected a finite"),
        (("run", "x"), hostile.nested(30), "is nested more than 20 levels deep"),
    ],
)
def test_a_hostile_value_is_named(path: tuple[str | int, ...], value: object, line: str, folder: Folder) -> None:
    whole = ("logitbench", *path)
    hostile.write(hostile.mutated(0, [(whole, value)]), folder.hostile)
    with pytest.raises(ValueError, match=r"^hostile\.json: not a valid results file of logitbench: ") as refused:
        run_file.read(folder.hostile)
    assert line in str(refused.value)


def test_a_check_prints_nothing_hostile_of_the_rest_of_the_file(folder: Folder) -> None:
    """Outside of our own key a file may hold anything."""
    document = hostile.mutated(0, [])
    document["machine_info"] |= {"\x1b[2J/home/ada": "/home/\x1b[31mada", "deep": hostile.nested(200)}
    hostile.write(document, folder.hostile)
    assert hostile.run_cleanly(["check", str(folder.hostile)], folder.hostile) == 1
    document["benchmarks"] = hostile.nested(900)
    hostile.write(document, folder.hostile)
    assert hostile.run_cleanly(["check", str(folder.hostile)], folder.hostile) == 2
