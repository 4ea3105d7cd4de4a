"""python -m bench race REV: the working tree's kernels against those of a commit, in one race.

Both versions are timed side by side, on the same data and cores, in the same rounds. Whatever slows the machine slows
both versions, so this comparison is valid on a shared machine, where two runs at different times cannot be compared.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.analysis import statistics
from bench.analysis.race import Race
from bench.analysis.statistics import SMALLEST_EFFECT
from bench.commands.race import source_changes, source_trees, versioned_kernel
from bench.commands.race.result import Comparison, counted_log_ratios, judge, name_at
from bench.commands.race.source_trees import Revision
from bench.host.checkout import CHECKOUT, temporary_folder
from bench.results.samples import Candidate, LaunchResult
from bench.runner.selection import choose_kernels, choose_workloads, operations_of
from bench.runner.session import Session
from bench.runner.settings import FEWEST_LAUNCHES, LAUNCH_SECONDS, TIMEOUT_SECONDS, Settings
from kernels import registry

PERCENT = 100 * SMALLEST_EFFECT
MINUTES = 10.0
WORKLOADS = "10000x32-f64,1000000x32-f32"
"""One in cache and one in memory. Each further workload widens all intervals, since more must hold together."""
_ENOUGH_LAUNCHES = 8
"""A race with narrow intervals ends only after this many launches: fewer may agree by chance."""
_MOST_LAUNCHES = 100


@dataclass(frozen=True)
class Options:
    """The options of the command."""

    revision: str
    kernels: str | None = None
    workloads: str | None = None
    threads: int = 1
    minutes: float = MINUTES
    launches: int | None = None
    percent: float = PERCENT
    checkout: Path | None = None
    """The checkout whose kernels race; None: this one."""


@dataclass(frozen=True)
class Selection:
    """The kernels that race, and why."""

    kernels: tuple[str, ...]
    requested: bool
    reasons: tuple[str, ...]
    """Lines for the user."""


def _both_versions(operation: str, kernel: str, commit: Revision) -> list[Candidate]:
    """The kernel's versions in the working tree and at the commit, with the same number of iterations per round."""
    old = name_at(kernel, commit)
    return [
        Candidate(versioned_kernel.spec(version, operation, kernel), True, True, label, other, operation)
        for version, label, other in ((versioned_kernel.NEW, kernel, old), (versioned_kernel.OLD, old, kernel))
    ]


def run(
    options: Options, say: Callable[[str], None], tick: Callable[[str, float], None] = lambda _doing, _share: None
) -> Comparison:
    """Race the two versions. After an interruption, the result has what was measured until then.

    say: called with each line about the selection, before anything is timed.

    Raises ValueError, in one line, for what cannot be raced.
    """
    commit = source_trees.resolve(options.revision, options.checkout or CHECKOUT)
    workloads = {workload.name: workload for workload in choose_workloads(options.workloads or WORKLOADS)}
    operation, *others = operations_of(list(workloads.values()))
    if others:
        raise ValueError(
            f"race takes workloads of one operation; these are of {' and '.join([operation, *others])}: make a race "
            "for each"
        )
    with temporary_folder("versions") as folder, _versions_in_environment(folder):
        selection = choose(commit, *source_trees.extract_trees(commit, folder), operation, options.kernels)
        for line in selection.reasons:
            say(line)
        choose_workloads(",".join(workloads), kernels=2 * len(selection.kernels))  # raises if memory is too small
        cells = [
            (workload, kernel)
            for workload in workloads
            for kernel in selection.kernels
            if selection.requested or kernel not in workloads[workload].skip_reasons
        ]
        confidence = statistics.bonferroni_confidence(len(cells))

        def enough(race: Race) -> bool:
            """Whether a slowdown of twice the allowed percentage would almost always be shown."""
            half_width = max(options.percent / 100, SMALLEST_EFFECT) / 2
            by_kernel = [counted_log_ratios(race, kernel, name_at(kernel, commit)) for kernel in selection.kernels]
            half_widths = [statistics.half_width(logs, confidence) for logs in by_kernel if logs]
            return len(race.launch_results) > _ENOUGH_LAUNCHES and all(half <= half_width for half in half_widths)

        versions = [_both_versions(operation, kernel, commit) for kernel in selection.kernels]
        launches = None if options.launches is None else 1 + options.launches  # the first is not counted
        settings = Settings(
            seconds=(launches or _MOST_LAUNCHES) * LAUNCH_SECONDS,
            launches=launches,
            threads=(options.threads,),
            timeout=TIMEOUT_SECONDS,
        )
        session = Session([*chain(*versions)], list(workloads.values()), settings, enough=enough)
        both = [(workload, name) for workload, kernel in cells for name in (kernel, name_at(kernel, commit))]
        session.choose(both, baselines=False)
        interrupted = False
        try:
            session.run(tick, _time_is_up(60 * options.minutes, session) if options.launches is None else _never)
        except KeyboardInterrupt:
            if not session.races:
                raise
            interrupted = True
    return judge(session.races, selection.kernels, commit, options.percent, len(cells), interrupted)


def choose(commit: Revision, old: Path, new: Path, operation: str, listed: str | None) -> Selection:
    """The listed kernels of the operation; else those whose sources differ; else all CPU kernels.

    old, new: the folders `kernels` of the two versions. Raises ValueError if no kernel can race.
    """
    new_table = source_trees.table(new, operation)
    try:
        old_table = source_trees.table(old, operation)
    except ValueError as error:
        raise ValueError(f"{commit}: {error}") from None
    if listed is not None:
        requested = [candidate.spec for candidate in choose_kernels(listed, operations=[operation])]
        if unnamed := next((name for name in requested if name not in new_table), None):
            raise ValueError(
                f"{unnamed} is in no commit; race compares only kernels that have a name: {', '.join(new_table)}"
            )
    else:
        on_request = registry.ON_REQUEST
        requested = [name for name in new_table if name not in on_request and not name.endswith("-gpu")]
    both = [name for name in requested if name in old_table]
    absent = [f"skipped: {name}: not in {commit}" for name in requested if name not in old_table]
    if not both:
        raise ValueError(f"none of {', '.join(requested)} is in {commit}: there is nothing to race against")
    differing = source_changes.changed(old, new, old_table, {name: new_table[name] for name in both})
    if listed is None and differing:
        lines = [f"{name}: {', '.join(files)}" for name, files in differing.items()]
        return Selection(tuple(differing), False, (f"chosen because they differ from {commit}:", *lines, *absent))
    reason = "as listed" if listed is not None else f"none differs from {commit}, so all CPU kernels"
    same = [name for name in both if name not in differing] if listed is not None else []
    unchanged = [f"the same in {commit} and here: {', '.join(same)}"] if same else []
    return Selection(tuple(both), listed is not None, (f"{reason}: {', '.join(both)}", *unchanged, *absent))


def _time_is_up(seconds: float, session: Session) -> Callable[[LaunchResult], bool]:
    """Whether the time is over and every workload has had the fewest launches."""
    end = time.monotonic() + seconds

    def stop(_launch_result: LaunchResult) -> bool:
        launched: Mapping[str, int] = {race.workload.name: len(race.launch_results) for race in session.races}
        return time.monotonic() > end and all(launched.get(name, 0) > FEWEST_LAUNCHES for name in session.plan)

    return stop


def _never(_launch_result: LaunchResult) -> bool:
    return False


@contextmanager
def _versions_in_environment(folder: Path) -> Iterator[None]:
    """Set the environment variable from which workers know the versions' folder."""
    os.environ[versioned_kernel.VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[versioned_kernel.VARIABLE]
