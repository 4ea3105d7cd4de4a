"""Whether two runs can be compared, and what makes a comparison less reliable. Pure: it works on results."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

from bench.results.run_file import listed, require_whole
from bench.results.store import Race, Run
from bench.workloads.digest import same_data

_CODE = ("numpy", "numba", "jax", "jaxlib", "scikit-learn", "torch")
"""The libraries whose versions change a kernel's code."""
_DATA = ("operation", "m", "n", "dtype", "order")
_OPTION_ROUNDING = 1e-9
"""Relative. An option whose default follows from the data, such as a learning rate, is a float64 computed by other
libraries on another processor; what a user chooses differs by more."""


def require_times(run: Run) -> None:
    """Raise ValueError if the run has no finished race."""
    require_whole(run.name, run.results)
    if not run.timed:
        raise ValueError(f"{run.name} has no finished race; expected a kernel that was timed")


def require_common(reference: Run, other: Run, common: object) -> None:
    """Raise ValueError, with what each run timed, if `common` is empty."""
    if not common:
        raise ValueError(
            f"nothing in common: {describe_run(reference)}; {describe_run(other)}; "
            "expected a kernel timed on a workload of both"
        )


def require_same_data(reference: Run, other: Run, before: Race, after: Race) -> None:
    """Raise ValueError if the workload has different data, or its operation different options, in the two runs."""
    conflict = f"{before['workload']} has different data in {reference.name} and in {other.name}"
    records = [list(run.of(race).values()) for run, race in ((reference, before), (other, after))]
    for key in _DATA:
        values = [{getattr(record, key) for record in part} for part in records]
        if all(values) and values[0] != values[1]:
            raise ValueError(f"{conflict}: {key} is {listed(values[0])} and {listed(values[1])}")
    first, second = before.get("data"), after.get("data")
    if first and second and not same_data(first, second):
        raise ValueError(f"{conflict}: the digests are {listed(first.values())} and {listed(second.values())}")
    for name, (one, two) in _options_of_both(reference, other, before, after).items():
        if not isclose(one, two, rel_tol=_OPTION_ROUNDING):
            raise ValueError(
                f"{before['workload']} has different options in {reference.name} and in {other.name}: "
                f"{name} is {one:.10g} and {two:.10g}"
            )


def _options_of_both(reference: Run, other: Run, before: Race, after: Race) -> dict[str, tuple[float, float]]:
    """Option → its number in each run, for those that both races have. Other details follow from the data."""
    first, second = before.get("details") or {}, after.get("details") or {}
    described = [
        run.results.operations.get(race["operation"], {}) for run, race in ((reference, before), (other, after))
    ]
    options = {name for operation in described for name in operation.get("options", ())}
    return {name: (first[name], second[name]) for name in first if name in options and name in second}


def warnings(reference: Run, other: Run) -> list[str]:
    """What makes the whole comparison less reliable."""
    first, second = reference.results, other.results
    lines = []
    if (reference.machine, first.run["began"]) == (other.machine, second.run["began"]):
        lines.append(f"{reference.name} and {other.name} are the same run: there is no drift between them")
    versions = [results.machine["software"].get("libraries", {}) for results in (first, second)]
    if changed := [name for name in _CODE if versions[0].get(name) != versions[1].get(name)]:
        lines.append(f"different versions of {', '.join(changed)}: the kernels' code may differ")
    commits = [results.run.get("commit") for results in (first, second)]
    unnamed = [run.name for run, commit in zip((reference, other), commits, strict=True) if not commit]
    if unnamed:
        lines.append(f"{' and '.join(unnamed)}: the commit is not known: the kernels' code may differ")
    elif commits[0] != commits[1]:
        lines.append(f"different commits, {commits[0]} and {commits[1]}: the kernels' code may differ")
    elif str(commits[0]).endswith("-dirty"):
        lines.append(f"{commits[0]}: uncommitted changes: the kernels' code may differ")
    return lines


def race_warnings(reference: Run, other: Run, before: Race, after: Race, kernels: Sequence[str]) -> list[str]:
    """What makes the comparison of one workload less reliable. kernels: those that are compared"""
    name = before["workload"]
    lines = [
        f"{name}: NOT TRUSTWORTHY in {run.name}: its control shows a difference"
        for run, race in ((reference, before), (other, after))
        if race.get("control") and not race["control"]["trustworthy"]
    ]
    lines += [
        f"{kernel} on {name}: not reached in {run.name}: only its times are compared"
        for run, race in ((reference, before), (other, after))
        for kernel in kernels
        if not run.of(race)[kernel].reached
    ]
    if min(before["launches"], after["launches"]) == 1:
        lines.append(f"{name}: a run with one launch shows no difference: use --launches 20")
    return lines


def only_in_one(reference: Run, other: Run, before: Race, after: Race) -> list[str]:
    """A line for each kernel of a workload that was timed in one run, and not in the other."""
    lines = []
    for run, race, other_run, other_race in ((reference, before, other, after), (other, after, reference, before)):
        key = other_race["workload"], other_race["threads"]
        for record in other_run.results.records:
            if (record.workload, record.threads) == key and not record.seconds and record.kernel in run.of(race):
                reason = f": {record.reason}" if record.reason else ""
                lines.append(f"{record.kernel} on {record.workload}: in {other_run.name} {record.outcome}{reason}")
    return lines


def describe_run(run: Run) -> str:
    """`A timed numpy, jax on lecture, flights`."""
    kernels, workloads = (
        dict.fromkeys(getattr(record, key) for record in run.timed) for key in ("kernel", "workload")
    )
    return f"{run.name} timed {listed(kernels)} on {listed(workloads)}"
