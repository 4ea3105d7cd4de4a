"""Which files are results of a run: regular ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from bench.results import run_file, store


@pytest.fixture(autouse=True)
def without_waiting() -> Iterator[None]:
    """A test that waits for a FIFO fails after a few seconds."""

    def fail(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(5)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "laptop").mkdir()
    (tmp_path / "laptop" / "a.json").write_text("{}")
    os.mkfifo(tmp_path / "laptop" / "b.json")
    (tmp_path / "laptop" / "c.json").mkdir()
    (tmp_path / "laptop" / "d.json").symlink_to(tmp_path / "laptop" / "nothing")
    (tmp_path / "laptop" / "e.json").symlink_to("a.json")
    (tmp_path / "laptop" / "f-interrupted.json").write_text("{}")
    return tmp_path


def test_only_regular_files_are_runs(folder: Path) -> None:
    assert {name: [path.name for path in paths] for name, paths in store.list_runs(folder).items()} == {
        "laptop": ["a.json", "e.json"]
    }


def test_a_file_that_is_not_regular_is_refused_in_one_line(folder: Path) -> None:
    for name in ("b.json", "c.json"):
        path = folder / "laptop" / name
        with pytest.raises(ValueError, match=rf"^\S+{name}: not a regular file; expected a results file$"):
            run_file.read(path)
        with pytest.raises(ValueError, match="not a regular file"):
            store.load_runs([str(path)])
    with pytest.raises(ValueError, match="No such file or directory"):
        run_file.read(folder / "laptop" / "d.json")
