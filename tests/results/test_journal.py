"""The journal: each launch is on disk at once, and an incomplete line loses only itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.results import journal
from bench.results.journal import Journal
from bench.results.samples import KernelSamples, LaunchResult

PLAN = {"plan": {"lecture": ["numpy"]}, "seconds": 1.0}
SAMPLES = KernelSamples(
    "ok", kernel={"backend": "numpy"}, rounds=(1.0, 2.0), positions=(0, 1), check_results=({"check": "data"},)
)
FIRST = LaunchResult(
    "lecture", 2, 0, {"numpy": SAMPLES}, "numpy", {"rounds": 1.0}, {"stolen": None}, {"size": 1.0}, {"steps": 10}
)
SECOND = LaunchResult("lecture", 2, 1, {"numpy": KernelSamples("crashed", "SIGSEGV", output_tail="oh\n")})


def test_appended_launches_are_read_back(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "run.journal", PLAN)
    kept.append(FIRST)
    assert journal.read(kept.path) == (PLAN, [FIRST])  # at once
    kept.append(SECOND)
    assert journal.read(kept.path) == (PLAN, [FIRST, SECOND])
    assert journal.unfinished(tmp_path) == [kept.path]
    kept.remove()
    assert journal.unfinished(tmp_path) == []


def test_a_journal_cut_at_any_byte_keeps_the_launches_before(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "run.journal", PLAN)
    kept.append(FIRST)
    first = len(kept.path.read_bytes())
    kept.append(SECOND)
    whole = kept.path.read_bytes()
    for length in range(first, len(whole)):
        kept.path.write_bytes(whole[:length])
        assert journal.read(kept.path) == (PLAN, [FIRST])


def test_a_resumed_run_appends_after_an_incomplete_line(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "run.journal", PLAN)
    kept.append(FIRST)
    with kept.path.open("a") as file:
        file.write('{"workload": "lec')
    Journal(kept.path, PLAN).append(SECOND)
    assert journal.read(kept.path) == (PLAN, [FIRST, SECOND])


@pytest.mark.parametrize("text", ["", "\n", "[]\n", '{"plan"\n', '{"plan": {}}\n{"samples": 1}\n'])
def test_other_files_are_not_journals(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.journal").write_text(text)
    with pytest.raises(ValueError, match="a.journal is not the journal of an unfinished run"):
        journal.read(tmp_path / "a.journal")
