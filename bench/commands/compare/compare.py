"""Two runs side by side: the kernels and workloads that both timed, and what changed.

Pure: it takes results, from wherever they were read. bench/commands/compare/drift.py derives the interval of a
change, and bench/commands/compare/comparable.py decides what can be compared.

On two machines a time says nothing about the code. So each cell also has the ratio of the two shares of the ceiling:
each run's time over the ceiling that was measured in the same launch, on the same machine
(bench/analysis/roofline.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.analysis import roofline
from bench.commands.compare import comparable, drift
from bench.commands.compare.differences import Difference, differences
from bench.commands.compare.drift import BETWEEN_RUNS, Change, CommonShift, Launches
from bench.results.record import Record
from bench.results.store import Race, Run
from kernels.ceilings import specs
from kernels.contract import Size

_ENOUGH_KERNELS = 4
"""With three other kernels, a single one that changed is not their median."""
_ITEM_BYTES = {"float32": 4, "float64": 8}


@dataclass(frozen=True)
class Cell:
    """A kernel on a workload, in both runs."""

    kernel: str
    seconds: tuple[float, float]
    """Per call, in the reference and in the other run."""
    times: Change
    """How many times as fast the other run is; on one machine, relative to the pace of its kernels."""
    shares: tuple[float, float] | None = None
    """The shares of the machine's ceiling, in each run; None if a run has no ceiling, and on one machine."""
    normalised: Change | None = None
    """How many times nearer to its own machine's ceiling the other run is."""


@dataclass(frozen=True)
class Pair:
    """A workload's races in both runs."""

    workload: str
    threads: tuple[int, int]
    cells: tuple[Cell, ...]
    """Slowest first."""
    shift: CommonShift
    """The change that the kernels share. On one machine, the part that may be drift is not in the cells."""
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
    rounds = _rounds(reference, before), _rounds(other, after)
    one_machine = reference.machine == other.machine
    changes: dict[str, Change] = {}
    shifts = []
    for device in dict.fromkeys(records[0][kernel].device for kernel in common):  # a GPU has its own pace
        kernels = [kernel for kernel in common if records[0][kernel].device == device]
        first, second = ({kernel: part[kernel] for kernel in kernels} for part in rounds)
        changes |= drift.changes(first, second, one_machine)
        shifts.append((len(kernels), drift.common_shift(first, second)))
    cells = [
        _cell(records[0][kernel], records[1][kernel], changes[kernel], () if one_machine else rounds)
        for kernel in common
    ]
    (_, shift), warnings = max(shifts, key=lambda counted: counted[0]), []
    largest = shift.largest_drift
    if one_machine and largest and not 1 / largest <= shift.change <= largest:
        warnings.append(
            f"{before['workload']}: all kernels together {shift.format_shift}, more than the drift of this machine "
            f"({largest:.2f}×): only that much is attributed to the machine"
        )
    if one_machine and len(common) < _ENOUGH_KERNELS:
        warnings.append(
            f"{before['workload']}: with fewer than {_ENOUGH_KERNELS} kernels it is not clear which one changed: "
            f"time {_ENOUGH_KERNELS} or more"
        )
    warnings += comparable.race_warnings(reference, other, before, after, common)
    cells.sort(key=lambda cell: -cell.seconds[0])
    return Pair(str(before["workload"]), (before["threads"], after["threads"]), tuple(cells), shift, tuple(warnings))


def _rounds(run: Run, race: Race) -> dict[str, Launches]:
    """Kernel or ceiling worker → its rounds by launch. Raises ValueError if the kernels' rounds differ in number."""
    by_kernel: dict[str, dict[int, Sequence[float]]] = {}
    for part in race["rounds"]:
        by_kernel.setdefault(part["kernel"], {})[part["launch"]] = part["seconds"]
    shapes = [
        [(launch, len(rounds)) for launch, rounds in sorted(by_kernel.get(kernel, {}).items())]
        for kernel in run.of(race)
    ]
    if any(shape != shapes[0] or not shape for shape in shapes):
        raise ValueError(
            f"{run.name}: on {race['workload']} the kernels' rounds differ in number; the file may be incomplete"
        )
    return {kernel: [launches[number] for number in sorted(launches)] for kernel, launches in by_kernel.items()}


def _cell(first: Record, second: Record, times: Change, rounds: tuple[Mapping[str, Launches], ...]) -> Cell:
    assert first.seconds, "only what was timed is compared"
    assert second.seconds, "only what was timed is compared"
    seconds = first.seconds.estimate, second.seconds.estimate
    if not (rounds and first.reached and second.reached and first.ceiling and second.ceiling):
        return Cell(first.kernel, seconds, times)
    shares = first.ceiling.fraction, second.ceiling.fraction
    logs = [_over_ceiling(part, record) for part, record in zip(rounds, (first, second), strict=True)]
    normalised = drift.change(logs[0], logs[1], 0.0, BETWEEN_RUNS**2) if all(logs) else None
    return Cell(first.kernel, seconds, times, shares, normalised)


def _over_ceiling(rounds: Mapping[str, Launches], record: Record) -> list[float]:
    """log(kernel's time / ceiling) in each launch; empty unless every launch measured every ceiling of its work."""
    launches, work = rounds[record.kernel], record.work or {}
    if not work.keys() >= specs.METHODS.keys() or record.dtype not in _ITEM_BYTES:
        return []
    size = Size(record.m, record.n, _ITEM_BYTES[record.dtype])
    methods = [method for method in specs.SPECS if len(rounds.get(method, ())) == len(launches)]
    ceilings = [
        roofline.seconds({method: rounds[method][launch] for method in methods}, size, work)
        for launch in range(len(launches))
    ]
    return [-share for share in roofline.log_fractions(ceilings, [median(launch) for launch in launches])]
