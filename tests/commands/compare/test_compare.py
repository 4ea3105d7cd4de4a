"""Two runs side by side, from records made by hand: expected numbers, errors, warnings. No clock."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from math import exp, sqrt
from typing import Any

import pytest
from rich.console import Console

from bench.commands.compare import sentences as said, text as compare_text
from bench.commands.compare.compare import Comparison, compare
from bench.commands.compare.drift import BETWEEN_RUNS
from bench.results.record import Seconds
from bench.results.store import Run
from bench.workloads.digest import digest
from bench.workloads.synthetic import synthetic
from tests.support.runs import DIGEST, WOBBLE, machine_of, run

TIMES = {"numpy": 2e-5, "numba": 5e-6, "jax": 1e-5}
MORE = {**TIMES, "sklearn": 3e-5}
OTHER = machine_of("Other CPU", 16)


def compared(*runs: Run) -> Comparison:
    return compare(runs)[1][-1]


def shown(*runs: Run) -> str:
    console = Console(file=StringIO(), width=80, highlight=False)
    compare_text.summary(console, runs, *compare(runs))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_two_machines_by_hand() -> None:
    """A reads X in 1 µs and B in 0.25 µs: B's kernel is twice as fast, with half the share of its ceiling."""
    comparison = compared(
        run("A", TIMES, ceiling=1e-6), run("B", {**TIMES, "numba": 2.5e-6}, ceiling=0.25e-6, on=OTHER)
    )
    assert not comparison.one_machine
    cells = {cell.kernel: cell for _, cell in comparison.cells}
    assert list(cells) == ["numpy", "jax", "numba"]
    numba = cells["numba"]
    assert numba.shares == pytest.approx((0.2, 0.1))
    assert (numba.times.estimate, numba.times.verdict) == (pytest.approx(2.0), "faster")
    assert numba.normalised is not None
    assert (numba.normalised.estimate, numba.normalised.verdict) == (pytest.approx(0.5), "slower")
    # time and ceiling vary together, so the shares have no spread, and only BETWEEN_RUNS remains
    assert numba.normalised.low == pytest.approx(0.5 * exp(-1.959964 * BETWEEN_RUNS))
    assert cells["numpy"].times.verdict == "no difference shown"
    assert cells["numpy"].normalised is not None
    assert cells["numpy"].normalised.estimate == pytest.approx(0.25)


def test_an_older_file_with_medians_is_compared_by_its_rounds() -> None:
    """Its records have medians of 6 and 1 times the seconds; the rounds of both files have the same lower deciles."""

    def made(name: str, factors: list[float], typical: float, **run_info: str) -> Run:
        one = run(name, MORE, ceiling=1e-6)
        (race,) = one.results.races
        rounds = [{**part, "seconds": [f * part["seconds"][0] for f in factors]} for part in race["rounds"]]
        records = [
            replace(record, seconds=Seconds(*(typical * MORE[record.kernel] for _ in range(3))))
            for record in one.results.records
        ]
        info = {**one.results.run, **run_info}
        return Run(name, replace(one.results, run=info, races=({**race, "rounds": rounds},), records=tuple(records)))

    older = made("A", [6.0, 1.0, 6.0], 6.0)
    later = made("B", [1.0, 1.0, 1.0], 1.0, statistic="lower decile")
    for cell in (cell for _, cell in compared(older, later).cells):
        assert cell.seconds == pytest.approx((MORE[cell.kernel],) * 2, rel=2e-3)
        assert cell.times.estimate == pytest.approx(1.0)
        assert cell.shares is not None
        assert cell.shares[0] == pytest.approx(cell.shares[1])


def test_the_interval_on_two_machines_includes_the_drift_of_both() -> None:
    comparison = compared(run("A", TIMES), run("B", TIMES, on=OTHER)).cells[0][1].times
    spread = sqrt(0.00005)  # of the logarithms of WOBBLE, approximately
    error = sqrt(2 * spread**2 / 5 + 2 * spread**2 + BETWEEN_RUNS**2)
    assert WOBBLE == (0.99, 1.0, 1.01, 1.0, 1.0)
    assert comparison.high == pytest.approx(exp(1.96 * error), rel=2e-3)


