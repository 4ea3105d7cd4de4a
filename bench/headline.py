"""What a run says of its machine in a line for each workload: its fastest kernel, and what that reaches. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bench.record import Ratio, Record, Results


@dataclass(frozen=True)
class Headline:
    """Of one workload with so many threads."""

    workload: str
    threads: int
    fastest: Record
    read_bytes_per_second: float | None
    """How fast the machine reads X and y; None where that was not measured."""

    @property
    def seconds(self) -> float:
        """Of a call."""
        assert self.fastest.seconds, "only what was timed can be the fastest"
        return self.fastest.seconds.median

    @property
    def over_baseline(self) -> Ratio | None:
        """None where the fastest is the baseline."""
        ratio = self.fastest.speedup
        return None if ratio is None or ratio.baseline == self.fastest.kernel else ratio

    @property
    def over_numpy(self) -> Ratio | None:
        """None where the fastest is numpy."""
        return None if self.fastest.kernel == "numpy" else self.fastest.over_numpy


def headlines(results: Results) -> list[Headline]:
    """One for each race that timed something, in the order of the run."""
    found = []
    for race in results.races:
        key = race["workload"], race["threads"]
        timed = [
            record
            for record in results.records
            if record.outcome == "ok" and record.seconds and (record.workload, record.threads) == key
        ]
        if timed:
            fastest = min(timed, key=lambda record: record.seconds.median if record.seconds else 0.0)
            read = (race.get("ceilings") or {}).get("read") or {}
            found.append(Headline(*key, fastest, read.get("bytes_per_second")))
    return found


def largest(found: list[Headline]) -> Headline | None:
    """The one of the most numbers: what tells the most of a machine's memory; None where nothing was timed."""
    return max(found, key=lambda one: one.fastest.bytes_per_call, default=None)
