"""How much runs of one machine differ: what is planted in made-up runs, the command, and runs that cannot be used."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bench.__main__ import main
from bench.commands.compare import drift_text
from bench.commands.compare.between_runs import NORMALISED_BY, Repeatability, repeatability
from bench.results import run_file
from bench.results.store import Run
from tests.commands.compare.many_runs import KERNELS, WORKLOADS, Noise, many, slowed
from tests.support.runs import run

NOISE = Noise(drift=0.2, pace=0.05, between=0.03, cell=0.02, rounds=0.01)


def runs_of(rng: np.random.Generator, count: int, noise: Noise = NOISE) -> list[Run]:
    return [many(f"R{number}", rng, noise, began=f"2026-01-0{1 + number % 9} {number}") for number in range(count)]


def by_name(result: Repeatability) -> dict[str, float]:
    return {spread.name: spread.between for spread in result.spreads}


def test_the_pace_removes_what_the_kernels_share_and_leaves_what_they_do_not() -> None:
    result = repeatability(runs_of(np.random.default_rng(2), 8))
    found = by_name(result)
    assert list(found) == list(NORMALISED_BY)
    assert {spread.cells for spread in result.spreads} == {len(KERNELS) * len(WORKLOADS)}
    assert found["nothing"] > 0.15
    assert found["the pace of the other kernels"] == pytest.approx(0.03 * 2**0.5, rel=0.4)
    # of kernel and ceiling, each varies between runs
    assert found["its ceiling in the same launch"] == pytest.approx(0.03 * 2, rel=0.4)
    assert found["the pace of kernels and ceilings"] == pytest.approx(0.03 * 2**0.5, rel=0.4)
    assert result.together.between == pytest.approx(0.2 * 2**0.5, rel=0.7)


def test_the_least_repeatable_cell_is_named_first() -> None:
    runs = runs_of(np.random.default_rng(3), 4, Noise(cell=0.01, rounds=0.01))
    runs[1] = slowed(runs[1], "jax", "middle", 1.5)
    name, deviation = repeatability(runs).least_repeatable[0]
    assert name == "jax on middle"
    assert deviation == pytest.approx(2**0.5 * 0.405 / 2, rel=0.2)


def test_different_commits_and_a_run_twice_give_a_warning() -> None:
    rng = np.random.default_rng(4)
    first, second = many("A", rng, NOISE), many("B", rng, NOISE, commit="def5678")
    assert repeatability([first, second]).warnings == (
        "commits: abc1234, def5678: a change of the code is in these figures, too; measure one commit several times",
    )
    assert "a run is there twice: it does not differ from itself" in repeatability([first, first]).warnings


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (None, "one run has no drift between runs; expected two or more runs of one machine"),
        (
            many("B", np.random.default_rng(1), cpu="Other CPU"),
            "A is of .*, B is of .*; expected runs of one machine",
        ),
        (many("B", np.random.default_rng(1), launches=1), "B has one launch on small; expected two or more"),
        (run("B", {"numba": 1.0}, workload="else"), "nothing in common: A timed .* on small, middle, large; B timed"),
    ],
)
def test_runs_that_cannot_be_used(other: Run | None, message: str) -> None:
    first = many("A", np.random.default_rng(1))
    if other is not None and "Other" not in other.results.machine["hardware"]["cpu"]:
        other.results.machine.update(first.results.machine)
    with pytest.raises(ValueError, match=message) as error:
        repeatability([first] if other is None else [first, other])
    assert "\n" not in str(error.value)


def test_the_text_fits_80_columns_and_markdown_has_the_same_rows() -> None:
    result = repeatability(runs_of(np.random.default_rng(5), 3))
    console = Console(file=StringIO(), width=80, highlight=False)
    drift_text.summary(console, result)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    page = drift_text.markdown(result)
    for spread in (*result.spreads, result.together):
        assert f"| {spread.name} | {spread.cells} | {spread.between:.1%} |" in page
        assert f"{spread.name} " in text
    assert text.startswith("3 runs of ")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = runs_of(np.random.default_rng(6), 2)
    files = [
        str(run_file.write(tmp_path / f"{one.name}.json", {"logitbench": one.results.as_json()})) for one in runs
    ]
    assert main(["compare", "--drift", *files]) == 0
    assert "2 runs of " in capsys.readouterr().out
    assert main(["compare", "--drift", "--markdown", *files]) == 0
    assert "| time over | cells |" in capsys.readouterr().out
    for arguments, message in (
        ([*files, "--output", str(tmp_path / "a.html")], "--drift has no page; expected it without --output"),
        (files[:1], "one run has no drift between runs"),
    ):
        assert main(["compare", "--drift", *arguments]) == 2
        assert message in capsys.readouterr().err
