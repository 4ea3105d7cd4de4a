"""From blocks to records: what all launches together say of each kernel on a workload. Pure: no clock, no files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from math import exp
from statistics import median
from typing import Any

from bench.analysis import roofline, statistics
from bench.analysis.records import record_of
from bench.host import noise
from bench.results.record import Control, Fraction, Ratio, Record
from bench.results.samples import CONTROL, Candidate, KernelSamples, LaunchResult
from bench.worker import environment
from bench.workloads.catalog import Workload
from kernels.ceilings import specs


@dataclass(frozen=True)
class Race:
    """What came of one workload's race, so far."""

    workload: Workload
    threads: int
    blocks: tuple[LaunchResult, ...]
    candidates: tuple[Candidate, ...]

    @property
    def key(self) -> tuple[str, int]:
        """Workload and threads."""
        return self.workload.name, self.threads

    def ratio(self, kernel: str, over: str) -> Ratio | None:
        """How many times faster than the other a kernel is; None unless both were timed side by side."""
        if kernel == over:
            return Ratio(1.0, 1.0, 1.0, over) if self.rounds(kernel) else None  # by definition
        logs = self.log_ratios(kernel, over)
        if not logs or self.outcome(kernel)[0] != "ok" or self.outcome(over)[0] != "ok":
            return None
        found = statistics.interval(logs)
        half = statistics.half_width(logs)
        return Ratio(
            found.estimate if found else exp(logs[0]),
            found.low if found else None,
            found.high if found else None,
            over,
            statistics.verdict(found),
            len(logs),
            statistics.launches_needed(logs) if half > statistics.SMALLEST_EFFECT else None,
        )

    def log_ratios(self, kernel: str, over: str) -> list[float]:
        """log(time of the other / time of the kernel), a number for each launch that timed both."""
        pairs = [(block.entries.get(over), block.entries.get(kernel)) for block in self.blocks]
        return [
            statistics.log_ratio(other.rounds, own.rounds)
            for other, own in pairs
            if other is not None and own is not None and other.rounds and own.rounds
        ]

    def launches(self, kernel: str) -> list[KernelSamples]:
        """What the kernel did in each launch that it was a part of."""
        return [block.entries[kernel] for block in self.blocks if kernel in block.entries]

    def outcome(self, kernel: str) -> tuple[str, str]:
        """The kernel's outcome and its reason: the first that is not ok."""
        entries = self.launches(kernel)
        failed = next((entry for entry in entries if entry.outcome != "ok"), None)
        if failed is not None:
            return failed.outcome, failed.reason
        return ("ok", "") if entries else ("skipped", "the run ended before it")

    def rounds(self, kernel: str) -> list[float]:
        """Seconds of a call, all rounds of all launches; none unless it is ok throughout."""
        if self.outcome(kernel)[0] != "ok":
            return []
        return [seconds for entry in self.launches(kernel) for seconds in entry.rounds]

    @property
    def records(self) -> tuple[Record, ...]:
        """A record for each kernel."""
        return tuple(record_of(self, candidate) for candidate in self.candidates)

    def limits(self, kernel: str) -> list[dict[str, float]]:
        """What was measured of the machine, in each launch that timed the kernel."""
        return [
            roofline.seconds(
                {way: block.entries[way].rounds for way in self.ceilings_timed if way in block.entries},
                self.workload.bytes_of_x,
            )
            for block in self.blocks
            if kernel in block.entries and block.entries[kernel].rounds
        ]

    def fraction(self, kernel: str) -> Fraction | None:
        """How much of the limit the kernel reaches; None where it computes elsewhere, or no limit was measured."""
        medians = [median(entry.rounds) for entry in self.launches(kernel) if entry.rounds]
        limits = self.limits(kernel)
        logs = roofline.fractions(limits, medians) if self.outcome(kernel)[0] == "ok" else []
        if not logs or any(entry.kernel.get("device") != "cpu" for entry in self.launches(kernel)):
            return None
        found = statistics.interval(logs)
        return Fraction(roofline.limiting_ceiling(limits), *(astuple(found) if found else (exp(logs[0]), None, None)))

    @property
    def half_widths(self) -> dict[str, float]:
        """Kernel → the half-width of its ratio over the baseline (or the first), as a logarithm."""
        first = next((candidate.name for candidate in self.candidates if self.rounds(candidate.name)), "")
        against = self.workload.baseline if self.rounds(self.workload.baseline) else first
        return {
            candidate.name: statistics.half_width(self.log_ratios(candidate.name, against))
            for candidate in self.candidates
            if candidate.name != against and self.rounds(candidate.name)
        }

    def control(self, untrusted: set[tuple[str, int]]) -> Control | None:
        """The fastest compiled kernel against itself. differing: the races whose control shows a difference."""
        logs = self.control_logs
        found = statistics.interval(logs)
        if found is None:
            return None
        trusted = self.key not in untrusted
        entries = [entry for block in self.blocks for entry in block.entries.values() if entry.rounds]
        causes = noise.likely_causes(
            [block.noise for block in self.blocks],
            # another thread of the same kernel, on a core that shares its units, would slow the spin
            [entry.seen["spin_seconds"] for entry in entries if entry.seen["busy_threads"] == 1],
            max(entry.seen["page_faults_per_call"] for entry in entries),
        )
        return Control(
            str(next(block.control_of for block in self.blocks if block.control_of)),
            found.estimate,
            found.low,
            found.high,
            trusted,
            () if trusted else tuple(causes),
        )

    @property
    def control_logs(self) -> list[float]:
        """The control's log-ratio, a number for each launch that had one."""
        of = next((block.control_of for block in self.blocks if block.control_of), None)
        return self.log_ratios(CONTROL.format(of), of) if of else []

    @property
    def ceilings(self) -> dict[str, dict[str, float]] | None:
        """What was measured of the machine: seconds for this workload, and the rate; None where nothing was."""
        rounds = {way: [entry.rounds for entry in self.launches(way)] for way in self.ceilings_timed}
        return roofline.ceiling_table(rounds, self.workload.m, self.workload.n, self.workload.dtype.itemsize) or None

    @property
    def ceilings_timed(self) -> tuple[str, ...]:
        """The workers that measured the machine, and were ok in every launch."""
        return tuple(way for way in specs.SPECS if self.rounds(way))

    @property
    def ceilings_failed(self) -> list[dict[str, str]]:
        """Those that were not: name, what it measures, outcome and reason."""
        return roofline.failures({way: self.outcome(way) for way in specs.SPECS if self.launches(way)})

    def as_json(self, untrusted: set[tuple[str, int]]) -> dict[str, Any]:
        """The race's part of a results file."""
        control = self.control(untrusted)
        return {
            "workload": self.workload.name,
            "threads": self.threads,
            "launches": len(self.blocks),
            "data": next((block.data for block in self.blocks if block.data), None),
            "control": None if control is None else asdict(control),
            "ceilings": self.ceilings,
            "ceilings_failed": self.ceilings_failed,
            "worker_environment": environment.settings(self.threads),
            "noise": [block.noise for block in self.blocks],
            "seconds": [block.seconds for block in self.blocks],
            "rounds": [
                {
                    "kernel": name,
                    "launch": block.launch,
                    "order": list(entry.places),
                    "seconds": list(entry.rounds),
                }
                for block in self.blocks
                for name, entry in block.entries.items()
                if entry.rounds and self.outcome(name)[0] == "ok"
            ],
        }


def is_precise_enough(race: Race) -> bool:
    """Whether every ratio over the baseline is known to the smallest effect."""
    return all(half <= statistics.SMALLEST_EFFECT for half in race.half_widths.values())


def untrusted_races(races: Iterable[Race]) -> set[tuple[str, int]]:
    """The races that are not to be trusted: their control shows a difference, at 5% for all together."""
    races = list(races)
    names = {str(race.key): race.key for race in races}
    found = statistics.differing({str(race.key): race.control_logs for race in races})
    return {names[name] for name in found}


def control_for(blocks: Sequence[LaunchResult]) -> str | None:
    """Whose second worker is the control: the fastest that the first launch compiled, else the fastest."""
    entries = blocks[0].entries if blocks else {}
    timed = {name: entry for name, entry in entries.items() if entry.rounds and name not in specs.SPECS}
    among = {name: entry for name, entry in timed.items() if entry.kernel.get("compiles")} or timed
    return min(among, key=lambda name: median(among[name].rounds), default=None)
