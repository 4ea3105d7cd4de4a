"""One workload's kernels, one after another, and the records of what they did.

`race` decides in which order and where kernels are timed, `worker` how one is: today each kernel's rounds
follow those of the one before, in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite

from bench import machine, statistics, worker, workloads
from bench.datasets import DatasetUnavailable
from bench.record import Cold, Error, Ratio, Record, Seconds
from bench.selection import Entrant
from bench.statistics import FEWEST_ROUNDS
from bench.worker import Measurement
from bench.workloads import Workload

OPERATION = "gradient"

# for the estimate of how long it will take
_ELEMENT_SECONDS = 2e-9  # of a call, for each element of X: a compiled kernel at 2 GB/s (float32) or 4 GB/s
_CHECK_CALLS = 8  # the first call and the gate's seven
_WARM_UP = 1.2  # choosing the iterations, placing the parameters


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
    """How long an entrant will take, without making the data; to about a factor of two."""
    if _left_out(entrant, workload):
        return 0.0
    call = max(workloads.nominal_seconds(entrant.spec, workload), workload.m * workload.n * _ELEMENT_SECONDS)
    timing = max(_WARM_UP * seconds, 2 * FEWEST_ROUNDS * call) if seconds else 0.0
    return _CHECK_CALLS * call + timing


def race(
    entrants: Sequence[Entrant],
    workload: Workload,
    seconds: float = 1.0,
    tick: Callable[[str], None] = lambda _kernel: None,
    keep: Callable[[Race], None] = lambda _race: None,
) -> Race:
    """Check and time the entrants on the workload, each for about so many seconds; 0 checks them only.

    tick: called with the kernel's name, often, and never while a round is timed.
    keep: called with the race so far when a kernel has finished, so that an interruption loses one only.
    One kernel's end never ends the race: what it came to is in its record.
    """
    runs: dict[str, tuple[Entrant, Measurement]] = {}
    so_far = Race(workload, (), {})
    for entrant in entrants:
        tick(entrant.name)
        runs[entrant.name] = entrant, _run(entrant, workload, seconds, partial(tick, entrant.name))
        rounds = {name: measured.rounds for name, (_, measured) in runs.items() if measured.rounds}
        so_far = Race(
            workload, tuple(_record(*entered, workload, rounds) for entered in runs.values()), rounds
        )
        keep(so_far)
    return so_far


def _run(entrant: Entrant, workload: Workload, seconds: float, tick: Callable[[], None]) -> Measurement:
    if why := _left_out(entrant, workload):
        return Measurement("skipped", why)
    try:
        return worker.measure(entrant.spec, workload, seconds, tick)
    except MemoryError:
        return Measurement("out-of-memory", f"{workload.name} and its probes do not fit into memory")
    except DatasetUnavailable as unavailable:
        return Measurement("skipped", str(unavailable))


def _left_out(entrant: Entrant, workload: Workload) -> str:
    """Why the workload leaves the kernel out; empty where it does not, or the kernel was asked for."""
    return "" if entrant.by_name else workload.left_out.get(entrant.spec, "")


def _record(
    entrant: Entrant, measured: Measurement, workload: Workload, rounds: dict[str, tuple[float, ...]]
) -> Record:
    median = statistics.median_interval(measured.rounds) if measured.rounds else None
    seconds = Seconds(median.estimate, median.low, median.high) if median else None
    return Record(
        id="/".join((OPERATION, workload.name, entrant.name)),
        operation=OPERATION,
        kernel=entrant.name,
        backend=measured.kernel.backend.name if measured.kernel else None,
        device=measured.kernel.backend.device if measured.kernel else None,
        workload=workload.name,
        m=workload.m,
        n=workload.n,
        dtype=str(workload.dtype),
        order=workload.order,
        threads=machine.usable_cores(),
        outcome=measured.outcome,
        reason=measured.reason,
        selected=entrant.selected,
        passes=measured.kernel.passes if measured.kernel else None,
        error=_error(measured),
        cold=_cold(measured, seconds) if measured.outcome == "ok" else Cold(),
        rounds=len(measured.rounds),
        iterations=measured.iterations if measured.rounds else 0,
        seconds=seconds,
        speedup=_over(workload.baseline, entrant.name, rounds),
        over_numpy=_over("numpy", entrant.name, rounds),
        bytes_per_call=workload.bytes_per_call,
        gigabytes_per_second=workload.bytes_per_call / seconds.median / 1e9 if seconds else None,
    )


def _error(measured: Measurement) -> Error | None:
    own = [finding for finding in measured.findings if finding.check in ("data", "unseen")]
    if not own or not all(isfinite(finding.max_ulps) for finding in own):
        return None
    return Error(max(finding.max_ulps for finding in own), max(finding.bound_fraction for finding in own))


def _cold(measured: Measurement, seconds: Seconds | None) -> Cold:
    first = measured.first_call_seconds
    compiling = max(0.0, first - seconds.median) if first is not None and seconds else None
    return Cold(measured.import_seconds, measured.placement_seconds, compiling, first)


def _over(baseline: str, kernel: str, rounds: dict[str, tuple[float, ...]]) -> Ratio | None:
    if not {baseline, kernel} <= set(rounds):
        return None
    if kernel == baseline:
        return Ratio(1.0, 1.0, 1.0, baseline)  # by definition, and not by measuring
    times_faster = statistics.ratio(rounds[baseline], rounds[kernel])
    return Ratio(times_faster.estimate, times_faster.low, times_faster.high, baseline)
