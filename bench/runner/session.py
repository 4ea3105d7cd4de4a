"""One run: launches until the intervals are narrow enough or the time is used up. Does not depend on pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.analysis import race as race_analysis
from bench.analysis.race import Race
from bench.host.checkout import compiled_code_folder
from bench.results.journal import Journal
from bench.results.record import Record, Results
from bench.results.samples import Candidate, KernelSamples, LaunchResult
from bench.runner import estimate, resume, run_results, selection, settings as run_settings
from bench.runner.inputs import InputCache
from bench.runner.launch import Launch
from bench.runner.race_setup import race_setup
from bench.runner.run_results import WallTime
from bench.runner.settings import FEWEST_LAUNCHES, PlannedLaunch, Settings
from bench.runner.worker_resources import resources_for
from bench.workloads.catalog import Workload


class Stop(Exception):  # noqa: N818 - as StopIteration
    """Ends the run."""


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
        """Create a session with an empty plan.

        input_cache: shared by several sessions, whose owner closes it; None: this session has its own
        enough: whether a race may stop after the fewest launches. It may use the widths of intervals, never the
            estimates: a race that stops at a favourable estimate is biased.
        """
        self.candidates = {candidate.name: candidate for candidate in candidates}
        self.workloads = {workload.name: workload for workload in workloads}
        self.settings = settings or Settings()
        self.plan: dict[str, list[Candidate]] = {}
        """Workload → the candidates that race on it, including baselines."""
        self.launch_results: list[LaunchResult] = []
        self.ran = False
        self.journal: Journal | None = None
        self._began = datetime.now(UTC)
        self._input_cache = input_cache or InputCache()
        self._owns_input_cache = input_cache is None
        self._enough = enough
        self._comparisons: dict[str, list[Candidate]] = {}
        self._wall_time = WallTime()

    def choose(self, cells: Iterable[tuple[str, str]], baselines: bool = True) -> None:
        """Plan these pairs of workload and kernel, and the baselines that they need."""
        chosen: dict[str, list[Candidate]] = {}
        for workload, kernel in dict.fromkeys(cells):
            chosen.setdefault(workload, []).append(self.candidates[kernel])
        self.plan = {
            name: selection.with_baselines(candidates, self.workloads[name]) if baselines else candidates
            for name, candidates in chosen.items()
        }
        for name, comparisons in self._comparisons.items():
            for comparison in comparisons:
                if name in self.plan and comparison.name not in {candidate.name for candidate in self.plan[name]}:
                    self.plan[name] = [replace(comparison, selected=False, requested=False), *self.plan[name]]

    def add_comparison(self, workload: str, candidate: Candidate) -> None:
        """Add a kernel to compare with, if anything races on the workload."""
        self._comparisons.setdefault(workload, []).append(candidate)

    def estimated_seconds(self) -> float:
        """How long the run will take. Makes no data."""
        return estimate.run_seconds(self.plan, self.workloads, self.settings, self._launches())

    @property
    def thread_counts(self) -> tuple[int, ...]:
        """All numbers of threads in the plan."""
        return run_settings.thread_counts(self.plan, self.settings)

    def _launches(self) -> list[PlannedLaunch]:
        batches = self._input_cache.batches(self.workloads[name] for name in self.plan)
        return [
            launch
            for batch in batches
            for launch in run_settings.planned_launches([self.workloads[name] for name in batch], self.settings)
        ]

    def keep_journal(self, results: Path) -> Path:
        """Append every launch's results to a journal beside the results file. Raises OSError.

        Returns the path of the results file, numbered if another run has a journal of that name.
        """
        self.journal = resume.keep_journal(results, self._describe())
        return self.journal.path.with_suffix(results.suffix)

    def resume(self, folder: Path) -> tuple[Path, tuple[str, ...]]:
        """Continue the last unfinished run in the folder.

        Returns the path of its results file, and for each later journal why it was skipped. Raises ValueError, in one
        line, if there is none, or it measured something else.
        """
        resumed = resume.resume_run(folder, self._describe())
        self.journal, self.launch_results = resumed.journal, resumed.launch_results
        for launch_result in self.launch_results:
            self._wall_time.add_earlier(launch_result)
        return resumed.journal.path.with_suffix(".json"), resumed.skipped

    def _describe(self) -> dict[str, Any]:
        return resume.describe(self.plan, self.settings, self.candidates, self.workloads)

    def run(
        self,
        tick: Callable[[str, float], None] = lambda _step, _fraction: None,
        stop: Callable[[LaunchResult], bool] = lambda _launch_result: False,
    ) -> None:
        """Measure what is planned and not yet measured. Finished launches are kept, however the run ends.

        tick: called often, but never while a round is timed, with the current step and the fraction that is done
        stop: called after each launch on a workload; whether to end the run
        """
        self.ran = True
        try:
            with compiled_code_folder() as cache:
                launches, done = self._launches(), 0
                total = sum(len(planned.workloads) for planned in launches)
                for planned in launches:

                    def tick_launch(step: str, position: int, done: int = done) -> None:
                        tick(step, (done + position) / total)

                    self._launch(planned, cache, tick_launch, stop)
                    done += len(planned.workloads)
        except Stop:
            pass
        finally:
            if self._owns_input_cache:
                self._input_cache.close()

    def _launch(
        self,
        planned: PlannedLaunch,
        cache: Path,
        tick: Callable[[str, int], None],
        stop: Callable[[LaunchResult], bool],
    ) -> None:
        names, threads, number = planned.workloads, planned.threads, planned.number
        remaining = [name for name in names if not self.is_finished(name, threads, number)]
        if not remaining:
            return
        launch = Launch(number, resources_for(threads, cache, self.settings.timeout))
        try:
            for position, name in enumerate(remaining, start=len(names) - len(remaining)):

                def tick_workload(
                    step: str, position: int = position, prefix: str = f"launch {number + 1}, {name}"
                ) -> None:
                    tick(f"{prefix}: {step}", position)

                tick_workload("preparing")
                launch_result = self._measure(launch, name, threads, tick_workload)
                self.launch_results.append(launch_result)
                if self.journal:
                    self.journal.append(launch_result)
                if stop(launch_result):
                    raise Stop
        finally:
            launch.close()

    def _measure(self, launch: Launch, name: str, threads: int, tick: Callable[[str], None]) -> LaunchResult:
        workload = self.workloads[name]
        setup = race_setup(self.plan[name], workload, self.results_of(name, threads), self.settings)
        inputs = self._input_cache.inputs_or_failure(workload)
        if isinstance(inputs, KernelSamples):
            samples = {**setup.skipped, **dict.fromkeys(setup.specs, inputs)}
            return LaunchResult(name, threads, launch.number, samples)
        measured = launch.measure(setup, inputs, tick)
        self._wall_time.add(measured)
        samples = {**setup.skipped, **measured.samples} if launch.number == 0 else measured.samples
        return replace(measured, samples=samples, data=inputs.digest, details=inputs.details)

    def is_finished(self, workload: str, threads: int, launch: int) -> bool:
        """Whether the launch has run, or is not needed."""
        results = self.results_of(workload, threads)
        if any(result.launch == launch for result in results):
            return True
        fixed = self.settings.launches or not self.settings.seconds
        if fixed or len(results) < FEWEST_LAUNCHES:
            return False
        return self._enough(Race.of(self.workloads[workload], threads, results, self.plan[workload]))

    def results_of(self, workload: str, threads: int) -> list[LaunchResult]:
        """The results of the workload's launches with so many threads."""
        key = workload, threads
        return [result for result in self.launch_results if (result.workload, result.threads) == key]

    @property
    def races(self) -> list[Race]:
        """The races that have begun, in the order of the plan."""
        return [
            Race.of(self.workloads[name], threads, results, self.plan[name])
            for threads in self.thread_counts
            for name in self.plan
            if (results := self.results_of(name, threads))
        ]

    def race(self, workload: str, threads: int) -> Race | None:
        """The workload's race with so many threads; None if it has not begun."""
        return next((race for race in self.races if race.key == (workload, threads)), None)

    def record(self, workload: str, kernel: str, threads: int) -> Record:
        """The kernel's record on the workload, also where the run ended before it."""
        candidates = tuple(self.plan[workload])
        race = self.race(workload, threads) or Race(self.workloads[workload], threads, (), candidates)
        return next(record for record in race.records if record.kernel == kernel)

    def results(self) -> Results:
        """All that was measured so far."""
        return run_results.results(self.races, self.settings, self.thread_counts, self._began, self._wall_time)

    def reserve(self, folder: Path) -> Path:
        """The path for this run's results file. Raises OSError if the folder is not writable."""
        return run_results.reserve(folder, self._began)
