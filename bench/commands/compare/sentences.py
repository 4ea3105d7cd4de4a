"""A comparison in sentences: which is faster, at what and by how much; and how far that can be trusted.

Pure: the terminal, Markdown and the page show the same sentences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import ascii_uppercase

from bench.analysis import statistics
from bench.commands.compare.compare import Cell, Comparison
from bench.commands.compare.drift import Change
from bench.report.formatting import counted, format_interval, format_ratio, format_significant
from bench.report.rows import format_memory
from bench.results.record import Ratio
from bench.results.store import Run

SHOWN = ("faster", "slower")
"""The verdicts that show a difference."""
_NOTHING_SHOWN = 100.0
"""If only a slowdown of 100× or more could be shown, the text says `nothing` instead of a number."""
_MOST_NAMED = 3


def run_labels(runs: Sequence[Run]) -> tuple[str, ...]:
    """A, B, ...: the names of the runs in columns. Raises ValueError for more runs than letters."""
    if len(runs) > len(ascii_uppercase):
        raise ValueError(f"{len(runs)} runs; expected at most {len(ascii_uppercase)}")
    return tuple(ascii_uppercase[: len(runs)])


def legend(runs: Sequence[Run]) -> list[str]:
    """One line for each run: its label, machine, processor and name."""
    return [
        f"{label}  {run.machine} ({run.results.machine['hardware'].get('cpu') or 'unknown CPU'}), {run.name}"
        f"{', the reference' if run is runs[0] else ''}"
        for label, run in zip(run_labels(runs), runs, strict=True)
    ]


def sentences(comparison: Comparison, label: str) -> list[str]:
    """Which is faster; at what, by the ceilings; the cell that differs most; on one machine, how equal the cells are.

    label: the other run's letter; the reference is A
    """
    lines = [_mean(comparison, label), _ceilings(comparison, label), _most_different(comparison, label)]
    if comparison.one_machine:
        lines.append(_equivalence(comparison))
    elif comparison.normalised_mean:
        lines.append(_shares(comparison.normalised_mean, label))
    return [line for line in lines if line]


def _mean(comparison: Comparison, label: str) -> str:
    mean = comparison.mean
    names = _names(comparison, label)
    if mean is None:
        return f"No kernel got, in {names[0]} and in {names[1]}, to where its operation asks it to."
    of_cells = f"geometric mean of {_cells(len(comparison.compared))}, a cell being a kernel on a workload"
    if mean.low is None or mean.high is None:
        return (
            f"{names[1]} is {format_change(mean)} times as fast as {names[0]}, without an interval since one launch "
            f"has none ({of_cells})."
        )
    if mean.verdict in SHOWN:
        faster, slower = (names[1], names[0]) if mean.verdict == "faster" else names
        ratio = mean if mean.verdict == "faster" else _inverse(mean)
        return f"{faster} is faster than {slower}: {format_change(ratio)} times as fast ({of_cells}; 95% interval)."
    why = "which contains 1" if mean.low <= 1 <= mean.high else f"which is less than {statistics.SMALLEST_EFFECT:.0%}"
    return (
        f"No difference is shown between {names[0]} and {names[1]}: {label} is {format_change(mean)} times as fast, "
        f"{why} ({of_cells}; 95% interval)."
    )


def _names(comparison: Comparison, label: str) -> tuple[str, str]:
    """`A (machine)` and `B (machine)`; on one machine, the names of the runs."""
    runs = comparison.reference, comparison.other
    first, second = (run.name if comparison.one_machine else run.machine for run in runs)
    return f"A ({first})", f"{label} ({second})"


def _ceilings(comparison: Comparison, label: str) -> str:
    if not comparison.ceilings:
        return "The ceilings cannot be compared: no race that both runs have measured them in both."
    faster: dict[str, list[str]] = {label: [], "A": []}
    unclear = []
    for ceiling in comparison.ceilings:
        if ceiling.change.verdict == "faster":
            faster[label].append(f"{ceiling.name} ({format_change(ceiling.change)})")
        elif ceiling.change.verdict == "slower":
            faster["A"].append(f"{ceiling.name} ({format_change(_inverse(ceiling.change))})")
        else:
            unclear.append(ceiling.name)
    parts = [f"{name} is faster at {', '.join(texts)}" for name, texts in faster.items() if texts]
    if unclear:
        others = f"{'the other' if parts else 'any of'} {len(unclear)}"
        named = ", ".join(unclear) if len(unclear) <= _MOST_NAMED else others
        parts.append(f"no difference is shown at {named}")
    return f"Ceilings: {'; '.join(parts)}."


def _most_different(comparison: Comparison, label: str) -> str:
    if comparison.most_different is None:
        return ""
    where, cell = comparison.most_different
    faster, ratio = (label, cell.times) if cell.times.estimate >= 1 else ("A", _inverse(cell.times))
    relative = ", relative to the pace of its kernels" if comparison.one_machine else ""
    shares = f"; {share(cell, 0)} of its ceiling in A, {share(cell, 1)} in {label}" if cell.shares else ""
    unclear = "" if cell.times.verdict in SHOWN else "; no difference is shown"
    return (
        f"The cell that differs most is {cell.kernel} on {where}: {faster} is {format_change(ratio)} times as fast"
        f"{relative}{shares}{unclear}."
    )


def _equivalence(comparison: Comparison) -> str:
    """Whether any cell differs, and within what all of them are equal: both at 95% for all cells together."""
    if not comparison.compared:
        return ""
    total, within = len(comparison.compared), comparison.all_within
    if within is None:
        return "No cell has an interval, since a run has one launch."
    differing = comparison.differing
    size = f"all {_cells(total)}" if total > 1 else "the only cell"
    bound = f"{size} within ±{within:.0%}" if within < _NOTHING_SHOWN else "nothing is known of how equal they are"
    if not differing:
        return f"No cell is shown to differ; {bound} (simultaneous 95%)."
    names = [f"{cell.kernel} on {where}" for where, cell in differing[:_MOST_NAMED]]
    if len(differing) > _MOST_NAMED:
        names.append(f"{len(differing) - _MOST_NAMED} more")
    return f"{len(differing)} of {_cells(total)} differ (Holm, 5% for all together): {', '.join(names)}; {bound}."


def _shares(mean: Change, label: str) -> str:
    return (
        f"Relative to its own machine's ceilings, a kernel on {label} is {format_change(mean)} times as near as on A "
        f"(geometric mean{'; 95% interval' if mean.low is not None else ''})."
    )


def _cells(count: int) -> str:
    return counted(count, "cell")


def _inverse(change: Change) -> Change:
    low, high = (None if bound is None else 1 / bound for bound in (change.high, change.low))
    return Change(1 / change.estimate, low, high, change.verdict, change.smallest, change.error, change.degrees)


def share(cell: Cell, run: int) -> str:
    """`23%`: of the ceiling; `-` if it is not known."""
    return f"{format_significant(100 * cell.shares[run], 2)}%" if cell.shares else "-"


def format_change(change: Change) -> str:
    """`1.20 [1.12, 1.29]`; only the number if there is no interval."""
    if change.low is None or change.high is None:
        return format_ratio(change.estimate)
    return format_interval(Ratio(change.estimate, change.low, change.high, ""))


def warnings(comparison: Comparison) -> list[str]:
    """The comparison's warnings and those of its workloads."""
    return [*comparison.warnings, *(line for pair in comparison.pairs for line in pair.warnings)]