def test_on_one_machine_times_are_relative_to_the_pace_of_its_kernels() -> None:
    drifting = (0.8, 1.0, 1.2, 1.1, 0.9)
    slower = {kernel: 1.2 * seconds for kernel, seconds in MORE.items()} | {"jax": 1.5 * 1.2 * MORE["jax"]}
    comparison = compared(run("A", MORE, wobble=drifting), run("B", slower, wobble=drifting))
    cells = {cell.kernel: cell for _, cell in comparison.cells}
    verdicts = {kernel: cell.times.verdict for kernel, cell in cells.items()}
    assert verdicts == dict.fromkeys(MORE, "no difference shown") | {"jax": "slower"}
    assert comparison.pairs[0].shift.change == pytest.approx(1 / 1.2)
    assert cells["jax"].times.estimate == pytest.approx(1 / 1.5)
    assert all(cell.normalised is None for _, cell in comparison.cells)
    assert "all 1.20× slower" in shown(comparison.reference, comparison.other)


def test_a_change_too_large_for_drift_is_not_attributed_to_drift() -> None:
    comparison = compared(run("A", TIMES), run("B", {kernel: 2 * seconds for kernel, seconds in TIMES.items()}))
    assert {cell.times.verdict for _, cell in comparison.cells} == {"slower"}
    assert "all kernels together 2.00× slower, more than the drift of this machine" in comparison.pairs[0].warnings[0]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (run("B", {"sklearn": 1e-5}), "nothing in common: A timed numpy, numba, jax on lecture; B timed sklearn"),
        (run("B", TIMES, workload="flights"), "nothing in common: .* on flights; expected a kernel timed on"),
        (run("B", TIMES, m=2000), "lecture has different data in A and in B: m is 1000 and 2000"),
        (
            run("B", TIMES, data={**DIGEST, "placed": 0.03}),
            "lecture has different data .* digests are 0.5, 1, 0.01, 0.02",
        ),
        (Run("B", replace(run("B", TIMES).results, records=())), "B has no finished race; expected a kernel"),
    ],
)
def test_runs_that_cannot_be_compared(other: Run, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        compare([run("A", TIMES), other])
    assert "\n" not in str(error.value)


def test_different_threads_are_compared_only_if_each_run_has_a_single_race() -> None:
    def with_threads(name: str, *threads: int) -> Run:
        runs = [run(name, TIMES, threads=number) for number in threads]
        races, records = (
            tuple(part for one in runs for part in getattr(one.results, key)) for key in ("races", "records")
        )
        return Run(name, replace(runs[0].results, races=races, records=records))

    (pair,) = compared(with_threads("A", 2), with_threads("B", 8)).pairs
    assert pair.threads == (2, 8)
    for first, second in (((1, 2), (8,)), ((8,), (1, 2))):
        with pytest.raises(ValueError, match="nothing in common"):
            compared(with_threads("A", *first), with_threads("B", *second))
    assert [pair.threads for pair in compared(with_threads("A", 1, 2), with_threads("B", 2)).pairs] == [(2, 2)]


def test_one_run_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to compare with; expected two or more runs"):
        compare([run("A", TIMES)])


def test_a_file_with_missing_rounds_is_an_error() -> None:
    complete = run("B", TIMES)
    (race,) = complete.results.races
    cut = replace(complete.results, races=({**race, "rounds": race["rounds"][:-1]},))
    with pytest.raises(
        ValueError, match="B: on lecture the kernels' launches differ; expected rounds .* the file may be incomplete"
    ):
        compare([run("A", TIMES), Run("B", cut)])


def descent(name: str, times: dict[str, float] = MORE, **more: Any) -> Run:
    """A run of gradient descent, whose description names its options."""
    details = {"steps": 100, "learning_rate": 0.3, "L": 3.1} | more.pop("details", {})
    made = run(name, times, workload="descend:lecture", operation="descend", details=details, **more)
    described = {"descend": {"options": ["steps", "learning_rate"]}}
    return Run(name, replace(made.results, operations=described))


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ({"steps": 10}, "steps is 100 and 10"),
        ({"learning_rate": 0.3 * (1 + 3e-9)}, "learning_rate is 0.3 and 0.3000000009"),
        ({"learning_rate": 0.3 * (1 + 3e-12)}, ""),
        ({"L": 3.2}, ""),  # it follows from the data
        ({"momentum": 0.9}, ""),  # which the older run does not know
    ],
)
def test_races_with_different_options_cannot_be_compared(details: dict[str, float], message: str) -> None:
    runs = [descent("A"), descent("B", details=details)]
    if not message:
        assert len(compared(*runs).cells) == len(MORE)
        return
    with pytest.raises(ValueError, match=f"descend:lecture has different options in A and in B: {message}$"):
        compare(runs)


