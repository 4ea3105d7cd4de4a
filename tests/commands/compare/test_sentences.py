"""What a comparison concludes, of made-up machines: the sentences, the ceilings, and how long the text is."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from math import exp

import numpy as np
import pytest
from rich.console import Console

from bench.commands.compare import sentences as said, text as compare_text
from bench.commands.compare.compare import Comparison, compare
from bench.commands.compare.drift import Change
from bench.commands.compare.overall import geometric_mean
from bench.results import store
from bench.results.store import Run
from tests.commands.compare.many_runs import KERNELS, WORKLOADS, Noise, many, slowed
from tests.support.committed import committed
from tests.support.runs import run

QUIET = Noise(pace=0.01, cell=0.01, rounds=0.005)
CELLS = len(KERNELS) * len(WORKLOADS)


def compared(*runs: Run) -> Comparison:
    return compare(runs)[1][-1]


def two_machines(speed: float, noise: Noise = QUIET, seed: int = 1) -> Comparison:
    rng = np.random.default_rng(seed)
    ceiling = {"small": 1.0, "middle": 3.0, "large": 0.5}
    return compared(many("A", rng, noise), many("B", rng, noise, speed=speed, ceiling=ceiling, cpu="Other CPU"))


def two_runs(noise: Noise = QUIET, seed: int = 1) -> tuple[Run, Run]:
    rng = np.random.default_rng(seed)
    return many("A", rng, noise), many("B", rng, noise)


@pytest.mark.parametrize(("speed", "faster", "slower"), [(1.5, "B", "A"), (1 / 1.5, "A", "B")])
def test_the_first_sentence_names_the_faster_machine_and_by_how_much(speed: float, faster: str, slower: str) -> None:
    comparison = two_machines(speed)
    names = {"A": comparison.reference.machine, "B": comparison.other.machine}
    mean = comparison.mean
    assert mean is not None
    assert mean.estimate == pytest.approx(speed, rel=0.03)
    size = said.format_change(mean) if faster == "B" else said.format_change(said._inverse(mean))
    assert size.startswith("1.")
    first = said.sentences(comparison, "B")[0]
    assert first.startswith(
        f"{faster} ({names[faster]}) is faster than {slower} ({names[slower]}): {size} times as fast"
    )
    assert f"geometric mean of {CELLS} cells" in first


def test_where_the_interval_contains_1_it_says_so() -> None:
    first = said.sentences(two_machines(1.05, Noise(drift=0.05, pace=0.1, cell=0.05)), "B")[0]
    assert first.startswith("No difference is shown between A (")
    assert "which contains 1" in first


def test_a_difference_too_small_to_matter_is_no_difference() -> None:
    comparison = two_machines(1.0)
    small = Change(1.01, 1.005, 1.015, "no difference shown", 0.02, 0.0025, 8.0)
    assert "which is less than 2%" in said._mean(_with_mean(comparison, small), "B")


def _with_mean(comparison: Comparison, mean: Change) -> Comparison:
    class WithMean(Comparison):
        @property
        def mean(self) -> Change | None:
            return mean

    return WithMean(**{name: getattr(comparison, name) for name in Comparison.__dataclass_fields__})


def test_the_ceilings_are_side_by_side_by_level_and_dtype() -> None:
    """B reads L2 three times and memory half as fast; its sigmoids and products are those of the three workloads."""
    comparison = two_machines(1.0)
    found = {ceiling.name: ceiling for ceiling in comparison.ceilings}
    names = ["reading from L1", "reading from L2", "reading from memory", "float64 sigmoids", "float64 products"]
    assert list(found) == names
    expected = [1.0, 3.0, 0.5, 1.5 ** (1 / 3), 1.5 ** (1 / 3)]
    assert [found[name].change.estimate for name in names] == pytest.approx(expected, rel=0.04)
    reading = found["reading from memory"]
    assert reading.rates[0] == pytest.approx(1000 * 24 / 1e-6, rel=0.04)  # as run() writes them
    assert reading.rates[1] / reading.rates[0] == pytest.approx(reading.change.estimate)
    second = said.sentences(comparison, "B")[1]
    assert second.startswith("Ceilings: B is faster at reading from L2 (")
    assert "; A is faster at reading from memory (" in second
    assert second.endswith("; no difference is shown at reading from L1.")
    equal = said.sentences(compared(*two_runs()), "B")[1]
    assert equal == "Ceilings: no difference is shown at any of 5."


def test_a_ceiling_is_compared_at_the_level_of_each_machine() -> None:
    """With larger caches, B has the large X in L3: nothing is read from memory by both."""
    rng = np.random.default_rng(1)
    first, second = many("A", rng), many("B", rng, cpu="Other CPU")
    second.results.machine["hardware"]["caches"] = [
        *second.results.machine["hardware"]["caches"],
        {"level": 3, "bytes": 2**26, "line_bytes": 64, "shared_by": 2},
    ]
    names = [ceiling.name for ceiling in compared(first, second).ceilings]
    assert names == ["reading from L1", "reading from L2", "float64 sigmoids", "float64 products"]


def test_without_ceilings_the_sentence_says_so() -> None:
    lines = said.sentences(compared(run("A", KERNELS), run("B", KERNELS)), "B")
    assert lines[1].startswith("The ceilings cannot be compared")


def test_the_cell_that_differs_most_is_one_that_is_shown_to_differ() -> None:
    first, second = two_runs()
    comparison = compared(first, slowed(second, "jax", "middle", 1.4))
    where, cell = comparison.most_different or ("", None)
    assert cell is not None
    assert (cell.kernel, where, cell.times.verdict) == ("jax", "middle", "slower")
    third, last = said.sentences(comparison, "B")[2:]
    size = said.format_change(said._inverse(cell.times))
    assert third.startswith(f"The cell that differs most is jax on middle: A is {size} times as fast, ")
    assert "relative to the pace of its kernels" in third
    assert last.startswith(f"1 of {CELLS} cells differ (Holm, 5% for all together): jax on middle; all")


def test_two_runs_of_one_machine_are_equal_within_a_bound() -> None:
    comparison = compared(*two_runs())
    within = comparison.all_within
    assert within is not None
    assert 0.08 < within < 0.25
    line = f"No cell is shown to differ; all {CELLS} cells within ±{within:.0%} (simultaneous 95%)."
    assert said.sentences(comparison, "B")[-1] == line


def test_shares_are_compared_on_two_machines() -> None:
    comparison = two_machines(1.5)
    mean = comparison.normalised_mean
    assert mean is not None
    assert mean.estimate == pytest.approx(1.5 / 1.5 ** (1 / 3), rel=0.05)
    assert f"is {said.format_change(mean)} times as near" in said.sentences(comparison, "B")[-1]


def test_a_kernel_that_did_not_reach_its_aim_is_in_no_sentence() -> None:
    first, second = run("A", KERNELS), run("B", {**KERNELS, "jax": 1e-9}, unreached=["jax"])
    comparison = compared(first, second)
    assert {cell.kernel for _, cell in comparison.compared} == KERNELS.keys() - {"jax"}
    assert not any("jax" in line for line in said.sentences(comparison, "B"))


def test_one_launch_gives_an_estimate_without_an_interval() -> None:
    rng = np.random.default_rng(1)
    lines = said.sentences(compared(many("A", rng, launches=1), many("B", rng, launches=1, speed=2.0)), "B")
    assert "B (B) is 2.00 times as fast as A (A), without an interval" in lines[0]
    assert lines[-1] == "No cell has an interval, since a run has one launch."


def test_the_mean_is_of_the_times_as_they_are() -> None:
    """On one machine a cell is over the pace of the others, which removes what the mean is about."""
    rng = np.random.default_rng(1)
    comparison = compared(many("A", rng, QUIET), many("B", rng, QUIET, speed=1 / 1.02))
    logs = [cell.launches for _, cell in comparison.cells]
    assert comparison.mean == geometric_mean([one for one, _ in logs], [other for _, other in logs])
    assert comparison.mean is not None
    assert comparison.mean.estimate == pytest.approx(exp(-0.0198), rel=0.01)
    assert all(abs(cell.times.estimate - 1) < 0.03 for _, cell in comparison.cells)


@pytest.mark.parametrize("width", [80, 120])
def test_the_default_set_is_at_most_two_screens(width: int) -> None:
    """The committed runs of the six default workloads."""
    runs = [run for run in store.load_runs(list(map(str, committed()))) if len(run.results.races) == 6]
    assert len(runs) >= 2
    console = Console(file=StringIO(), width=width, highlight=False)
    compare_text.summary(console, runs[:2], *compare(runs[:2]))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    lines = text.splitlines()
    assert len(lines) <= 100
    assert max(map(len, lines)) <= width
    assert "…" not in text
    assert text.count("numba-loops") == 6
    assert ("ratio of shares" in text) is (width >= 100)


def test_many_warnings_come_after_the_tables() -> None:
    first, second = two_runs()
    results = replace(second.results, run={**second.results.run, "commit": None})
    for race in results.races:
        race["control"] = {**race["control"], "trustworthy": False}
    comparison = compared(first, Run("B", results))
    before, after = compare_text.split_warnings(comparison)
    assert before == ["4 warnings after the tables, 3 of them: NOT TRUSTWORTHY"]
    assert len(after) == 4
    quiet = compared(first, second)
    assert compare_text.split_warnings(quiet) == (said.warnings(quiet), [])


def with_memory(one: Run, kernel: str, calls: float) -> Run:
    """The same run, whose large workload has an X of 10 MB or more, and this kernel needs so many X in a call."""
    x_bytes = 10_000_000
    records = tuple(
        replace(
            record,
            m=x_bytes // 16,
            counters={**(record.counters or {}), "placed_bytes": 0, "call_bytes": round(x_bytes * of_call)},
        )
        if record.workload == "large"
        else record
        for record in one.results.records
        for of_call in [calls if record.kernel == kernel else 0.0]
    )
    return replace(one, results=replace(one.results, records=records))


def test_a_change_of_memory_is_named() -> None:
    before, after = two_runs()
    assert not said.memory_lines(compared(before, after), "B")  # X is smaller
    same = compared(with_memory(before, "numpy", 1.0), with_memory(after, "numpy", 1.001))
    assert said.memory_lines(same, "B") == ["memory: the same in 4 cells with X of 10 MB or more"]
    more = compared(with_memory(before, "numpy", 1.0), with_memory(after, "numpy", 1.25))
    assert said.memory_lines(more, "B") == ["memory in A and B: numpy on large 2.0 X and 2.2 X; the same in 3"]
    assert said.closing_lines(more, "B")[-1].startswith("memory in A and B")