def closing_lines(comparison: Comparison, other: str) -> list[str]:
    """The counts of the verdicts, and the smallest slowdown that would be shown."""
    counts = Counter(cell.times.verdict for _, cell in comparison.cells)
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (*SHOWN, statistics.verdict(None)))
    lines = [f"{other} over A, times: {verdicts}"]
    if (smallest := comparison.smallest) is not None:
        size = "nothing" if smallest >= _NOTHING_SHOWN else f"a kernel slower by {smallest:.0%}"
        lines.append(f"these two runs would show {size} in 9 of 10 cases (the median kernel and workload)")
    if not any(cell.normalised for _, cell in comparison.cells):
        lines.append("not normalised: a run has no ceilings of its machine")
    return lines + memory_lines(comparison, other)


def memory_lines(comparison: Comparison, other: str) -> list[str]:
    """Where the memory that a kernel needs differs by a tenth of X or more, and how often it is the same."""
    known = [(name, cell.kernel, *map(format_memory, cell.memory)) for name, cell in comparison.cells]
    known = [cell for cell in known if "-" not in cell[2:]]
    differing = [f"{kernel} on {name} {one} and {two}" for name, kernel, one, two in known if one != two]
    same = len(known) - len(differing)
    if not known:
        return []
    if not differing:
        return [f"memory: the same in {counted(same, 'cell')} with X of 10 MB or more"]
    return [f"memory in A and {other}: {', '.join(differing)}" + (f"; the same in {same}" if same else "")]