def test_the_same_name_for_different_operations_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="lecture has different data in A and in B: operation is gradient and fit"):
        compare([run("A", TIMES), run("B", TIMES, operation="fit")])


def test_shares_are_of_the_work_that_each_record_names() -> None:
    """Half the work in the same time is half the share."""
    first, second = descent("A", TIMES, ceiling=1e-8), descent("B", TIMES, ceiling=1e-8, on=OTHER)
    half = tuple(
        replace(record, work={**(record.work or {}), "read": (record.work or {})["read"] / 2})
        for record in second.results.records
    )
    for _, cell in compared(first, Run("B", replace(second.results, records=half))).cells:
        assert cell.normalised is not None
        assert cell.normalised.estimate == pytest.approx(0.5)
    for work in (None, {"read": 1.0}):
        bare = tuple(replace(record, work=work) for record in second.results.records)
        cells = compared(first, Run("B", replace(second.results, records=bare))).cells
        assert all(cell.normalised is None for _, cell in cells)


def test_a_kernel_that_did_not_reach_its_aim_is_compared_by_its_time_only() -> None:
    first, second = descent("A", ceiling=1e-6), descent("B", ceiling=1e-6, on=OTHER, unreached=["jax"])
    for runs, name in (((first, second), "B"), ((second, first), "B")):
        comparison = compared(*runs)
        cells = {cell.kernel: cell for _, cell in comparison.cells}
        assert cells["jax"].times.estimate == pytest.approx(1.0)
        assert (cells["jax"].normalised, cells["jax"].shares) == (None, None)
        assert cells["numpy"].normalised is not None
        line = f"jax on descend:lecture: not reached in {name}: only its times are compared"
        assert [one for one in said.warnings(comparison) if "not reached" in one] == [line]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (run("B", TIMES, trustworthy=False), "lecture: NOT TRUSTWORTHY in B: its control shows a difference"),
        (run("B", TIMES, threads=8, on=OTHER), "different numbers of threads, 2 and 8"),
        (
            run("B", TIMES, on=machine_of(numpy="1.0", jax="0.10")),
            "different versions of numpy, jax: the kernels' code may differ",
        ),
        (run("B", TIMES, commit="def5678"), "different commits, abc1234 and def5678: the kernels' code may differ"),
        (run("B", TIMES, commit=None), "B: the commit is not known"),
        (run("B", TIMES, wobble=[1.0]), "lecture: a run with one launch shows no difference: use --launches 20"),
        (run("B", {"numpy": 2e-5, "numba": 5e-6}), "lecture: with fewer than 4 kernels it is not clear which"),
        (run("B", TIMES, began="2026-01-02T03:04:05 A"), "A and B are the same run: there is no drift between them"),
    ],
)
def test_warnings(other: Run, message: str) -> None:
    comparison = compared(run("A", MORE), other)
    assert any(message in line for line in said.warnings(comparison))
    assert said.warnings(compared(run("A", MORE), run("C", MORE))) == []
    assert message in " ".join(shown(run("A", MORE), other).split())


def test_uncommitted_changes_give_a_warning() -> None:
    runs = [run(name, TIMES, commit="abc1234-dirty") for name in "AB"]
    assert "abc1234-dirty: uncommitted changes: the kernels' code may differ" in compared(*runs).warnings


