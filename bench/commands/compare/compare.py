"""Two runs side by side: the kernels and workloads that both timed, and what changed.

Pure: it takes results, wherever they were read. The interval of a change is derived in
bench/commands/compare/drift.py, and what can be compared at all is judged in bench/commands/compare/comparable.py.

A time says nothing of the code where the machines differ; its share of what the machine can do says little else. So
each cell also has the ratio of the two shares: each run's time over the limit that was measured in the same launch
(bench/analysis/roofline.py), each on its own machine.
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

_ENOUGH = 4
"""Kernels: with three others, one that changed is not their median."""
_ITEM_BYTES = {"float32": 4, "float64": 8}


@dataclass(frozen=True)
class Cell:
    """A kernel on a workload, in both runs."""

    kernel: str
    seconds: tuple[float, float]
    """Of a call, in the reference and in the other run."""
    times: Change
    """How many times faster the other run is; on one machine at the pace that all its kernels share."""
    shares: tuple[float, float] | None = None
    """Of its machine's limit, in each run; None where one of them has none, and on one machine."""
    normalised: Change | None = None
    """How many times nearer to its own machine's limit the other run is."""


@dataclass(frozen=True)
class Pair:
    """A workload's races in both runs."""

    workload: str
    threads: tuple[int, int]
    cells: tuple[Cell, ...]
    """Slowest first."""
    pace: CommonShift
    """What the kernels share; on one machine so much of it as may be drift is not in the cells."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Of one run with the reference."""

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
        """With the name of their pair."""
        return [(self.name(pair), cell) for pair in self.pairs for cell in pair.cells]

    def name(self, pair: Pair) -> str:
        """The workload; with its threads where the reference has several races of it."""
        races = sum(race["workload"] == pair.workload for race in self.reference.results.races)
        return f"{pair.workload}, threads: {pair.threads[0]}" if races > 1 else pair.workload

    @property
    def smallest(self) -> float | None:
        """The smallest slowdown of a kernel that would be shown in 9 of 10 cases; the median of the cells."""
        found = [cell.times.smallest for _, cell in self.cells if cell.times.smallest is not None]
        return median(found) if found else None


def compare(runs: Sequence[Run]) -> tuple[list[Difference], list[Comparison]]:
    """What differs between the runs' machines and settings, and each run compared with the first.

    Raises ValueError, in one line, if two of them cannot be compared.
    """
    if len(runs) < 2:
        raise ValueError("there is nothing to compare with; expected two runs or more")
    for run in runs:
        comparable.require_times(run)
    reference, *others = runs
    return differences([run.results for run in runs]), [_compared(reference, other) for other in others]


def _compared(reference: Run, other: Run) -> Comparison:
    pairs, only_in_one = [], []
    for before, after in _races_of_both(reference, other):
        comparable.require_same_data(reference, other, before, after)
        only_in_one += comparable.only_in_one(reference, other, before, after)
        if common := [kernel for kernel in reference.of(before) if kernel in other.of(after)]:
            pairs.append(_pair(reference, other, before, after, common))
    comparable.require_common(reference, other, pairs)
    threads = dict.fromkeys(pair.threads for pair in pairs if len(set(pair.threads)) > 1)
    warnings = [f"other numbers of threads, {first} and {second}" for first, second in threads]
    warnings += comparable.warnings(reference, other)
    return Comparison(reference, other, tuple(pairs), tuple(warnings), tuple(only_in_one))


def _races_of_both(reference: Run, other: Run) -> Iterable[tuple[Race, Race]]:
    """Of one workload, with the same threads; with others where each run has a single race of it."""
    races = reference.results.races
    for before in races:
        name = before["workload"]
        there = [race for race in other.results.races if race["workload"] == name]
        same = [race for race in there if race["threads"] == before["threads"]]
        single = len(there) == 1 == sum(race["workload"] == name for race in races)
        yield from ((before, after) for after in (there if single else same))


def _pair(reference: Run, other: Run, before: Race, after: Race, common: Sequence[str]) -> Pair:
    records = reference.of(before), other.of(after)
    rounds = _rounds(reference, before), _rounds(other, after)
    one_machine = reference.machine == other.machine
    changes: dict[str, Change] = {}
    paces = []
    for device in dict.fromkeys(records[0][kernel].device for kernel in common):  # a GPU has a pace of its own
        kernels = [kernel for kernel in common if records[0][kernel].device == device]
        first, second = ({kernel: part[kernel] for kernel in kernels} for part in rounds)
        changes |= drift.changes(first, second, one_machine)
        paces.append((len(kernels), drift.pace(first, second)))
    cells = [
        _cell(records[0][kernel], records[1][kernel], changes[kernel], () if one_machine else rounds)
        for kernel in common
    ]
    (_, pace), warnings = max(paces, key=lambda counted: counted[0]), []
    if one_machine and pace.limit and not 1 / pace.limit <= pace.change <= pace.limit:
        warnings.append(
            f"{before['workload']}: all kernels together {pace.format_shift}, more than this machine drifts here "
            f"({pace.limit:.2f}×): only so much is put down to it"
        )
    if one_machine and len(common) < _ENOUGH:
        warnings.append(
            f"{before['workload']}: one kernel beside another, or two, does not tell which of them changed: "
            f"time {_ENOUGH} or more"
        )
    warnings += comparable.race_warnings(reference, other, before, after)
    cells.sort(key=lambda cell: -cell.seconds[0])
    return Pair(str(before["workload"]), (before["threads"], after["threads"]), tuple(cells), pace, tuple(warnings))


def _rounds(run: Run, race: Race) -> dict[str, Launches]:
    """Kernel, or limit → its rounds, launch by launch. Raises ValueError where the kernels' do not fit together."""
    found: dict[str, dict[int, Sequence[float]]] = {}
    for part in race["rounds"]:
        found.setdefault(part["kernel"], {})[part["launch"]] = part["seconds"]
    shapes = [
        [(launch, len(found[kernel][launch])) for launch in sorted(found[kernel])] if kernel in found else []
        for kernel in run.of(race)
    ]
    if any(shape != shapes[0] or not shape for shape in shapes):
        raise ValueError(
            f"{run.name}: on {race['workload']} the kernels' rounds differ in number; is the file whole?"
        )
    return {kernel: [launches[number] for number in sorted(launches)] for kernel, launches in found.items()}


def _cell(first: Record, second: Record, times: Change, rounds: tuple[Mapping[str, Launches], ...]) -> Cell:
    assert first.seconds, "only what was timed is compared"
    assert second.seconds, "only what was timed is compared"
    seconds = first.seconds.median, second.seconds.median
    if not rounds or first.ceiling is None or second.ceiling is None:
        return Cell(first.kernel, seconds, times)
    shares = first.ceiling.fraction, second.ceiling.fraction
    logs = [_over_limit(part, record) for part, record in zip(rounds, (first, second), strict=True)]
    normalised = drift.change(logs[0], logs[1], 0.0, BETWEEN_RUNS**2) if all(logs) else None
    return Cell(first.kernel, seconds, times, shares, normalised)


def _over_limit(rounds: Mapping[str, Launches], record: Record) -> list[float]:
    """The kernel's time over the limit's in each launch, as a logarithm; none where not all limits were measured."""
    own, bytes_of_x = rounds[record.kernel], record.m * record.n * _ITEM_BYTES[record.dtype]
    ways = [way for way in specs.SPECS if len(rounds.get(way, ())) == len(own)]
    limits = [roofline.seconds({way: rounds[way][launch] for way in ways}, bytes_of_x) for launch in range(len(own))]
    return [-share for share in roofline.fractions(limits, [median(launch) for launch in own])]
