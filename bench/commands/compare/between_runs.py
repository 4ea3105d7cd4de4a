"""How much two runs of one machine differ while nothing changed, from several runs. Pure: it works on results.

A kernel's time can be normalised in several ways. The best is the one with which a change of a given size shows
first: both the variation of launches and what runs differ by beyond it are small
(bench/commands/compare/variance_components.py). A comparison of two runs uses the pace of the other kernels, whose
`between` is BETWEEN_RUNS (bench/commands/compare/drift.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt

from bench.commands.compare import comparable, rounds as race_rounds
from bench.commands.compare.drift import over_pace, usual_times, variance_of_median
from bench.commands.compare.over_ceiling import ceilings_of, over_ceiling
from bench.commands.compare.overall import launch_means
from bench.commands.compare.rounds import Launches, Logs, values
from bench.commands.compare.variance_components import Cell, Spread, spread
from bench.results.record import Record
from bench.results.store import Run
from kernels.ceilings import specs

_WORST = 5
"""How many of the least repeatable cells are named."""


@dataclass(frozen=True)
class Repeatability:
    """How much the runs of one machine differ."""

    runs: tuple[Run, ...]
    spreads: tuple[Spread, ...]
    """Of a cell, by each way of normalising it."""
    together: Spread
    """Of the geometric mean over all cells."""
    least_repeatable: tuple[tuple[str, float], ...]
    """The cells whose values over the pace differ most between runs, with their standard deviation."""
    warnings: tuple[str, ...]


RaceOfAll = tuple[str, Sequence[Mapping[str, Launches]], Sequence[Mapping[str, Record]]]
"""A race that every run has: its name; for each run the rounds by kernel or ceiling, and the records by kernel."""


def repeatability(runs: Sequence[Run]) -> Repeatability:
    """What runs of one machine differ by. Raises ValueError, in one line, if they cannot be compared."""
    _require(runs)
    races = list(_races_of_all(runs))
    comparable.require_common(runs[0], runs[-1], races)
    cells = {name: [cell for race in races for cell in cells_of(race)] for name, cells_of in NORMALISED_BY.items()}
    worst = sorted(cells[_PACE] or cells[_NOTHING], key=lambda cell: -cell.variance)
    return Repeatability(
        tuple(runs),
        tuple(spread(name, part) for name, part in cells.items() if part),
        spread("the geometric mean of all times", [_together(races)]),
        tuple((cell.name, sqrt(2 * cell.variance)) for cell in worst[:_WORST]),
        tuple(_warnings(runs)),
    )


def _by_times(race: RaceOfAll) -> Iterator[Cell]:
    name, rounds, records = race
    for kernel in records[0]:
        yield _cell(name, kernel, [values(run[kernel]) for run in rounds])


def _by_pace(race: RaceOfAll, with_ceilings: bool = False) -> Iterator[Cell]:
    name, rounds, records = race
    for device in dict.fromkeys(record.device for record in records[0].values()):  # a GPU has its own pace
        kernels = [kernel for kernel, record in records[0].items() if record.device == device]
        timed = [method for method in specs.SPECS if all(method in run for run in rounds)] if with_ceilings else []
        if len(kernels) < 2 or (with_ceilings and (not timed or device != "cpu")):
            continue
        together = [{part: run[part] for part in (*kernels, *timed)} for run in rounds]
        usual = usual_times(*together)
        factor = 1 + variance_of_median(len(usual) - 1)
        for kernel in kernels:
            paced = [dict(enumerate(over_pace(run, kernel, usual))) for run in together]
            yield _cell(name, kernel, paced, factor)


def _by_ceiling(race: RaceOfAll) -> Iterator[Cell]:
    name, rounds, records = race
    for kernel in records[0]:
        on_cpu = all(run[kernel].device == "cpu" for run in records)
        names = ceilings_of(rounds)
        shares = [over_ceiling(part, run[kernel], names) for part, run in zip(rounds, records, strict=True)]
        if on_cpu and all(shares):
            yield _cell(name, kernel, shares)


def _cell(workload: str, kernel: str, logs: Sequence[Logs], factor: float = 1.0) -> Cell:
    return Cell(f"{kernel} on {workload}", tuple(tuple(run.values()) for run in logs), factor)


_NOTHING, _PACE = "nothing", "the pace of the other kernels"
NORMALISED_BY: dict[str, Callable[[RaceOfAll], Iterator[Cell]]] = {
    _NOTHING: _by_times,
    _PACE: _by_pace,
    "its ceiling in the same launch": _by_ceiling,
    "the pace of kernels and ceilings": partial(_by_pace, with_ceilings=True),
}
"""What a kernel's time is divided by → its cells in a race."""


def _together(races: Sequence[RaceOfAll]) -> Cell:
    """The mean over all cells in each launch."""
    runs = range(len(races[0][1]))
    logs = [[values(rounds[run][kernel]) for _, rounds, records in races for kernel in records[0]] for run in runs]
    return Cell("", tuple(tuple(launch_means(run)) for run in logs))


def _races_of_all(runs: Sequence[Run]) -> Iterator[RaceOfAll]:
    for first in runs[0].results.races:
        key = first["workload"], first["threads"]
        races = [
            next((race for race in run.results.races if (race["workload"], race["threads"]) == key), None)
            for run in runs
        ]
        timed = [(run, race) for run, race in zip(runs, races, strict=True) if race is not None]
        if len(timed) < len(runs):
            continue
        for run, race in timed[1:]:
            comparable.require_same_data(runs[0], run, first, race)
        records = [run.of(race) for run, race in timed]
        common = [kernel for kernel in records[0] if all(kernel in run for run in records)]
        if common:
            several = sum(race["workload"] == key[0] for race in runs[0].results.races) > 1
            yield (
                f"{key[0]}, threads: {key[1]}" if several else str(key[0]),
                [race_rounds.of_race(run, race) for run, race in timed],
                [{kernel: run[kernel] for kernel in common} for run in records],
            )


def _require(runs: Sequence[Run]) -> None:
    if len(runs) < 2:
        raise ValueError("one run has no drift between runs; expected two or more runs of one machine")
    for run in runs:
        comparable.require_times(run)
        if run.machine != runs[0].machine:
            raise ValueError(
                f"{runs[0].name} is of {runs[0].machine}, {run.name} is of {run.machine}; "
                "expected runs of one machine"
            )
        if alone := [race["workload"] for race in run.results.races if race["launches"] < 2]:
            raise ValueError(f"{run.name} has one launch on {alone[0]}; expected two or more, such as --launches 5")


def _warnings(runs: Sequence[Run]) -> Iterator[str]:
    commits = [run.results.run.get("commit") for run in runs]
    if len(set(commits)) > 1 or not commits[0] or str(commits[0]).endswith("-dirty"):
        text = ", ".join(str(commit or "unknown") for commit in dict.fromkeys(commits))
        yield f"commits: {text}: a change of the code is in these figures, too; measure one commit several times"
    if len({run.results.run["began"] for run in runs}) < len(runs):
        yield "a run is there twice: it does not differ from itself"
