"""The journal: each launch is on disk at once, a lost line loses only itself, and one run at a time writes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bench.host.checkout import CHECKOUT
from bench.results import journal, whole_file
from bench.results.journal import Journal, JournalUnwritable
from bench.results.samples import KernelSamples, LaunchResult
from tests.support.full_disk import file_size_limit

PLAN = {"plan": {"lecture": ["numpy"]}, "seconds": 1.0}
SAMPLES = KernelSamples(
    "ok", kernel={"backend": "numpy"}, check_results=({"check": "data"},), period=2, rounds=(1.0, 2.0), sweeps=(0, 4),
    positions=(0, 1), disturbed_rounds=(9.0,), disturbed_sweeps=(2,),
)  # fmt: skip
FIRST = LaunchResult(
    "lecture", 2, 0, {"numpy": SAMPLES}, "numpy", seconds={"rounds": 1.0}, noise={"stolen": None},
    foreign=(0.01, 0.5), disturbed=1, hits={"numpy": [1.0, 0.5, 1.0]}, counts_all="others were busy",
    data={"size": 1.0}, details={"steps": 10},
)  # fmt: skip
SECOND = LaunchResult("lecture", 2, 1, {"numpy": KernelSamples("crashed", "SIGSEGV", output_tail="oh\n")})


def written(folder: Path, *launch_results: LaunchResult) -> Path:
    """A journal of a run that has ended."""
    kept = Journal.create(folder / "run.journal", PLAN)
    for launch_result in launch_results:
        kept.append(launch_result)
    kept.close()
    return kept.path


def content(path: Path) -> tuple[dict[str, Any], list[LaunchResult]]:
    taken, plan, launch_results = Journal.take_over(path)
    taken.close()
    return plan, launch_results


def test_appended_launches_are_on_disk_at_once_and_read_back(tmp_path: Path) -> None:
    kept = Journal.create(tmp_path / "run.journal", PLAN)
    for number in (0, 1):
        kept.append(replace(FIRST, launch=number))
        assert kept.path.read_bytes().count(b"\n") == 2 + number
    kept.close()
    assert content(kept.path) == (PLAN, [FIRST, replace(FIRST, launch=1)])
    assert journal.unfinished(tmp_path) == [kept.path]
    taken, *_ = Journal.take_over(kept.path)
    taken.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_cut_at_any_byte_keeps_the_launches_before(tmp_path: Path) -> None:
    path = written(tmp_path, FIRST)
    first = len(path.read_bytes())
    path.unlink()
    whole = written(tmp_path, FIRST, SECOND).read_bytes()
    for length in range(first, len(whole)):
        path.write_bytes(whole[:length])
        assert content(path) == (PLAN, [FIRST])


@pytest.mark.parametrize("lost", ['{"workload": "lec', "\0\0\0\n"])
def test_a_resumed_run_writes_in_place_of_an_incomplete_line(lost: str, tmp_path: Path) -> None:
    path = written(tmp_path, FIRST)
    with path.open("a") as file:
        file.write(lost)
    taken, _, launch_results = Journal.take_over(path)
    assert launch_results == [FIRST]
    taken.append(SECOND)
    taken.close()
    assert content(path) == (PLAN, [FIRST, SECOND])
    assert all(map(json.loads, path.read_text().splitlines()))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "it is empty"),
        ('{"plan": {}}', "it has no plan of a run in its first line"),
        ("\n", "line 1 is not JSON"),
        ("[]\n", "it has no plan"),
        ('{"plan": 3}\n', "it has no plan"),
        ('{"plan"\n', "line 1 is not JSON"),
        ("\ud800\n", "line 1 is not JSON"),
        ("[" * 10**5 + "\n", "line 1 is not JSON"),
        ('{"plan": {}}\n{"samples": 1}\n', "line 2 has no results of a launch"),
        ('{"plan": {}}\n{"samples": {}}\n', "line 2 has no results of a launch"),
        ('{"plan": {}}\n7\n7\n', "line 2 has no results of a launch"),
        ('{"plan": {}}\n{"sam\n{}\n', "line 2 is not JSON"),
        (
            '{"plan": {}}\n{"workload": "a", "threads": 1, "launch": 0, "samples": {}, "seconds": {"rounds": NaN}}\n',
            "line 2.seconds.rounds is 'nan'; expected a number",
        ),
    ],
)
def test_a_broken_journal_is_refused_with_a_word(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "a.journal").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(ValueError, match=f"^broken: {what}"):
        content(tmp_path / "a.journal")
    assert (tmp_path / "a.journal").read_bytes() == text.encode(errors="surrogatepass")  # not ours to change


@given(st.binary(max_size=40), st.integers(0, 2000))
def test_a_journal_with_any_bytes_in_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, other: bytes, place: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "run.journal"
    path.unlink(missing_ok=True)
    whole = written(path.parent, FIRST, SECOND).read_bytes()
    path.write_bytes(whole[:place] + other + whole[place + len(other) :])
    try:
        plan, launch_results = content(path)
    except ValueError as error:
        refused = str(error)
    else:
        refused = ""
        assert isinstance(plan, dict)
        assert len(launch_results) <= 2
    assert not refused or refused.startswith("broken: ")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.journal").mkdir()
    with pytest.raises(ValueError, match="cannot be opened: Is a directory"):
        content(tmp_path / "a.journal")


def test_a_journal_is_locked_while_its_run_lives(tmp_path: Path) -> None:
    """In another process too, whose end ends the lock."""
    path, run = tmp_path / "run.journal", f"kept = Journal.create(Path({str(tmp_path / 'run.journal')!r}), {PLAN})"
    imports = "from pathlib import Path; from bench.results.journal import Journal"
    script = f"{imports}\n{run}\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(ValueError, match="in use by another run"):
            Journal.take_over(path)
        other.kill()
    taken, *_ = Journal.take_over(path)
    with pytest.raises(ValueError, match="in use by another run"):
        Journal.take_over(path)
    taken.close()
    assert content(path) == (PLAN, [])


def test_a_file_system_without_locks_keeps_journals_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert content(written(tmp_path, FIRST)) == (PLAN, [FIRST])


@pytest.mark.parametrize("hard_links", [True, False])
def test_two_runs_in_one_second_have_two_journals(
    hard_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    if not hard_links:
        monkeypatch.setattr(os, "link", refuse)
    both = [Journal.create(tmp_path / "run.journal", PLAN) for _ in range(2)]
    for number, kept in enumerate(both):
        kept.append(replace(FIRST, launch=number))
        kept.close()
    assert [kept.path.name for kept in both] == ["run.journal", "run-2.journal"]
    assert [content(kept.path)[1][0].launch for kept in both] == [0, 1]
    assert journal.unfinished(tmp_path) == [kept.path for kept in both]


def test_a_disk_that_is_full_at_the_start_leaves_no_journal(tmp_path: Path) -> None:
    with file_size_limit(10), pytest.raises(OSError, match="File too large"):
        Journal.create(tmp_path / "run.journal", PLAN)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_becomes_full_loses_only_what_did_not_fit(tmp_path: Path) -> None:
    kept = Journal.create(tmp_path / "run.journal", PLAN)
    kept.append(FIRST)
    with file_size_limit(kept.path.stat().st_size + 10):
        with pytest.raises(JournalUnwritable, match=r"run\.journal cannot be written: File too large"):
            kept.append(SECOND)
        with pytest.raises(JournalUnwritable):
            kept.append(SECOND)
    other = Journal.create(tmp_path / "other.journal", PLAN)
    other.close()
    kept.append(SECOND)
    kept.close()
    assert content(kept.path) == (PLAN, [FIRST, SECOND])


def test_a_journal_that_was_removed_is_written_again(tmp_path: Path) -> None:
    kept = Journal.create(tmp_path / "machine" / "run.journal", PLAN)
    kept.append(FIRST)
    kept.path.unlink()
    kept.path.parent.rmdir()
    assert not kept.is_kept()
    kept.append(SECOND)
    assert kept.is_kept()
    kept.close()
    assert content(kept.path) == (PLAN, [FIRST, SECOND])


def test_a_folder_that_became_a_file_is_named(tmp_path: Path) -> None:
    kept = Journal.create(tmp_path / "machine" / "run.journal", PLAN)
    kept.path.unlink()
    kept.path.parent.rmdir()
    kept.path.parent.touch()
    with pytest.raises(JournalUnwritable, match=r"machine/run\.journal cannot be written: "):
        kept.append(FIRST)
    kept.remove()


def test_a_file_that_cannot_be_moved_keeps_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("link", "replace"):
        monkeypatch.setattr(os, name, refuse)
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="No space left"):
        whole_file.move_unique(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_run_that_finishes_while_its_journal_is_opened_leaves_nothing_to_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, FIRST)
    monkeypatch.setattr("fcntl.flock", lambda *_: path.unlink())
    with pytest.raises(ValueError, match="its run has just finished"):
        Journal.take_over(path)
