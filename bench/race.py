"""One workload's kernels, one after another, and the records of what they did.

`race` is the only function that knows how timing is arranged: today each kernel's rounds follow those
of the one before, in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, isfinite

from bench import machine, statistics, worker, workloads
from bench.datasets import DatasetUnavailable
from bench.record import Cold, Error, Ratio, Record
from bench.selection import Entrant
from bench.statistics import FEWEST_ROUNDS, Estimate
from bench.worker import Run
from bench.workloads import Workload

OPERATION = "gradient"


@dataclass(frozen=True)
class Race:
    """What came of it: a record and the rounds (seconds per call) of each entrant."""

    workload: Workload
    records: tuple[Record, ...]
    rounds: dict[str, tuple[float, ...]]

    def as_json(self) -> dict[str, object]:
        """The race's part of a results file; launches, control and ceilings are one, none and none yet."""
        return {
            "workload": self.workload.name,
            "launches": 1,
            "control": None,
            "ceilings": None,
            "rounds": [
                {"kernel": kernel, "launch": 0, "order": order, "seconds": list(seconds)}
                for order, (kernel, seconds) in enumerate(self.rounds.items())
            ],
        }


def estimated_seconds(entrant: Entrant, workload: Workload, seconds: float) -> float:
    """How long an entrant will take, to about a factor of two; the first one also makes the data."""
    if entrant.spec in workload.left_out and not entrant.by_name:
        return 0.0
    call = max(workloads.nominal_seconds(entrant.spec, workload), workload.m * workload.n * 2e-9)
    return 6 * call + max(seconds * 1.2, 2 * FEWEST_ROUNDS * call) if seconds else 6 * call


def race(
    entrants: Sequence[Entrant],
    workload: Workload,
    seconds: float = 1.0,
    tick: Callable[[str], None] = lambda _kernel: None,
) -> Race:
    """Check and time the entrants on the workload, each for about so many seconds; 0 checks them only.

    tick: called with the kernel's name, often, and never while a round is timed.
    One kernel's end never ends the race: what it came to is in its record.
    """
    runs: dict[str, tuple[Entrant, Run]] = {}
    for entrant in entrants:
        tick(entrant.name)
        runs[entrant.name] = entrant, _run(entrant, workload, seconds, partial(tick, entrant.name))
    rounds = {name: run.rounds for name, (_, run) in runs.items() if run.rounds}
    records = tuple(_record(*entered, workload, rounds) for entered in runs.values())
    return Race(workload, records, rounds)


def _run(entrant: Entrant, workload: Workload, seconds: float, tick: Callable[[], None]) -> Run:
    why = workload.left_out.get(entrant.spec)
    if why and not entrant.by_name:
        return Run("skipped", why)
    try:
        return worker.run(entrant.spec, workload, seconds, tick)
    except DatasetUnavailable as unavailable:
        return Run("skipped", str(unavailable))


def _record(entrant: Entrant, run: Run, workload: Workload, rounds: dict[str, tuple[float, ...]]) -> Record:
    seconds = statistics.median_interval(run.rounds) if run.rounds else None
    return Record(
        id="/".join((OPERATION, workload.name, entrant.name)),
        operation=OPERATION,
        kernel=entrant.name,
        backend=run.kernel.backend.name if run.kernel else None,
        device=run.kernel.backend.device if run.kernel else None,
        workload=workload.name,
        m=workload.m,
        n=workload.n,
        dtype=str(workload.dtype),
        order=workload.order,
        threads=machine.usable_cores(),
        outcome=run.outcome,
        reason=run.reason,
        selected=entrant.selected,
        passes=run.kernel.passes if run.kernel else None,
        error=_error(run),
        cold=_cold(run, seconds) if run.outcome == "ok" else Cold(),
        rounds=len(run.rounds),
        iterations=run.iterations if run.rounds else 0,
        seconds=seconds,
        speedup=_over(workload.baseline, entrant.name, rounds),
        over_numpy=_over("numpy", entrant.name, rounds),
        bytes_per_call=workload.bytes_per_call,
        gigabytes_per_second=workload.bytes_per_call / seconds.estimate / 1e9 if seconds else None,
    )


def _error(run: Run) -> Error | None:
    own = [finding for finding in run.findings if finding.check in ("data", "unseen")]
    ulps, fraction = (
        max((getattr(f, key) for f in own), default=inf) for key in ("max_ulps", "bound_fraction")
    )
    return Error(ulps, fraction) if isfinite(ulps) and isfinite(fraction) else None


def _cold(run: Run, seconds: Estimate | None) -> Cold:
    first = run.first_call_seconds
    compiling = max(0.0, first - seconds.estimate) if first is not None and seconds else None
    return Cold(run.import_seconds, run.placement_seconds, compiling, first)


def _over(baseline: str, kernel: str, rounds: dict[str, tuple[float, ...]]) -> Ratio | None:
    if not {baseline, kernel} <= set(rounds):
        return None
    if kernel == baseline:
        return Ratio(1.0, 1.0, 1.0, baseline)  # by definition, and not by measuring
    times_faster = statistics.ratio(rounds[baseline], rounds[kernel])
    return Ratio(times_faster.estimate, times_faster.low, times_faster.high, baseline)
