"""From launches to records: the result of each kernel on a workload, over all launches. Pure: no clock, no files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from math import exp

from bench.analysis import guard, roofline, statistics
from bench.analysis.records import record_of
from bench.host import noise
from bench.results.record import Control, Fraction, Ratio, Record
from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from bench.workloads.catalog import Workload
from kernels.ceilings import specs


@dataclass(frozen=True)
class Race:
    """The launches of one workload so far, and what follows from them."""

    workload: Workload
    threads: int
    launch_results: tuple[LaunchResult, ...]
    candidates: tuple[Candidate, ...]

    @property
    def key(self) -> tuple[str, int]:
        """Workload and threads."""
        return self.workload.name, self.threads

    @classmethod
    def of(
        cls,
        workload: Workload,
        threads: int,
        launch_results: Sequence[LaunchResult],
        candidates: Sequence[Candidate],
    ) -> Race:
        """The race of these launches. If disturbances met one kernel far too often, all its sweeps count."""
        race = cls(workload, threads, tuple(launch_results), tuple(candidates))
        hits = guard.total(
            {
                name: guard.Hits(of_kernel[0], of_kernel[1], int(of_kernel[2]))
                for name, of_kernel in launch.hits.items()
            }
            for launch in launch_results
        )
        if not (kernel := guard.hit_too_often(hits)):
            return race
        reason = f"disturbances met {kernel} far more often than others"
        counting = race.with_disturbed()
        launches = (replace(launch, counts_all=reason) for launch in counting.launch_results)
        return replace(counting, launch_results=tuple(launches))

    def ratio(self, kernel: str | Candidate, over: str | Candidate) -> Ratio | None:
        """How many times as fast as the other a kernel is; None unless both were timed in the same launches.

        None also where one of them did not reach what the operation asks for: it was fast at something else.
        kernel, over: as they were given to `race`, or a kernel's name in results

        Raises ValueError, with the names, for a kernel that is not in the race.
        """
        return self.ratio_of_names(self._name(kernel), self._name(over))

    def _name(self, kernel: str | Candidate) -> str:
        """The name in results. Raises ValueError."""
        if isinstance(kernel, Candidate):
            kernel = kernel.name
        names = {name for launch in self.launch_results for name in launch.samples}
        names |= {candidate.name for candidate in self.candidates}
        of_spec = [candidate.name for candidate in self.candidates if candidate.spec == kernel]
        if kernel not in names and len(of_spec) != 1:  # two Candidates of one kernel have labels
            raise ValueError(f"no kernel of this race is called {kernel!r:.60}; expected {', '.join(sorted(names))}")
        return kernel if kernel in names else of_spec[0]

    def ratio_of_names(self, kernel: str, over: str) -> Ratio | None:
        """The same of names in results; None also for one that is not in the race, as a baseline may not be."""
        if not (self.reached(kernel) and self.reached(over)):
            return None
        if kernel == over:
            return Ratio(1.0, 1.0, 1.0, over) if self.rounds(kernel) else None  # by definition
        logs = self.log_ratios(kernel, over)
        if not logs or self.outcome(kernel)[0] != "ok" or self.outcome(over)[0] != "ok":
            return None
        ratio = statistics.interval(logs)
        half = statistics.half_width(logs)
        return Ratio(
            ratio.estimate if ratio else exp(logs[0]),
            ratio.low if ratio else None,
            ratio.high if ratio else None,
            over,
            statistics.verdict(ratio),
            len(logs),
            statistics.launches_needed(logs) if half > statistics.SMALLEST_EFFECT else None,
        )

    def log_ratios(self, kernel: str, over: str) -> list[float]:
        """log(time of the other / time of the kernel), one value for each launch that timed both."""
        pairs = [(launch.samples.get(over), launch.samples.get(kernel)) for launch in self.launch_results]
        return [
            statistics.log_ratio(numerator.rounds, denominator.rounds)
            for numerator, denominator in pairs
            if numerator is not None and denominator is not None and numerator.rounds and denominator.rounds
        ]

    def with_disturbed(self) -> Race:
        """The same race as if no sweep had been repeated. In a launch with `counts_all` that is already so."""
        launch_results = (
            launch
            if launch.counts_all
            else replace(launch, samples={name: one.with_disturbed() for name, one in launch.samples.items()})
            for launch in self.launch_results
        )
        return replace(self, launch_results=tuple(launch_results))

    def samples(self, kernel: str) -> list[KernelSamples]:
        """The kernel's samples from each launch that it took part in."""
        return [launch.samples[kernel] for launch in self.launch_results if kernel in launch.samples]

    def outcome(self, kernel: str) -> tuple[str, str]:
        """The kernel's outcome and its reason: from the first launch in which it was not ok."""
        samples = self.samples(kernel)
        failed = next((sample for sample in samples if sample.outcome != "ok"), None)
        if failed is not None:
            return failed.outcome, failed.reason
        return ("ok", "") if samples else ("skipped", "the run ended before it")

    def reached(self, kernel: str) -> bool:
        """Whether the kernel got, in all its checks, to where the operation asks it to."""
        return all(result.get("reached", True) for sample in self.samples(kernel) for result in sample.check_results)

    def rounds(self, kernel: str) -> list[float]:
        """Seconds per call in all rounds of all launches; empty unless the kernel was ok in every launch."""
        if self.outcome(kernel)[0] != "ok":
            return []
        return [seconds for sample in self.samples(kernel) for seconds in sample.rounds]

    @property
    def records(self) -> tuple[Record, ...]:
        """A record for each kernel."""
        return tuple(record_of(self, candidate) for candidate in self.candidates)

    def ceiling_seconds(self, kernel: str) -> list[dict[str, float]]:
        """Ceiling → seconds for one pass, in each launch that timed the kernel."""
        return [
            roofline.seconds(
                {method: launch.samples[method].rounds for method in self.ceilings_timed if method in launch.samples},
                self.workload.size,
                work.ceilings,
            )
            for launch in self.launch_results
            if (work := self.workload.work) and kernel in launch.samples and launch.samples[kernel].rounds
        ]

    def fraction(self, kernel: str) -> Fraction | None:
        """The share of the ceiling that the kernel reaches; None on another device, or without ceilings."""
        seconds = [statistics.lower_decile(sample.rounds) for sample in self.samples(kernel) if sample.rounds]
        ceilings = self.ceiling_seconds(kernel)
        names = specs.of_work(self.workload.work.ceilings) if self.workload.work else ()
        logs = roofline.log_fractions(ceilings, seconds, names) if self.outcome(kernel)[0] == "ok" else []
        on_cpu = all(sample.kernel.get("device") == "cpu" for sample in self.samples(kernel))
        if not (logs and on_cpu and self.reached(kernel)):
            return None
        share = statistics.interval(logs)
        return Fraction(
            roofline.limiting_ceiling(ceilings), *(astuple(share) if share else (exp(logs[0]), None, None))
        )

    @property
    def half_widths(self) -> dict[str, float]:
        """Kernel → the half-width of its ratio over the baseline (or the first kernel), as a logarithm."""
        first = next((candidate.name for candidate in self.candidates if self.rounds(candidate.name)), "")
        against = self.workload.baseline if self.rounds(self.workload.baseline) else first
        return {
            candidate.name: statistics.half_width(self.log_ratios(candidate.name, against))
            for candidate in self.candidates
            if candidate.name != against and self.rounds(candidate.name) and self.reached(candidate.name)
        }

    def control(self, untrusted: set[tuple[str, int]]) -> Control | None:
        """The ratio of the control kernel to itself. untrusted: the races whose control shows a difference."""
        ratio = statistics.interval(self.control_logs)
        if ratio is None:
            return None
        trusted = self.key not in untrusted
        samples = [sample for launch in self.launch_results for sample in launch.samples.values() if sample.rounds]
        causes = noise.likely_causes(
            [launch.noise for launch in self.launch_results],
            # with more threads, another thread of the kernel on the same physical core would slow the spin
            [sample.counters["spin_seconds"] for sample in samples if sample.counters["busy_threads"] == 1],
            max(sample.counters["page_faults_per_call"] for sample in samples),
        )
        return Control(
            str(self.control_of), ratio.estimate, ratio.low, ratio.high, trusted, () if trusted else tuple(causes)
        )

    @property
    def control_of(self) -> str | None:
        """The kernel that ran in two workers as a control; None before the control is chosen."""
        return next((launch.control_of for launch in self.launch_results if launch.control_of), None)

    @property
    def control_logs(self) -> list[float]:
        """The control's log-ratio, one value for each launch that had a control."""
        kernel = self.control_of
        return self.log_ratios(CONTROL.format(kernel), kernel) if kernel else []

    @property
    def ceilings(self) -> dict[str, dict[str, float]] | None:
        """Ceiling → seconds for this workload, and the rate; None if no ceiling was measured."""
        rounds = {method: [sample.rounds for sample in self.samples(method)] for method in self.ceilings_timed}
        work = self.workload.work
        return (roofline.ceiling_table(rounds, self.workload.size, work.ceilings) or None) if work else None

    @property
    def ceilings_timed(self) -> tuple[str, ...]:
        """The ceiling workers that were ok in every launch."""
        return tuple(method for method in specs.SPECS if self.rounds(method))

    @property
    def ceilings_failed(self) -> list[dict[str, str]]:
        """The ceiling workers that failed: name, what it measures, outcome and reason."""
        return roofline.failures({method: self.outcome(method) for method in specs.SPECS if self.samples(method)})

    @property
    def details(self) -> dict[str, float]:
        """What a reader must know of the workload beside its size, by name; empty if its data were never made."""
        return next((launch.details for launch in self.launch_results if launch.details), {})


def is_precise_enough(race: Race) -> bool:
    """Whether every ratio over the baseline is known to within the smallest effect."""
    return all(half <= statistics.SMALLEST_EFFECT for half in race.half_widths.values())


def untrusted_races(races: Iterable[Race]) -> set[tuple[str, int]]:
    """The races whose control shows a difference, at a level of 5% for all races together."""
    races = list(races)
    keys = {str(race.key): race.key for race in races}
    differing = statistics.differing_controls({str(race.key): race.control_logs for race in races})
    return {keys[name] for name in differing}
