"""The self-test's journal: what is in it, which of its kind is taken over, and which is refused."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bench.commands.selftest.journal import Journal, resume
from bench.results.journal import JournalUnwritable

PLAN = {"races": 3, "sources": "abc"}


def written(folder: Path, name: str = "a.journal") -> Path:
    journal = Journal.create(folder / name, {**PLAN, "began": "today"})
    journal.once("first", lambda: {"seconds": 1.5, "trials": [(1, 2)]})
    journal.once("second", lambda: "x" * 100)
    journal.close()
    return journal.path


def steps_of(folder: Path) -> dict[str, Any]:
    journal = resume(folder, PLAN)
    journal.close()
    return journal.steps


def test_a_step_is_done_once_and_found_again_as_it_was(tmp_path: Path) -> None:
    path = written(tmp_path)
    journal = resume(tmp_path, PLAN)
    assert journal.path == path
    assert journal.plan["began"] == "today"
    assert journal.once("first", lambda: pytest.fail("it was done again")) == {"seconds": 1.5, "trials": [[1, 2]]}
    assert journal.once("third", lambda: (1, 2)) == [1, 2], "a step is as its journal has it, before and after"
    journal.close()
    assert list(steps_of(tmp_path)) == ["first", "second", "third"]


def test_a_step_that_fails_is_not_written(tmp_path: Path) -> None:
    journal = resume(written(tmp_path).parent, PLAN)

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.once("third", fail)
    journal.close()
    assert list(steps_of(tmp_path)) == ["first", "second"]


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_an_incomplete_last_line_is_ignored_and_overwritten(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    journal = resume(tmp_path, PLAN)
    assert list(journal.steps) == ["first"]
    journal.once("second", lambda: "anew")
    journal.close()
    assert steps_of(tmp_path)["second"] == "anew"
    assert [json.loads(line) for line in path.read_text().splitlines()][-1] == {"step": "second", "found": "anew"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "broken: it has no plan of a self-test in its first line"),
        ('{"plan": 1}\n', "broken: it has no plan of a self-test in its first line"),
        ('[{"plan": {}}]\n', "broken: it has no plan of a self-test in its first line"),
        ('{"plan": {}}\nx\n{"step": "a", "found": 1}\n', "broken: line 2 is not JSON"),
        ('{"plan": {}}\n{"workload": "a"}\n', "broken: line 2 has no step of a self-test"),
        ('{"plan": {}}\n{"step": 1, "found": 1}\n', "broken: line 2 has no step of a self-test"),
        ('{"plan": {"races": 3, "sources": "def"}}\n', "another sources: def"),
        ('{"plan": {"races": 500, "sources": "abc"}}\n', "another races: 500"),
    ],
)
def test_what_cannot_be_resumed_is_refused_in_one_line(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "b.journal").write_text(content)
    with pytest.raises(ValueError, match="resume") as refused:
        resume(tmp_path, PLAN)
    expected = f"there is no unfinished self-test to resume with these options; skipped b.journal ({reason})"
    assert str(refused.value) == expected


def test_the_latest_that_fits_is_taken(tmp_path: Path) -> None:
    for name in ("1.journal", "2.journal"):
        written(tmp_path, name)
    (tmp_path / "3.journal").write_text("")
    with closing(resume(tmp_path, PLAN)) as journal:
        assert journal.path.name == "2.journal"


def test_one_in_use_is_refused(tmp_path: Path) -> None:
    running = Journal.create(tmp_path / "a.journal", PLAN)
    with pytest.raises(ValueError, match=r"skipped a.journal \(in use by another self-test\)"):
        resume(tmp_path, PLAN)
    running.close()
    assert steps_of(tmp_path) == {}


def test_none_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^there is no unfinished self-test to resume with these options$"):
        resume(tmp_path, PLAN)


def test_a_journal_that_is_gone_ends_the_self_test_in_one_line(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "a.journal", PLAN)
    journal.path.unlink()
    with pytest.raises(JournalUnwritable, match=r"^a\.journal cannot be written: No such file"):
        journal.once("first", lambda: 1)
    journal.path.write_text("another's")
    with pytest.raises(JournalUnwritable, match=r"^a\.journal cannot be written: another file has its name"):
        journal.once("first", lambda: 1)
    assert journal.path.read_text() == "another's"
    journal.close()


def test_names_are_never_taken_twice(tmp_path: Path) -> None:
    first, second = (Journal.create(tmp_path / "a.journal", PLAN) for _ in range(2))
    assert [first.path.name, second.path.name] == ["a.journal", "a-2.journal"]
    first.remove()
    second.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a-2.journal"]
