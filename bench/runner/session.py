"""One run: launch after launch until its intervals are narrow or its time is spent. Knows nothing of pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import Any

from bench.analysis import race as race_analysis
from bench.analysis.race import Race
from bench.host.checkout import compiled_code
from bench.results.journal import Journal
from bench.results.record import Record, Results
from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from bench.runner import estimate, resume, run_results, selection
from bench.runner import settings as run_settings
from bench.runner.inputs import InputCache
from bench.runner.launch import Launch, resources_for
from bench.runner.run_results import WallTime
from bench.runner.settings import FEWEST_LAUNCHES, Settings
from bench.workloads.catalog import Workload
from bench.workloads.datasets import DatasetUnavailable
from kernels.ceilings import specs as ceilings


class Stop(Exception):  # noqa: N818 - as StopIteration
    """No more is to be measured."""


class Session:
    """The races of a run."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        workloads: Sequence[Workload],
        settings: Settings | None = None,
        input_cache: InputCache | None = None,
        enough: Callable[[Race], bool] = race_analysis.is_precise_enough,
    ) -> None:
        """Plan nothing yet.

        materials: kept from one run to the next by whoever has several; who closes them
        enough: whether a race may end after the fewest launches; it looks at widths, never at what they say
        """
        self.candidates = {candidate.name: candidate for candidate in candidates}
        self.workloads = {workload.name: workload for workload in workloads}
        self.settings = settings or Settings()
        self.plan: dict[str, list[Candidate]] = {}
        """Workload → those that race on it, baselines included."""
        self.blocks: list[LaunchResult] = []
        self.ran = False
        self.journal: Journal | None = None
        self._began = datetime.now(UTC)
        self._input_cache = input_cache or InputCache()
        self._own_materials = input_cache is None
        self._enough = enough
        self._comparisons: dict[str, list[Candidate]] = {}
        self._wall_time = WallTime()

    # -- what is to be done --

    def choose(self, cells: Iterable[tuple[str, str]], baselines: bool = True) -> None:
        """Plan these (workload, kernel), with the baselines that they need."""
        chosen: dict[str, list[Candidate]] = {}
        for workload, kernel in dict.fromkeys(cells):
            chosen.setdefault(workload, []).append(self.candidates[kernel])
        self.plan = {
            name: selection.with_baselines(candidates, self.workloads[name]) if baselines else candidates
            for name, candidates in chosen.items()
        }
        for name, others in self._comparisons.items():
            for other in others:
                if name in self.plan and other.name not in {candidate.name for candidate in self.plan[name]}:
                    self.plan[name] = [replace(other, selected=False, requested=False), *self.plan[name]]

    def add_comparison(self, workload: str, candidate: Candidate) -> None:
        """Have another race there, if anything does, to be compared with."""
        self._comparisons.setdefault(workload, []).append(candidate)

    def estimated_seconds(self) -> float:
        """How long it will take, without making any data."""
        return estimate.run_seconds(self.plan, self.workloads, self.settings, self._launches())

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of threads that anything races on."""
        return run_settings.thread_counts(self.plan, self.settings)

    def _launches(self) -> list[run_settings.Together]:
        batches = self._input_cache.batches(self.workloads[name] for name in self.plan)
        return [together for batch in batches for together in run_settings.launches(batch, self.settings)]

    def keep_journal(self, results: Path) -> None:
        """Append every block to a journal beside the results file. Raises OSError."""
        self.journal = resume.keep_journal(results, self._described())

    def resume(self, folder: Path) -> Path:
        """Take over the last unfinished run in the folder. Returns its results file.

        Raises ValueError, in one line, if there is none, or it was of something else.
        """
        file, self.blocks = resume.resume(folder, self._described())
        for block in self.blocks:
            self._wall_time.add_earlier(block)
        return file

    def _described(self) -> dict[str, Any]:
        return resume.describe(self.plan, self.settings, self.candidates, self.workloads)

    # -- doing it --

    def run(
        self,
        tick: Callable[[str, float], None] = lambda _doing, _share: None,
        stop: Callable[[LaunchResult], bool] = lambda _block: False,
    ) -> None:
        """Measure all that is planned and not yet measured. What was finished stays, however it ends.

        tick: called often, and never while a round is timed, with what is being done and the share that is done.
        stop: whether to end here, asked after each block.
        """
        self.ran = True
        try:
            with compiled_code() as cache:
                launches, done = self._launches(), 0
                whole = sum(len(together.workloads) for together in launches)
                for together in launches:

                    def ticked(doing: str, place: int, done: int = done) -> None:
                        tick(doing, (done + place) / whole)

                    self._launch(together, cache, ticked, stop)
                    done += len(together.workloads)
        except Stop:
            pass
        finally:
            if self._own_materials:
                self._input_cache.close()

    def _launch(
        self,
        together: run_settings.Together,
        cache: Path,
        tick: Callable[[str, int], None],
        stop: Callable[[LaunchResult], bool],
    ) -> None:
        names, threads, number = together.workloads, together.threads, together.launch
        todo = [name for name in names if not self.is_finished(name, threads, number)]
        if not todo:
            return
        launch = Launch(number, resources_for(threads, cache, self.settings.timeout))
        try:
            for place, name in enumerate(todo, start=len(names) - len(todo)):

                def ticked(doing: str, place: int = place, where: str = f"launch {number + 1}, {name}") -> None:
                    tick(f"{where}: {doing}", place)

                ticked("preparing")
                block = self._block(launch, name, threads, ticked)
                self.blocks.append(block)
                if self.journal:
                    self.journal.append(block)
                if stop(block):
                    raise Stop
        finally:
            launch.close()

    def _block(self, launch: Launch, name: str, threads: int, tick: Callable[[str], None]) -> LaunchResult:
        workload, earlier = self.workloads[name], self.results_of(name, threads)
        skipped = {
            candidate.name: KernelSamples("skipped", why)
            for candidate in self.plan[name]
            if (why := run_settings.skip_reason(candidate, workload))
        }
        failed = {n for block in earlier for n, entry in block.entries.items() if entry.outcome != "ok"}
        specs = {e.name: e.spec for e in self.plan[name] if e.name not in skipped and e.name not in failed}
        control = race_analysis.control_for(earlier)
        if control in specs:
            specs[CONTROL.format(control)] = specs[control]
        else:
            control = None
        if self.settings.ceilings:
            specs |= {ceiling: spec for ceiling, spec in ceilings.SPECS.items() if ceiling not in failed}
        try:
            inputs = self._input_cache.of(workload)
        except MemoryError:
            none = KernelSamples("out-of-memory", f"{name} and its probes do not fit into memory")
            return LaunchResult(name, threads, launch.number, skipped | dict.fromkeys(specs, none))
        except DatasetUnavailable as unavailable:
            none = KernelSamples("skipped", str(unavailable))
            return LaunchResult(name, threads, launch.number, skipped | dict.fromkeys(specs, none))
        known = self.calibration_so_far(name, threads)
        block = launch.block(specs, inputs, self.settings.block_seconds, known, control, tick)
        self._wall_time.add(block)
        entries = skipped | block.entries if launch.number == 0 else block.entries
        return replace(block, entries=entries, data=inputs.digest)

    def calibration_so_far(self, workload: str, threads: int) -> dict[str, dict[str, Any]]:
        """What earlier launches chose and saw of each kernel; a control's worker does as its kernel does."""
        known: dict[str, dict[str, Any]] = {}
        for block in self.results_of(workload, threads):
            for name, entry in block.entries.items():
                if entry.iterations:
                    found = {"iterations": entry.iterations, "busy_threads": entry.seen.get("busy_threads")}
                    known.setdefault(name, found)
                    known.setdefault(CONTROL.format(name), found)
        calls = {name: found["iterations"] for name, found in known.items()}
        for candidate in self.plan[workload]:
            if candidate.same_iterations_as in calls and candidate.name in calls:
                both = sqrt(
                    calls[candidate.name] * calls[candidate.same_iterations_as]
                )  # neither round far too short, nor too long
                known[candidate.name]["iterations"] = max(1, round(both))
        return known

    def is_finished(self, workload: str, threads: int, launch: int) -> bool:
        """Whether the launch has run, or is not needed. A race stops on its widths, never on what they say."""
        blocks = self.results_of(workload, threads)
        if any(block.launch == launch for block in blocks):
            return True
        fixed = self.settings.launches or not self.settings.seconds
        if fixed or len(blocks) < FEWEST_LAUNCHES:
            return False
        return self._enough(Race(self.workloads[workload], threads, tuple(blocks), tuple(self.plan[workload])))

    def results_of(self, workload: str, threads: int) -> list[LaunchResult]:
        """What the workload's launches with so many threads came to."""
        return [block for block in self.blocks if (block.workload, block.threads) == (workload, threads)]

    @property
    def races(self) -> list[Race]:
        """Those that have begun, in the order of the plan."""
        return [
            Race(self.workloads[name], threads, tuple(blocks), tuple(self.plan[name]))
            for threads in self.counts
            for name in self.plan
            if (blocks := self.results_of(name, threads))
        ]

    def race(self, workload: str, threads: int) -> Race | None:
        """The workload's race with so many threads, if it has begun."""
        return next((race for race in self.races if race.key == (workload, threads)), None)

    def record(self, workload: str, kernel: str, threads: int) -> Record:
        """What the kernel did on the workload; the run may have ended before it."""
        candidates = tuple(self.plan[workload])
        race = self.race(workload, threads) or Race(self.workloads[workload], threads, (), candidates)
        return next(record for record in race.records if record.kernel == kernel)

    def results(self) -> Results:
        """All that was measured so far."""
        return run_results.results(self.races, self.settings, self.counts, self._began, self._wall_time)

    def reserve(self, folder: Path) -> Path:
        """Where this run's file will be. Raises OSError if nothing can be written there."""
        return run_results.reserve(folder, self._began)
