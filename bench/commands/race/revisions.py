"""python -m bench race REV: the working tree's kernels against those of a commit, in one race.

Both versions are timed side by side, on the same data and cores, in the same rounds, so that a machine that is
slow today, or a neighbour that is busy now, slows both. That is why this comparison holds on a shared machine,
where two runs at different times do not compare.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from bench.analysis import statistics
from bench.analysis.race import Race
from bench.analysis.statistics import SMALLEST_EFFECT
from bench.commands.race import source_trees, versioned_kernel
from bench.commands.race.result import Comparison, before, judge, logs
from bench.commands.race.source_trees import Revision
from bench.host import resources
from bench.host.checkout import CHECKOUT, temporary
from bench.results.samples import Candidate, LaunchResult
from bench.runner.selection import choose_kernels, choose_workloads
from bench.runner.session import Session
from bench.runner.settings import FEWEST_LAUNCHES, LAUNCH_SECONDS, TIMEOUT_SECONDS, Settings
from kernels import registry

PERCENT = 100 * SMALLEST_EFFECT
MINUTES = 10.0
WORKLOADS = "10000x32-f64,1000000x32-f32"
"""In the cache, and in memory; each more makes all intervals wider, since more must hold together."""
_ENOUGH_LAUNCHES = 8
"""Before a race ends because it knows enough: fewer may agree by chance."""
_MOST_LAUNCHES = 100


@dataclass(frozen=True)
class Options:
    """What the command asks for."""

    revision: str
    kernels: str | None = None
    workloads: str | None = None
    threads: int = 1
    minutes: float = MINUTES
    launches: int | None = None
    percent: float = PERCENT
    checkout: Path | None = None
    """Whose kernels; None: this one."""

    def __post_init__(self) -> None:
        most = resources.usable_cores()
        if not 1 <= self.threads <= most:
            raise ValueError(f"--threads is {self.threads}; expected 1 to {most}")
        if not (isfinite(self.minutes) and self.minutes > 0):
            raise ValueError(f"--minutes is {self.minutes:g}; expected more than 0")
        if self.launches is not None and self.launches < 2:
            raise ValueError(f"--launches is {self.launches}; expected 2 or more: one has no interval")
        if not (isfinite(self.percent) and self.percent >= 0):
            raise ValueError(f"--fail-if-slower is {self.percent:g}; expected a percentage, 0 or more")


@dataclass(frozen=True)
class Chosen:
    """What races, and why."""

    kernels: tuple[str, ...]
    requested: bool
    reasons: tuple[str, ...]
    """A line each."""


def _both_versions(kernel: str, commit: Revision) -> list[Candidate]:
    """The kernel of the working tree and that of the commit, whose rounds have the same number of calls."""
    old = before(kernel, commit)
    return [
        Candidate(versioned_kernel.spec(version, kernel), requested=True, label=label, same_iterations_as=other)
        for version, label, other in ((versioned_kernel.NEW, kernel, old), (versioned_kernel.OLD, old, kernel))
    ]


def run(
    wanted: Options, say: Callable[[str], None], tick: Callable[[str, float], None] = lambda _doing, _share: None
) -> Comparison:
    """Race the two versions. An interruption ends it with what has been measured.

    say: called with each line of what was chosen, before anything is timed.

    Raises ValueError, in one line, for what cannot be raced.
    """
    commit = source_trees.resolve(wanted.revision, wanted.checkout or CHECKOUT)
    workloads = {one.name: one for one in choose_workloads(wanted.workloads or WORKLOADS)}
    with temporary("versions") as folder, _announced(folder):
        chosen = choose(commit, *source_trees.extract_trees(commit, folder), wanted.kernels)
        for line in chosen.reasons:
            say(line)
        choose_workloads(",".join(workloads), kernels=2 * len(chosen.kernels))  # whether they fit into memory
        cells = [
            (workload, kernel)
            for workload in workloads
            for kernel in chosen.kernels
            if chosen.requested or kernel not in workloads[workload].left_out
        ]
        confidence = statistics.bonferroni_confidence(len(cells))

        def enough(race: Race) -> bool:
            """A slowdown of twice what is allowed is then found nearly always."""
            known = max(wanted.percent / 100, SMALLEST_EFFECT) / 2
            pairs = [logs(race, kernel, before(kernel, commit)) for kernel in chosen.kernels]
            widths = [statistics.half_width(pair, confidence) for pair in pairs if pair]
            return len(race.blocks) > _ENOUGH_LAUNCHES and all(half <= known for half in widths)

        candidates = [one for kernel in chosen.kernels for one in _both_versions(kernel, commit)]
        launches = None if wanted.launches is None else 1 + wanted.launches
        settings = Settings(
            seconds=(launches or _MOST_LAUNCHES) * LAUNCH_SECONDS,
            launches=launches,
            threads=(wanted.threads,),
            timeout=TIMEOUT_SECONDS,
        )
        session = Session(candidates, list(workloads.values()), settings, enough=enough)
        both = [(workload, label) for workload, kernel in cells for label in (kernel, before(kernel, commit))]
        session.choose(both, baselines=False)
        interrupted = False
        try:
            session.run(tick, _spent(60 * wanted.minutes, session) if wanted.launches is None else _never)
        except KeyboardInterrupt:
            if not session.races:
                raise
            interrupted = True
    return judge(session.races, chosen.kernels, commit, wanted.percent, len(cells), interrupted)


def choose(commit: Revision, old: Path, new: Path, listed: str | None) -> Chosen:
    """Those that are listed; else those whose sources differ; else all that run on the CPU.

    old, new: the folders `kernels` of the two versions. Raises ValueError where there is none to race.
    """
    here = source_trees.table(new)
    try:
        there = source_trees.table(old)
    except ValueError as error:
        raise ValueError(f"{commit}: {error}") from None
    if listed is not None:
        wanted = [candidate.spec for candidate in choose_kernels(listed)]
        if brought := next((name for name in wanted if name not in here), None):
            raise ValueError(f"{brought} is in no commit; race compares kernels that have a name: {', '.join(here)}")
    else:
        on_request = registry.ON_REQUEST
        wanted = [name for name in here if name not in on_request and not name.endswith("-gpu")]
    both = [name for name in wanted if name in there]
    absent = [f"skipped: {name}: not in {commit}" for name in wanted if name not in there]
    differ = source_trees.changed(old, new, {name: here[name] for name in both})
    differ |= {name: ["its entry in kernels/registry.py"] for name in both if here[name] != there[name]}
    if not both:
        raise ValueError(f"none of {', '.join(wanted)} is in {commit}: there is nothing to race against")
    if listed is None and differ:
        lines = [f"{name}: {', '.join(files)}" for name, files in differ.items()]
        return Chosen(tuple(differ), False, (f"chosen, since they differ from {commit}:", *lines, *absent))
    why = "as listed" if listed is not None else f"none differs from {commit}, so all that run on the CPU"
    same = [name for name in both if name not in differ] if listed is not None else []
    unchanged = [f"the same in {commit} and here: {', '.join(same)}"] if same else []
    return Chosen(tuple(both), listed is not None, (f"{why}: {', '.join(both)}", *unchanged, *absent))


def _spent(seconds: float, session: Session) -> Callable[[LaunchResult], bool]:
    """Whether the time is over, and every workload has had the fewest launches."""
    end = time.monotonic() + seconds

    def stop(_block: LaunchResult) -> bool:
        launched: Mapping[str, int] = {race.workload.name: len(race.blocks) for race in session.races}
        return time.monotonic() > end and all(launched.get(name, 0) > FEWEST_LAUNCHES for name in session.plan)

    return stop


def _never(_block: LaunchResult) -> bool:
    return False


@contextmanager
def _announced(folder: Path) -> Iterator[None]:
    """Workers find the versions by their environment."""
    os.environ[versioned_kernel.VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[versioned_kernel.VARIABLE]