def test_a_kernel_that_failed_in_one_run_is_listed() -> None:
    other = run("B", TIMES)
    failed = replace(other.results.records[2], outcome="wrong", reason="data: db is nan", seconds=None)
    comparison = compared(
        run("A", TIMES), Run("B", replace(other.results, records=(*other.results.records[:2], failed)))
    )
    assert comparison.only_in_one == ("jax on lecture: in B wrong: data: db is nan",)
    assert [cell.kernel for _, cell in comparison.cells] == ["numpy", "numba"]


def test_differences_are_in_groups_and_equal_properties_are_left_out() -> None:
    first, second = run("A", TIMES), run("B", TIMES, threads=8, on=machine_of("Other CPU", 16, numba="0.70.0"))
    differences, _ = compare([first, second])
    assert [(difference.group, difference.name, difference.values) for difference in differences] == [
        ("hardware", "CPU", ("Some CPU", "Other CPU")),
        ("hardware", "cores", ("2", "16")),
        ("software", "numba", ("0.68.1", "0.70.0")),
        ("run", "threads", ("2", "8")),
    ]


@pytest.mark.parametrize("count", [2, 4])
def test_the_text_fits_80_columns_and_says_which_slowdown_it_would_show(count: int) -> None:
    long = {"a-kernel-of-20-letters": 1.234e-4, "numpy": 2.345e-3, "numba": 1e-9}
    runs = [
        run(f"20260102T030405Z-abc123{number}", long, ceiling=1e-6 / (1 + number), on=machine_of(f"CPU {number}"))
        for number in range(count)
    ]
    text = shown(*runs)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("in 9 of 10 cases") == count - 1
    for run_ in runs:
        assert run_.machine in text
    assert "of the ceiling" in text
    page = compare_text.markdown(runs, *compare(runs))
    assert "| `" not in page.splitlines()[0]
    assert page.count("| kernel | A |") == count - 1


def test_one_method_of_reading_is_enough_for_a_ceiling() -> None:
    runs = [run("A", TIMES, ceiling=1e-6), run("B", TIMES, ceiling=5e-7, on=OTHER)]
    (race,) = runs[0].results.races
    race["rounds"][:] = [part for part in race["rounds"] if part["kernel"] != "(read-sum)"]  # as if it had failed
    assert all(cell.normalised is not None for _, cell in compared(*runs).cells)
    race["rounds"][:] = [part for part in race["rounds"] if part["kernel"] != "(sigmoid)"]
    assert all(cell.normalised is None for _, cell in compared(*runs).cells)


def test_the_smallest_slowdown_is_a_number_or_nothing() -> None:
    comparison = compared(run("A", MORE), run("B", MORE))
    assert comparison.smallest is not None
    expected = f"would show a kernel slower by {comparison.smallest:.0%} in 9"
    assert expected in " ".join(said.closing_lines(comparison, "B"))
    (pair,) = comparison.pairs
    times = replace(pair.cells[0].times, smallest=100.0)
    cells = tuple(replace(cell, times=times) for cell in pair.cells)
    wide = replace(comparison, pairs=(replace(pair, cells=cells),))
    assert "would show nothing in 9" in " ".join(said.closing_lines(wide, "B"))


def test_a_single_kernel_has_no_common_shift() -> None:
    for times, together in ((TIMES, True), ({"numpy": 2e-5}, False)):
        assert ("all 1.00× " in shown(run("A", times), run("B", times))) is together


def test_kernel_names_are_not_parsed_as_markup() -> None:
    assert "own[bold]:f" in shown(*(run(name, {**TIMES, "own[bold]:f": 3e-5}) for name in "AB"))


def test_without_ceilings_it_says_so() -> None:
    text = shown(run("A", TIMES), run("B", TIMES, ceiling=1e-6, on=OTHER))
    assert "of the ceiling" not in text
    assert "not normalised: a run has no ceilings of its machine" in text


def test_a_digest_depends_on_the_data_but_not_on_rounding() -> None:
    from bench.workloads.digest import same_data

    X, y = synthetic(1000, 5)
    original = digest(X, y)
    assert same_data(original, digest(X * (1 + 2e-16), y))
    assert same_data(original, digest(X.copy(order="F"), y))
    for other in (digest(X[::-1], y[::-1]), digest(X[:, ::-1], y), digest(X, 1 - y), digest(X * 1.001, y)):
        assert not same_data(original, other)
