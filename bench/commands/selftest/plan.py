"""Which races the self-test makes, in which order, and how long the rest takes. Pure: no clock, no files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import count, product
from statistics import fmean

from bench.report.formatting import clock, counted
from bench.results.samples import Candidate
from bench.runner import estimate, settings as run_settings
from bench.runner.settings import Settings
from bench.workloads import catalog

KERNELS = ("numpy", "numba")
SIZES = ("1000x32", "50000x32", "400000x64")
_LARGE_EVERY = 4
"""One cycle in so many has the largest size: it takes most of the time."""
LAUNCHES, LAUNCH_SECONDS = 24, 0.12
"""At most: as in every run, a race ends when its ratios are known to ±2%, but not before the fifth launch."""
_USUAL_LAUNCHES = 9
"""Of a session. It goes on until its widest interval is narrow enough."""
WORK_SECONDS, PLAIN_SECONDS, CHEATERS_SECONDS = 14.0, 12.0, 60.0
"""About, for one measurement of the work that slows a kernel, one comparison by plain pytest-benchmark, and all
cheaters."""


@dataclass(frozen=True)
class Options:
    """What the user chose."""

    threads: tuple[int, ...]
    """Numbers of threads."""
    races: int | None = None
    """How many races in all; None: as many as fit into the minutes."""
    minutes: float = 35.0
    """Without a number of races: how long to race. Each kind of race is made once at least."""

    @property
    def cells(self) -> list[tuple[int, str, str]]:
        """Numbers of threads, kernels and sizes."""
        return list(product(self.threads, KERNELS, SIZES))


@dataclass(frozen=True)
class PlannedRaces:
    """The races of one session: of one kernel against itself, a race for each size, in the same launches."""

    number: int
    """From 0."""
    cycle: int
    kernel: str
    threads: int
    neighbour: bool
    sizes: tuple[str, ...]

    @property
    def kind(self) -> PlannedRaces:
        """The same for all sessions that take about the same time."""
        return replace(self, number=0, cycle=0)

    @property
    def candidates(self) -> list[Candidate]:
        """The kernel, the kernel again, and the slowed kernel."""
        return [
            Candidate(self.kernel, requested=True),
            Candidate(self.kernel, requested=True, label=self.again),
            Candidate(
                f"bench.commands.selftest.slowed:{self.kernel.replace('-', '_')}", requested=True, label=self.slow
            ),
        ]

    @property
    def again(self) -> str:
        """The name in results of the kernel against itself."""
        return f"{self.kernel} again"

    @property
    def slow(self) -> str:
        """The name in results of the slowed kernel."""
        return f"{self.kernel} slowed"

    @property
    def settings(self) -> Settings:
        """Of the session."""
        return Settings(LAUNCHES * LAUNCH_SECONDS, threads=(self.threads,), launch_seconds=LAUNCH_SECONDS)

    def __str__(self) -> str:
        """`numpy against itself, 2 threads, beside a noisy neighbour`."""
        beside = ", beside a noisy neighbour" if self.neighbour else ""
        return f"{self.kernel} against itself, {counted(self.threads, 'thread')}{beside}"


def planned(options: Options) -> Iterator[PlannedRaces]:
    """The sessions in order, without end where the minutes decide. A cycle has one session of each kind."""
    left, number = options.races, 0
    for cycle in count():
        sizes = SIZES if cycle % _LARGE_EVERY == 0 else SIZES[:-1]
        for neighbour, threads, kernel in product((False, True), options.threads, KERNELS):
            session = PlannedRaces(number, cycle, kernel, threads, neighbour, sizes[:left])
            yield session
            number += 1
            if left is not None and not (left := left - len(session.sizes)):
                return


def seconds_left(rest: Iterable[PlannedRaces], measured: Iterable[tuple[PlannedRaces, float]]) -> float:
    """How long the rest takes: as long as its kind did, or else as estimated, corrected by how long others did.

    rest: the sessions that are left; measured: those that are finished, and their seconds
    """
    seconds: defaultdict[PlannedRaces, list[float]] = defaultdict(list)
    for session, taken in measured:
        seconds[session.kind].append(taken)
    estimated = sum(len(taken) * _estimated(kind) for kind, taken in seconds.items())
    factor = sum(map(sum, seconds.values())) / estimated if estimated else 1.0
    return sum(
        fmean(seconds[session.kind]) if session.kind in seconds else factor * _estimated(session.kind)
        for session in rest
    )


@cache
def _estimated(kind: PlannedRaces) -> float:
    workloads = {size.name: size for size in map(catalog.named, kind.sizes)}
    racing = [replace(candidate, spec=kind.kernel) for candidate in kind.candidates]  # a slowed one costs as much
    settings = replace(kind.settings, seconds=_USUAL_LAUNCHES * LAUNCH_SECONDS)
    launches = run_settings.planned_launches(list(workloads.values()), settings)
    return estimate.run_seconds(dict.fromkeys(workloads, racing), workloads, settings, launches)


def about(seconds: float) -> str:
    """`about 2 h 10 min`, `about 40 min`, `about 30 s`."""
    if 60 <= round(seconds) < 3600:
        return f"about {round(seconds / 60)} min"
    return f"about {clock(seconds)}"


def progress(options: Options, done: int, left: float, doing: str) -> str:
    """`312 of 500 races, about 40 min left; numpy against itself, 1 thread`. done: races; left: seconds"""
    races = f"{done} of {options.races} races" if options.races else counted(done, "race")
    return f"{races}, {about(left)} left; {doing}"
