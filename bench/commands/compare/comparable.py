"""Whether two runs can be compared, and what makes a comparison shaky. Pure: it works on results."""

from __future__ import annotations

from bench.results.run_file import listed, require_whole
from bench.results.store import Race, Run
from bench.workloads.digest import same_data

_CODE = ("numpy", "numba", "jax", "jaxlib", "scikit-learn", "torch")
"""The libraries whose versions change what a kernel is."""
_DATA = ("operation", "m", "n", "dtype", "order")


def require_times(run: Run) -> None:
    """Raise ValueError if there is no finished race."""
    require_whole(run.name, run.results)
    if not run.timed:
        raise ValueError(f"{run.name} has no finished race; expected a kernel that was timed")


def require_common(reference: Run, other: Run, common: object) -> None:
    """Raise ValueError, with what each has, unless there is something in common."""
    if not common:
        raise ValueError(
            f"nothing in common: {describe_run(reference)}; {describe_run(other)}; "
            "expected a kernel timed on a workload of both"
        )


def require_same_data(reference: Run, other: Run, before: Race, after: Race) -> None:
    """Raise ValueError if a workload of one name was other data."""
    where = f"{before['workload']} is other data in {reference.name} than in {other.name}"
    records = [list(run.of(race).values()) for run, race in ((reference, before), (other, after))]
    for key in _DATA:
        found = [{getattr(record, key) for record in part} for part in records]
        if all(found) and found[0] != found[1]:
            raise ValueError(f"{where}: {key} is {listed(found[0])} and {listed(found[1])}")
    one, two = before.get("data"), after.get("data")
    if one and two and not same_data(one, two):
        raise ValueError(f"{where}: its digests are {listed(one.values())} and {listed(two.values())}")


def warnings(reference: Run, other: Run) -> list[str]:
    """What makes the whole comparison shaky."""
    first, second = reference.results, other.results
    lines = []
    if (reference.machine, first.run["began"]) == (other.machine, second.run["began"]):
        lines.append(f"{reference.name} and {other.name} are the same run: no drift is between them")
    versions = [results.machine["software"].get("libraries", {}) for results in (first, second)]
    if changed := [name for name in _CODE if versions[0].get(name) != versions[1].get(name)]:
        lines.append(f"other versions of {', '.join(changed)}: kernels may be other code")
    commits = [results.run.get("commit") for results in (first, second)]
    unnamed = [run.name for run, commit in zip((reference, other), commits, strict=True) if not commit]
    if unnamed:
        lines.append(f"{' and '.join(unnamed)}: of which commit is not said: kernels may be other code")
    elif commits[0] != commits[1]:
        lines.append(f"other commits, {commits[0]} and {commits[1]}: kernels may be other code")
    elif str(commits[0]).endswith("-dirty"):
        lines.append(f"{commits[0]}: changes were not committed: kernels may be other code")
    return lines


def race_warnings(reference: Run, other: Run, before: Race, after: Race) -> list[str]:
    """What makes a workload's part of it shaky."""
    name = before["workload"]
    lines = [
        f"{name}: NOT TRUSTWORTHY in {run.name}: its control shows a difference"
        for run, race in ((reference, before), (other, after))
        if race.get("control") and not race["control"]["trustworthy"]
    ]
    if min(before["launches"], after["launches"]) == 1:
        lines.append(f"{name}: of one launch, so nothing can be shown: use --launches 20")
    return lines


def only_in_one(reference: Run, other: Run, before: Race, after: Race) -> list[str]:
    """A line for what was timed in a workload's race in one run, and failed, or could not run, in the other."""
    lines = []
    for run, race, without, there in ((reference, before, other, after), (other, after, reference, before)):
        key = there["workload"], there["threads"]
        failed = [r for r in without.results.records if (r.workload, r.threads) == key and not r.seconds]
        for missing in failed:
            if missing.kernel in run.of(race):
                why = f": {missing.reason}" if missing.reason else ""
                lines.append(f"{missing.kernel} on {missing.workload}: in {without.name} {missing.outcome}{why}")
    return lines


def describe_run(run: Run) -> str:
    """`A timed numpy, jax on lecture, flights`."""
    kernels, workloads = (
        dict.fromkeys(getattr(record, key) for record in run.timed) for key in ("kernel", "workload")
    )
    return f"{run.name} timed {listed(kernels)} on {listed(workloads)}"
