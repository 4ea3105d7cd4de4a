"""Whether a results file can be shared: complete, not edited, trustworthy, and without personal data.

Pure, except `local_names`, which asks this machine for the names that must not be in a file.
"""

from __future__ import annotations

import getpass
import platform
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import exp, isclose, log
from pathlib import Path
from typing import Any

from bench.analysis import statistics
from bench.host import machine
from bench.host.sanitize import strip_paths
from bench.results import json_text
from bench.results.record import Results
from bench.runner import profiles
from bench.runner.settings import FEWEST_LAUNCHES
from bench.workloads import catalog
from kernels import names, registry

_NOBODY = frozenset({"root", "user", "admin", "ubuntu", "runner", "nobody", "localhost", "linux", "python", "numpy"})
"""User and host names that identify nobody."""
_FEWEST_LETTERS = 3
"""A shorter name occurs by chance in other text."""
_ROUNDING = {1: 1e-9, 2: 10.0 ** (1 - json_text.DIGITS), 3: 10.0 ** (1 - json_text.DIGITS)}
"""Schema → how far a time and what its rounds give may be apart, relative to the time. Rounding to d digits changes a
number by at most half a unit of the last one: 10^(1−d)/2 of a number that begins with 1. A quantile, the trimmed mean
of the logarithms and its exponential change by no more than the rounds did; and the time was rounded as well."""
_GRIDS = ("full", "learn", "peers", "network")
"""The profiles that have their own workloads instead of the default ones."""
_MACHINE_INFO = frozenset(
    {"node", "processor", "machine", "python_compiler", "python_implementation", "python_implementation_version",
     "python_version", "python_build", "release", "system", "cpu"}
)  # fmt: skip
_COMMIT_INFO = frozenset({"id", "time", "author_time", "dirty", "project"})


@dataclass(frozen=True)
class FileCheck:
    """The result of one check of a file."""

    check: str
    failure: str
    """What is wrong and what to do, in one line; empty if nothing is wrong."""


def check_file(
    name: str, document: dict[str, Any], results: Results, personal: Iterable[str] = ()
) -> list[FileCheck]:
    """The results of all checks, at least one for each.

    name: `<machine>/<run>.json`, its path under results/
    document: the whole JSON; results: its `logitbench` key
    personal: names that must not be in the file
    """
    checks = {
        "name": _name(name, results),
        "machine": _machine(results),
        "whole": _whole(results),
        "untouched": _untouched(results, _ROUNDING[document["logitbench"]["schema"]]),
        "commit": _commit(document, results),
        "public": _public(results),
        "trustworthy": _trustworthy(results),
        "nothing personal": _personal(document, [*personal]),
    }
    return [FileCheck(check, failure) for check, failures in checks.items() for failure in (list(failures) or [""])]


def local_names() -> list[str]:
    """The names of this host and its user, without those that identify nobody."""
    known = [platform.node(), platform.node().split(".")[0], Path.home().name]
    with suppress(OSError, KeyError):  # a user without a name
        known.append(getpass.getuser())
    return [name for name in dict.fromkeys(known) if len(name) >= _FEWEST_LETTERS and name.lower() not in _NOBODY]


def _name(name: str, results: Results) -> Iterator[str]:
    folder, _, file = name.rpartition("/")
    if folder != results.machine["id"]:
        yield f"it is in {folder or 'no folder'}; expected results/{results.machine['id']}/"
    if "-interrupted" in file:
        yield "the run was interrupted: finish it with pytest --benchmark --resume"
    elif not re.fullmatch(r"\d{8}T\d{6}Z-\w+(-dirty)?(-\d+)?\.json", file):
        yield f"its name is {file}; expected <UTC time>-<commit>.json, as the run wrote it"


def _machine(results: Results) -> Iterator[str]:
    identity = machine.short_id({"gpus": [], **results.machine["hardware"]})
    if identity != results.machine["id"]:
        yield f"its hardware has the id {identity}, but the file says {results.machine['id']}: it was edited"


