"""Two runs side by side: the kernels and workloads that both timed, and what changed.

Pure: it takes results, from wherever they were read. bench/commands/compare/drift.py derives the interval of a
change, bench/commands/compare/overall.py that of all changes together, and bench/commands/compare/comparable.py
decides what can be compared.

On two machines a time says nothing about the code. So each cell also has the ratio of the two shares of the ceiling:
each run's time over the ceiling that was measured in the same launch, on the same machine
(bench/analysis/roofline.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from statistics import median

from bench.analysis import statistics
from bench.commands.compare import ceilings, comparable, drift, overall, rounds as race_rounds
from bench.commands.compare.ceilings import MachineCeiling, RaceCeilings
from bench.commands.compare.differences import Difference, differences
from bench.commands.compare.drift import BETWEEN_RUNS, Change, CommonShift
from bench.commands.compare.over_ceiling import ceilings_of, over_ceiling
from bench.commands.compare.rounds import Launches, Logs
from bench.report.rows import memory_of_x
from bench.results.record import Record
from bench.results.store import Race, Run

_ENOUGH_KERNELS = 4
"""With three other kernels, a single one that changed is not their median."""


@dataclass(frozen=True)
class Cell:
    """A kernel on a workload, in both runs."""

    kernel: str
    seconds: tuple[float, float]
    """Per call, in the reference and in the other run."""
    times: Change
    """How many times as fast the other run is; on one machine, relative to the pace of its kernels."""
    launches: tuple[Logs, Logs]
    """The logarithm of the value of each launch of each run."""
    shares: tuple[float, float] | None = None
    """The shares of the machine's ceiling, in each run; None if a run has no ceiling."""
    normalised: Change | None = None
    """How many times nearer to its own machine's ceiling the other run is; None if a launch has no ceiling."""
    over_ceiling: tuple[Logs, Logs] | None = None
    """The logarithm of the time over the ceiling in each launch of each run."""
    reached: bool = True
    """Whether the kernel got, in both runs, to where its operation asks it to."""
    memory: tuple[float | None, float | None] = (None, None)
    """Of the data and a call, relative to that of X, in each run; None where it is not known."""


@dataclass(frozen=True)
class Pair:
    """A workload's races in both runs."""

    workload: str
    threads: tuple[int, int]
    cells: tuple[Cell, ...]
    """Slowest first."""
    shift: CommonShift
    """The change that the kernels share. On one machine, the part that may be drift is not in the cells."""
    ceilings: tuple[RaceCeilings, RaceCeilings]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A run compared with the reference."""

    reference: Run
    other: Run
    pairs: tuple[Pair, ...]
    warnings: tuple[str, ...]
    only_in_one: tuple[str, ...]

    @property
    def one_machine(self) -> bool:
        """Whether both were measured on the same machine."""
        return self.reference.machine == self.other.machine

    @property
    def cells(self) -> list[tuple[str, Cell]]:
        """All cells, each with the name of its pair."""
        return [(self.name(pair), cell) for pair in self.pairs for cell in pair.cells]

    def name(self, pair: Pair) -> str:
        """The workload; with its threads if the reference has several races of it."""
        races = sum(race["workload"] == pair.workload for race in self.reference.results.races)
        return f"{pair.workload}, threads: {pair.threads[0]}" if races > 1 else pair.workload

    @property
    def compared(self) -> list[tuple[str, Cell]]:
        """The cells whose kernel got to where its operation asks it to; another was fast at something else."""
        return [(name, cell) for name, cell in self.cells if cell.reached]

    @property
    def mean(self) -> Change | None:
        """How many times as fast the other run is: the geometric mean over the cells, of the times as they are."""
        cells = [cell.launches for _, cell in self.compared]
        return overall.geometric_mean(*zip(*cells, strict=True)) if cells else None

    @property
    def normalised_mean(self) -> Change | None:
        """How many times nearer to its own machine's ceilings the other run is: the geometric mean over the cells."""
        cells = [cell.over_ceiling for _, cell in self.compared if cell.over_ceiling]
        return overall.geometric_mean(*zip(*cells, strict=True)) if cells else None

    @property
    def ceilings(self) -> tuple[MachineCeiling, ...]:
        """The machines' ceilings side by side."""
        return ceilings.side_by_side([pair.ceilings for pair in self.pairs])

    @property
    def most_different(self) -> tuple[str, Cell] | None:
        """The cell that differs most, of those shown to differ if there are any, with the name of its pair."""
        shown = [one for one in self.compared if one[1].times.verdict in ("faster", "slower")]
        return max(shown or self.compared, key=lambda one: abs(log(one[1].times.estimate)), default=None)

    @property
    def all_within(self) -> float | None:
        """x, such that all cells changed by less than ±x with 95% confidence; None if a cell has no interval."""
        return overall.all_within([cell.times for _, cell in self.compared])

    @property
    def differing(self) -> list[tuple[str, Cell]]:
        """The cells that differ at a level of 5% for all of them together, the surest first."""
        cells = self.compared
        return [cells[index] for index in overall.differing([cell.times for _, cell in cells])]

    @property
    def smallest(self) -> float | None:
        """The smallest slowdown that would be shown in 9 of 10 cases: the median over the cells."""
        slowdowns = [cell.times.smallest for _, cell in self.cells if cell.times.smallest is not None]
        return median(slowdowns) if slowdowns else None


