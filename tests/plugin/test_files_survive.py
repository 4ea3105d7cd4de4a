"""A run whose files cannot be written says so in a line, fails, and loses nothing that it can keep."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bench.results import run_file
from bench.results.journal import Journal
from bench.results.samples import LaunchResult
from bench.runner.session import Session
from tests.support.full_disk import file_size_limit
from tests.support.pytest_run import Ran, Run, files

CHOSEN = ("--benchmark", "--workloads=10x2", "--kernels=loops", "--launches=2")
_PAGE = 4096
"""Bytes: more than a line of a journal and less than a results file."""


def errors(ran: Ran) -> list[str]:
    output = ran.stdout + ran.stderr
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    return [line for line in output.splitlines() if "error: " in line or "Exit: " in line]


def journals(folder: Path) -> list[Path]:
    return sorted((folder / "results").glob("*/*.journal"))


def all_files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "results").glob("*/*"))


def after_measuring(patch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Do something between the last launch and the writing of files."""
    run = Session.run

    def run_then_act(session: Session, *arguments: Any) -> None:
        run(session, *arguments)
        action()

    patch.setattr(Session, "run", run_then_act)


def after_the_first_launch(patch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    append = Journal.append

    def append_then_act(journal: Journal, launch_result: LaunchResult) -> None:
        append(journal, launch_result)
        if launch_result.launch == 0:
            action()

    patch.setattr(Journal, "append", append_then_act)


def replace_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


def is_resumed(run: Run, folder: Path) -> None:
    """The only journal continues, and all launches are in the file."""
    resumed = run(*CHOSEN, "--resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert errors(resumed) == []
    assert run_file.read(files(folder)[-1]).run["launches"] == 2
    assert journals(folder) == []


def test_a_full_disk_at_the_end_keeps_the_journal(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as until_now, monkeypatch.context() as patch:
        after_measuring(patch, lambda: until_now.enter_context(file_size_limit(_PAGE)))
        ran = run(*CHOSEN)
    assert ran.returncode == 1
    (line,) = errors(ran)
    (journal,) = journals(tmp_path)
    assert line.startswith("error: ")
    assert ".json cannot be written: File too large; pytest --benchmark --resume continues from " in line
    assert line.endswith(journal.name)
    assert all_files(tmp_path) == [journal.name]
    is_resumed(run, tmp_path)


def test_a_full_disk_stops_the_run_and_keeps_the_launches_before(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill() -> None:
        (journal,) = journals(tmp_path)
        until_now.enter_context(file_size_limit(journal.stat().st_size + 10))

    with ExitStack() as until_now, monkeypatch.context() as patch:
        after_the_first_launch(patch, fill)
        ran = run(*CHOSEN)
    assert ran.returncode == 1
    stopped, *_ = errors(ran)
    (journal,) = journals(tmp_path)
    assert f"the run has stopped, and --resume continues it: {journal}" in stopped
    assert "cannot be written: File too large" in stopped
    is_resumed(run, tmp_path)


def test_results_that_are_removed_meanwhile_are_written_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        after_measuring(patch, lambda: shutil.rmtree(tmp_path / "results"))
        after_the_first_launch(patch, lambda: shutil.rmtree(tmp_path / "results"))
        ran = run(*CHOSEN)
    assert ran.returncode == 0
    assert errors(ran) == []
    (file,) = files(tmp_path)
    assert run_file.read(file).run["launches"] == 2
    assert all_files(tmp_path) == [file.name]


@pytest.mark.parametrize(("when", "lines"), [(after_measuring, 1), (after_the_first_launch, 2)])
def test_a_results_folder_that_became_a_file_is_named(
    when: Callable[[pytest.MonkeyPatch, Callable[[], object]], None],
    lines: int,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        when(patch, lambda: replace_by_a_file(tmp_path / "results"))
        ran = run(*CHOSEN)
    assert ran.returncode == 1
    said = errors(ran)
    assert len(said) == lines
    assert ".json cannot be written: " in said[-1]
    assert "--resume continues from" not in said[-1]  # there is nothing to continue from
    assert (tmp_path / "results").read_text() == ""


def test_a_copy_that_cannot_be_written_loses_no_results(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "folder" / "copy.json"
    copy.parent.mkdir()
    with monkeypatch.context() as patch:
        after_measuring(patch, lambda: replace_by_a_file(copy.parent))
        ran = run(*CHOSEN, f"--benchmark-json={copy}")
    assert ran.returncode == 1
    (line,) = errors(ran)
    assert line.startswith(f"error: --benchmark-json={copy} cannot be written: ")
    (file,) = files(tmp_path)
    assert run_file.read(file).run["launches"] == 2
    assert all_files(tmp_path) == [file.name]


def test_storage_of_pytest_benchmark_that_cannot_be_written_loses_no_results(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = tmp_path / "storage"
    storage.mkdir()
    with monkeypatch.context() as patch:
        after_measuring(patch, lambda: replace_by_a_file(storage))
        ran = run(*CHOSEN, f"--benchmark-storage=file://{storage}", "--benchmark-autosave")
    assert ran.returncode == 1
    (line,) = errors(ran)
    assert line.startswith(f"error: pytest-benchmark cannot write {storage}")
    (file,) = files(tmp_path)
    assert run_file.read(file).run["launches"] == 2


def test_a_disk_that_is_full_at_the_start_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    with file_size_limit(10):
        ran = run(*CHOSEN)
    assert ran.returncode == 4
    assert "results cannot be written to " in ran.stderr
    assert "File too large" in ran.stderr
    assert all_files(tmp_path) == []


def test_a_copy_that_cannot_be_written_is_refused_before_the_run(run: Run, tmp_path: Path) -> None:
    ran = run(*CHOSEN, f"--benchmark-json={tmp_path}")
    assert ran.returncode == 4
    assert f"ERROR: --benchmark-json={tmp_path}: it is a folder, or cannot be written" in ran.stderr


def test_resume_takes_the_newest_journal_that_it_can_and_names_the_others(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as until_now, monkeypatch.context() as patch:
        after_measuring(patch, lambda: until_now.enter_context(file_size_limit(_PAGE)))
        run(*CHOSEN)
    (good,) = journals(tmp_path)
    before = good.read_bytes()
    broken, used = good.with_name("3-broken.journal"), good.with_name("4-used.journal")
    broken.touch()
    used.write_bytes(before)
    owner, *_ = Journal.take_over(used)
    other = run(*CHOSEN, "--resume", "--benchmark-max-time=0.02")
    assert other.returncode == 4
    assert (
        "there is no unfinished run to resume with these options; skipped 4-used.journal (in use by another run), "
        f"3-broken.journal (broken: it is empty), {good.name} (another seconds: 0.01)"
    ) in other.stderr
    ran = run(*CHOSEN, "--resume")
    owner.close()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (
        f"resumes {good.name}; skipped 4-used.journal (in use by another run), 3-broken.journal (broken: it is empty)"
    ) in ran.stdout
    assert journals(tmp_path) == [broken, used]
    assert used.read_bytes() == before
