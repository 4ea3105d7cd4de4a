"""The journal: every block is there at once, and a line that was cut short loses itself only."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.results import journal
from bench.results.journal import Journal
from bench.results.samples import KernelSamples, LaunchResult

PLAN = {"plan": {"lecture": ["numpy"]}, "seconds": 1.0}
ENTRY = KernelSamples(
    "ok", kernel={"backend": "numpy"}, rounds=(1.0, 2.0), places=(0, 1), findings=({"check": "data"},)
)
BLOCK = LaunchResult("lecture", 2, 0, {"numpy": ENTRY}, "numpy", {"rounds": 1.0}, {"stolen": None})
NEXT = LaunchResult("lecture", 2, 1, {"numpy": KernelSamples("crashed", "SIGSEGV", printed="oh\n")})


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "run.journal", PLAN)
    kept.append(BLOCK)
    assert journal.read(kept.path) == (PLAN, [BLOCK])  # at once
    kept.append(NEXT)
    assert journal.read(kept.path) == (PLAN, [BLOCK, NEXT])
    assert journal.unfinished(tmp_path) == [kept.path]
    kept.remove()
    assert journal.unfinished(tmp_path) == []


def test_cut_at_any_byte_the_blocks_before_it_are_there(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "run.journal", PLAN)
    kept.append(BLOCK)
    first = len(kept.path.read_bytes())
    kept.append(NEXT)
    whole = kept.path.read_bytes()
    for length in range(first, len(whole)):
        kept.path.write_bytes(whole[:length])
        assert journal.read(kept.path) == (PLAN, [BLOCK])


def test_a_resumed_run_goes_on_after_a_cut_line(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "run.journal", PLAN)
    kept.append(BLOCK)
    with kept.path.open("a") as file:
        file.write('{"workload": "lec')
    Journal(kept.path, PLAN).append(NEXT)
    assert journal.read(kept.path) == (PLAN, [BLOCK, NEXT])


@pytest.mark.parametrize("text", ["", "\n", "[]\n", '{"plan"\n', '{"plan": {}}\n{"entries": 1}\n'])
def test_what_is_no_journal(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.journal").write_text(text)
    with pytest.raises(ValueError, match="a.journal: no journal of an unfinished run"):
        journal.read(tmp_path / "a.journal")