def _whole(results: Results) -> Iterator[str]:
    timed = {record.workload for record in results.records if record.outcome == "ok" and record.seconds}
    if not timed:
        yield "it has no finished race: run make bench"
        return
    on_gpu = any(record.device == "gpu" for record in results.records)  # make gpu has workloads of its own
    profile = str(results.run.get("profile"))
    expected = profiles.PROFILES[profile].workloads if profile in _GRIDS else catalog.DEFAULT
    # a profile may have got workloads since: of another operation, or of the same data with other numbers
    known = (
        results.operations.keys() | {registry.DEFAULT_OPERATION}
        if profile not in _GRIDS
        else results.operations.keys()
    )
    expected = tuple(name for name in expected if "@" not in name and catalog.named(name).operation in known)
    if missing := [name for name in expected if name not in timed and not on_gpu]:
        how = f"pytest --benchmark --profile {profile}" if profile in _GRIDS else "make bench"
        yield f"nothing was timed on {', '.join(missing)}: run {how}, without --workloads"
    few = [race["workload"] for race in results.races if 0 < race["launches"] < FEWEST_LAUNCHES]
    if few:
        yield f"fewer than {FEWEST_LAUNCHES} launches on {', '.join(few)}: run with --launches {FEWEST_LAUNCHES}"
    with_ceilings = {record.workload for record in results.records if record.work and record.seconds}
    without = [
        race["workload"] for race in results.races if race["workload"] in with_ceilings and not race.get("ceilings")
    ]
    if without:
        yield f"the machine's ceilings were not measured on {', '.join(without)}: run without --no-ceilings"
    unfinished = [f"{r.kernel} on {r.workload}" for r in results.records if "the run ended before it" in r.reason]
    if unfinished:
        yield f"the run ended before {', '.join(unfinished)}: finish it with pytest --benchmark --resume"
    for record in results.records:
        if record.outcome not in ("ok", "skipped", "unavailable"):
            yield f"{record.kernel} on {record.workload}: {record.outcome}: {record.reason}"


def _untouched(results: Results, rounding: float) -> Iterator[str]:
    """Whether each time is the one that its rounds give."""
    value = statistics.value_of_launch(results.run.get("statistic"))
    values: dict[tuple[str, int, str], list[float]] = {}
    for race in results.races:
        for part in race["rounds"]:
            key = race["workload"], race["threads"], part["kernel"]
            values.setdefault(key, []).append(value(part["seconds"]))
    for record in results.records:
        if record.outcome == "ok" and record.seconds:
            launches = values.get((record.workload, record.threads, record.kernel))
            expected = exp(statistics.trimmed_mean([log(seconds) for seconds in launches])) if launches else 0.0
            if not isclose(record.seconds.estimate, expected, rel_tol=rounding):
                where = f"{record.kernel} on {record.workload}"
                yield f"{where}: its time does not follow from its rounds: the file was edited"


def _commit(document: dict[str, Any], results: Results) -> Iterator[str]:
    info = _part(document, "commit_info")
    commit = str(results.run.get("commit") or info.get("id") or "nogit")
    if commit in ("nogit", "unknown", "unversioned"):  # the last two are pytest-benchmark's
        yield "it does not say which commit was measured: run in a git clone"
    elif commit.endswith("-dirty") or info.get("dirty"):
        yield "the code that was measured was not committed: commit or stash the changes, and run again"


def _public(results: Results) -> Iterator[str]:
    """Whether others have the same kernels and data."""
    kernels = dict.fromkeys((record.operation, record.kernel) for record in results.records)
    known = {operation: names(operation) for operation in registry.OPERATIONS}
    if unknown := dict.fromkeys(kernel for operation, kernel in kernels if kernel not in known.get(operation, ())):
        yield f"{', '.join(unknown)}: nobody else has this kernel; run without it"
    for name in dict.fromkeys(record.workload for record in results.records):
        try:
            catalog.named(name)
        except ValueError:
            yield f"{name}: nobody else has these data; run without --data"


def _trustworthy(results: Results) -> Iterator[str]:
    for race in results.races:
        control = race.get("control")
        if control and not control["trustworthy"]:
            yield f"{race['workload']}: the control shows a difference: {'; '.join(control['causes'])}"
        elif not control and any(part["seconds"] for part in race["rounds"]):
            yield f"{race['workload']}: it has no control: run make bench again"


def _personal(document: dict[str, Any], personal: Sequence[str]) -> Iterator[str]:
    results = document["logitbench"]
    info, commit = _part(document, "machine_info"), _part(document, "commit_info")
    if info.get("node") != results["machine"]["id"]:
        yield "machine_info.node may be a host's name; expected the machine's id"
    if unknown := [*(info.keys() - _MACHINE_INFO), *(commit.keys() - _COMMIT_INFO)]:
        yield f"{', '.join(sorted(unknown))}: not expected in machine_info and commit_info; remove what is yours"
    if commit.get("project", "logitbench") != "logitbench":
        yield "commit_info.project may be a folder's name; expected logitbench"
    words = [re.compile(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", re.IGNORECASE) for name in personal]
    for path, text in _texts(document, ""):
        if strip_paths(text) != text:
            yield f"{path} names a folder: {text!r}; remove it"
        elif any(word.search(text) for word in words):
            yield f"{path} has the name of this host or its user: {text!r}; remove it"


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A section of the file that pytest-benchmark writes; empty if it is missing or not an object."""
    section = document.get(name)
    return section if isinstance(section, dict) else {}


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every string in a JSON value, keys included, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"a key of {path or 'the file'}", key
            yield from _texts(item, f"{path}.{key}".strip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