def compare(runs: Sequence[Run]) -> tuple[list[Difference], list[Comparison]]:
    """What differs between the runs' machines and settings, and each run compared with the first.

    Raises ValueError, in one line, if two of them cannot be compared.
    """
    if len(runs) < 2:
        raise ValueError("there is nothing to compare with; expected two or more runs")
    for run in runs:
        comparable.require_times(run)
    reference, *others = runs
    return differences([run.results for run in runs]), [_compare_with(reference, other) for other in others]


def _compare_with(reference: Run, other: Run) -> Comparison:
    pairs, only_in_one = [], []
    for before, after in _races_of_both(reference, other):
        comparable.require_same_data(reference, other, before, after)
        only_in_one += comparable.only_in_one(reference, other, before, after)
        if common := [kernel for kernel in reference.of(before) if kernel in other.of(after)]:
            pairs.append(_pair(reference, other, before, after, common))
    comparable.require_common(reference, other, pairs)
    threads = dict.fromkeys(pair.threads for pair in pairs if len(set(pair.threads)) > 1)
    warnings = [f"different numbers of threads, {first} and {second}" for first, second in threads]
    warnings += comparable.warnings(reference, other)
    return Comparison(reference, other, tuple(pairs), tuple(warnings), tuple(only_in_one))


def _races_of_both(reference: Run, other: Run) -> Iterable[tuple[Race, Race]]:
    """The races of one workload with the same threads; if each run has a single race of it, with any threads."""
    races = reference.results.races
    for before in races:
        name = before["workload"]
        candidates = [race for race in other.results.races if race["workload"] == name]
        same_threads = [race for race in candidates if race["threads"] == before["threads"]]
        single = len(candidates) == 1 == sum(race["workload"] == name for race in races)
        yield from ((before, after) for after in (candidates if single else same_threads))


def _pair(reference: Run, other: Run, before: Race, after: Race, common: Sequence[str]) -> Pair:
    records = reference.of(before), other.of(after)
    rounds = race_rounds.of_race(reference, before), race_rounds.of_race(other, after)
    one_machine = reference.machine == other.machine
    changes: dict[str, Change] = {}
    shifts = []
    for device in dict.fromkeys(records[0][kernel].device for kernel in common):  # a GPU has its own pace
        kernels = [kernel for kernel in common if records[0][kernel].device == device]
        first, second = ({kernel: part[kernel] for kernel in kernels} for part in rounds)
        changes |= drift.changes(first, second, one_machine)
        shifts.append((len(kernels), drift.common_shift(first, second)))
    cells = [_cell(records[0][kernel], records[1][kernel], changes[kernel], rounds) for kernel in common]
    cells.sort(key=lambda cell: -cell.seconds[0])
    _, shift = max(shifts, key=lambda counted: counted[0])
    measured = [
        ceilings.of_race(part, by_kernel[common[0]], run.results.machine["hardware"].get("caches"))
        for part, by_kernel, run in zip(rounds, records, (reference, other), strict=True)
    ]
    warnings = _pace_warnings(str(before["workload"]), len(common), shift) if one_machine else []
    warnings += comparable.race_warnings(reference, other, before, after, common)
    threads = before["threads"], after["threads"]
    return Pair(str(before["workload"]), threads, tuple(cells), shift, (measured[0], measured[1]), tuple(warnings))


def _pace_warnings(workload: str, kernels: int, shift: CommonShift) -> list[str]:
    warnings, largest = [], shift.largest_drift
    if largest and not 1 / largest <= shift.change <= largest:
        warnings.append(
            f"{workload}: all kernels together {shift.format_shift}, more than the drift of this machine "
            f"({largest:.2f}×): only that much is attributed to the machine"
        )
    if kernels < _ENOUGH_KERNELS:
        warnings.append(
            f"{workload}: with fewer than {_ENOUGH_KERNELS} kernels it is not clear which one changed: "
            f"time {_ENOUGH_KERNELS} or more"
        )
    return warnings


def _typical(logs: Logs) -> float:
    """From the launches' logarithms to the number, as in a record; in older files the record has another one."""
    return exp(statistics.trimmed_mean(list(logs.values())))


def _cell(first: Record, second: Record, times: Change, rounds: Sequence[Mapping[str, Launches]]) -> Cell:
    assert first.seconds, "only what was timed is compared"
    assert second.seconds, "only what was timed is compared"
    launches = [race_rounds.values(part[record.kernel]) for part, record in zip(rounds, (first, second), strict=True)]
    cell = Cell(
        first.kernel,
        (_typical(launches[0]), _typical(launches[1])),
        times,
        (launches[0], launches[1]),
        reached=first.reached and second.reached,
        memory=(memory_of_x(first), memory_of_x(second)),
    )
    if not (cell.reached and first.ceiling and second.ceiling):
        return cell
    names = ceilings_of(rounds)
    over = [over_ceiling(part, record, names) for part, record in zip(rounds, (first, second), strict=True)]
    if not all(over):
        return replace(cell, shares=(first.ceiling.fraction, second.ceiling.fraction))
    shares = 1 / _typical(over[0]), 1 / _typical(over[1])
    normalised = drift.change(list(over[0].values()), list(over[1].values()), 0.0, BETWEEN_RUNS**2)
    return replace(cell, shares=shares, normalised=normalised, over_ceiling=(over[0], over[1]))
